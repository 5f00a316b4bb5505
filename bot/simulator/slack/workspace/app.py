"""The one app of the workspace: who it is, what it may do, and which events it receives."""

from collections.abc import Mapping
from typing import Any

from bot.simulator.slack.workspace.ids import Ids
from bot.simulator.slack.workspace.records import Person

SCOPES: Mapping[str, tuple[str, ...]] = {
    "chat": ("chat:write",),
    "mentions": ("app_mentions:read",),
    "history": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "channels": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "dms": ("im:write", "mpim:write"),
    "files": ("files:read",),
    "uploads": ("files:write",),
    "users": ("users:read",),
    "team": ("team:read",),
    "reactions": ("reactions:write",),
    "reactions_read": ("reactions:read",),
}
"""What the app may be denied, and the scopes it is then without."""
ALL_SCOPES = frozenset(scope for scopes in SCOPES.values() for scope in scopes)
_SCOPE_FAMILY = {"channel": "channels:", "group": "groups:", "im": "im:", "mpim": "mpim:"}
_SUBSCRIPTIONS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
_EVENTS = frozenset({
    *_SUBSCRIPTIONS.values(), "app_mention", "reaction_added", "reaction_removed", "agent_session_stopped",
})  # fmt: skip
_FEATURES = {
    "app_mention": "mentions", "message": "history", "reaction_added": "reactions_read",
    "reaction_removed": "reactions_read",
}  # fmt: skip


def scope_of(feature: str, channel_type: str) -> str:
    """Return the scope a feature needs in one kind of conversation ("": in none in particular)."""
    family = _SCOPE_FAMILY.get(channel_type, "")
    return next((scope for scope in SCOPES[feature] if family and scope.startswith(family)), SCOPES[feature][0])


class App:
    """One app in one workspace. `id`: `A…`. `team_id`: the workspace, `T…`.

    `bot`: its member (`bot.id`, `U…`), which is the author of its messages (`bot.bot_id`, `B…`). `bot_token`: what the
    Web API and the files want. `app_token`: what `apps.connections.open` wants.
    """

    def __init__(self, ids: Ids, bot_name: str = "Parley") -> None:
        self.team_id = ids.new("T")
        self.team_name = "Simulated"
        self.id = ids.new("A")
        self.bot = Person(ids.new("U"), bot_name, bot_id=ids.new("B"))
        self.bot_token = "xoxb-simulated-bot"  # noqa: S105 - worth nothing outside of this simulation
        self.app_token = "xapp-1-simulated-app"  # noqa: S105 - likewise
        self.scopes = set(ALL_SCOPES)
        self.unsubscribed: set[str] = set()

    @property
    def mention(self) -> str:
        """How a message names the bot."""
        return f"<@{self.bot.id}>"

    def deny(self, *features: str) -> None:
        """Take scopes from the app, by feature (`history`, all four kinds) or by name (`im:history`).

        Its calls are answered `missing_scope`, and events it may not see stay away. Raise `ValueError` for a name that
        is neither.
        """
        for feature in features:
            scopes = SCOPES.get(feature, (feature,))
            if not set(scopes) <= ALL_SCOPES:
                raise ValueError(f"no such feature: {feature}; there are {sorted(SCOPES)} and {sorted(ALL_SCOPES)}")
            self.scopes -= set(scopes)

    def unsubscribe(self, *events: str) -> None:
        """Take the app's subscription to events away (`message.im`, `agent_session_stopped` …).

        Raise `ValueError` for a name that is none.
        """
        for event in events:
            if event not in _EVENTS:
                raise ValueError(f"no such event: {event}; there are {sorted(_EVENTS)}")
            self.unsubscribed.add(event)

    def receives(self, kind: str, event: Mapping[str, Any]) -> bool:
        """Return whether the app is subscribed to an event and has the scope for it."""
        subscription = _SUBSCRIPTIONS[event["channel_type"]] if kind == "message" else kind
        scope = scope_of(_FEATURES.get(kind, "chat"), event.get("channel_type", ""))
        return subscription not in self.unsubscribed and scope in self.scopes
