"""The ways in which the simulated Slack goes wrong, and how its owner may cripple the app."""

from collections.abc import Callable
from typing import Any

from bot.simulator.faults import Faults, Garbled
from bot.simulator.slack.api.files import Files
from bot.simulator.slack.api.methods import ALL_SCOPES, SCOPES, scope_of
from bot.simulator.slack.api.web_api import WebApi
from bot.simulator.slack.people import People
from bot.simulator.slack.sockets.deliveries import Mishap
from bot.simulator.slack.sockets.sockets import Reason, Socket

_SUBSCRIPTIONS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
_EVENTS = frozenset({
    *_SUBSCRIPTIONS.values(), "app_mention", "reaction_added", "reaction_removed", "agent_session_stopped",
})  # fmt: skip
_FEATURES = {
    "app_mention": "mentions", "message": "history", "reaction_added": "reactions_read",
    "reaction_removed": "reactions_read",
}  # fmt: skip


class Trouble(People):
    """People, and what goes wrong between them and the app. All times are in seconds."""

    def __init__(self, *, limits: bool) -> None:
        super().__init__()
        self._files = Files(self._workspace)
        self._api = WebApi(self._workspace, self._sockets, self._files, limits=limits)
        self._workspace.tell_by(self._hear)

    @property
    def faults(self) -> Faults:
        """What goes wrong next; a call is named by its method (`chat.postMessage`), a download `files.download`, an
        upload's bytes `files.upload`, an answer to a press `response_url`.
        """
        return self._api.faults

    # Events

    @property
    def clock_ahead_s(self) -> float:
        """By how much Slack's clock is ahead of this machine's, 0.0 at first.

        By it go each `ts` and the `Date` of answers. A `ts` is never less than the one before: set it back before
        anything is said.
        """
        return self._workspace.clock_ahead_s

    @clock_ahead_s.setter
    def clock_ahead_s(self, ahead_s: float) -> None:
        self._workspace.clock_ahead_s = ahead_s

    @property
    def redeliver_after_s(self) -> float:
        """An event that was not acknowledged for this long is sent again; Slack waits 3 seconds.

        The retries' gaps (at once, 1 minute, 5 minutes) are scaled with it: 0.03 makes them 0, 0.6 and 3 seconds.
        """
        return self._deliveries.redeliver_after_s

    @redeliver_after_s.setter
    def redeliver_after_s(self, seconds: float) -> None:
        self._deliveries.redeliver_after_s = seconds

    @property
    def keeps_events(self) -> bool:
        """Whether an event that finds no connection waits for the next one to open.

        That is kinder than Slack: set it to False to have it retried three times as any other, and then lost.
        """
        return self._deliveries.keeps_events

    @keeps_events.setter
    def keeps_events(self, keeps: bool) -> None:
        self._deliveries.keeps_events = keeps

    async def redeliver(self, channel: str, ts: str, *, new_event_id: bool = False) -> None:
        """Send a message's events once more: as a first retry, or as new events. Raises `KeyError` if it had none."""
        self._deliveries.redeliver(channel, ts, new_event_id=new_event_id)

    def delay_events(self, delay_s: float, kind: str = "*", times: int = 1) -> None:
        """Send the next `times` events of a kind late. `kind`: their type (`message`, `app_mention`), or a pattern."""
        self._deliveries.mishaps.append(Mishap(kind, times, delay_s))

    def lose_events(self, kind: str = "*", times: int = 1) -> None:
        """Never send the next `times` events of a kind."""
        self._deliveries.mishaps.append(Mishap(kind, times, None))

    def garble(self, kind: str, change: Callable[[Any], Any], *, times: int = 1, skip: int = 0) -> None:
        """Send the next `times` events of a kind (`message`, `block_actions`, or a pattern) with the payload that
        `change` returns for theirs.
        """
        self._deliveries.garbler.add(Garbled(kind, change, times, skip))

    # Connections

    @property
    def ping_every_s(self) -> float:
        """How often Slack pings each connection that is opened from now on."""
        return self._sockets.ping_every_s

    @ping_every_s.setter
    def ping_every_s(self, seconds: float) -> None:
        self._sockets.ping_every_s = seconds

    async def refresh_sockets(self, reason: Reason = "refresh_requested") -> None:
        """Ask every connection to go. `refresh_requested`: they are closed when this returns; `warning`: in 10 s."""
        await self._sockets.refresh(self._sockets.open, reason)

    async def refresh_socket(self, index: int, reason: Reason = "refresh_requested") -> None:
        """Ask one connection to go; 0 is the oldest that is open. Raises `LookupError` if there is none."""
        await self._sockets.refresh([self._socket(index)], reason)

    def freeze_sockets(self) -> None:
        """Make every connection half-open: nothing is read, answered, pinged or closed, and Slack does not know.

        It goes on sending events into them and counts them. Connections opened later are sound.
        """
        self._sockets.freeze(self._sockets.open)

    def freeze_socket(self, index: int) -> None:
        """Make one connection half-open; 0 is the oldest. Raises `LookupError` if there is none."""
        self._sockets.freeze([self._socket(index)])

    def thaw_sockets(self) -> None:
        """End the half-open state: Slack notices which connections are gone; what was sent into them is lost."""
        self._sockets.thaw()

    def _socket(self, index: int) -> Socket:
        if not 0 <= index < len(self._sockets.open):
            raise LookupError(f"no connection {index}: there are {len(self._sockets.open)}")
        return self._sockets.open[index]

    # Presses, streams, statuses, files, history

    @property
    def interactivity(self) -> bool:
        """Whether interactivity is switched on in the app's settings; without it each press is a warning sign."""
        return self._interactivity.enabled

    @interactivity.setter
    def interactivity(self, enabled: bool) -> None:
        self._interactivity.enabled = enabled

    @property
    def acknowledge_press_within_s(self) -> float:
        """How long the app may take to acknowledge a press; Slack's is 3."""
        return self._interactivity.acknowledge_within_s

    @acknowledge_press_within_s.setter
    def acknowledge_press_within_s(self, seconds: float) -> None:
        self._interactivity.acknowledge_within_s = seconds

    @property
    def stream_lasts_s(self) -> float:
        """How long after its start a stream takes text; Slack's is about 300."""
        return self._workspace.stream_lasts_s

    @stream_lasts_s.setter
    def stream_lasts_s(self, seconds: float) -> None:
        self._workspace.stream_lasts_s = seconds

    @property
    def status_lasts_s(self) -> float:
        """How long a thread's status is shown; Slack's is 120."""
        return self._workspace.status_lasts_s

    @status_lasts_s.setter
    def status_lasts_s(self, seconds: float) -> None:
        self._workspace.status_lasts_s = seconds

    @property
    def stub_files(self) -> bool:
        """Whether files arrive as another organisation's do: without an address, to be asked for by `files.info`."""
        return self._workspace.stub_files

    @stub_files.setter
    def stub_files(self, stub: bool) -> None:
        self._workspace.stub_files = stub

    @property
    def share_after_s(self) -> float:
        """How long after `files.completeUploadExternal` the files appear in the channel; Slack does not say."""
        return self._workspace.share_after_s

    @share_after_s.setter
    def share_after_s(self, seconds: float) -> None:
        self._workspace.share_after_s = seconds

    @property
    def slow_history(self) -> bool:
        """Whether `conversations.history` and `.replies` give 15 objects once a minute, as to apps that are sold."""
        return self._workspace.slow_history

    @slow_history.setter
    def slow_history(self, slow: bool) -> None:
        self._workspace.slow_history = slow

    def limits_begin_anew(self) -> None:
        """Let every rate limit's window be over."""
        self._api.limits_begin_anew()

    def set_burst(self, method: str, calls: int) -> None:
        """Let a method take only so many calls at once, at its tier's rate in the long run. `calls` is 1 or more."""
        self._api.pace.bursts[method] = calls

    # The app's settings

    def deny(self, *features: str) -> None:
        """Take scopes from the app, by feature (`history`, all four kinds) or by name (`im:history`).

        Its calls are answered `missing_scope`, and events it may not see stay away. Raises `ValueError` for a name
        that is neither.
        """
        for feature in features:
            scopes = SCOPES.get(feature, (feature,))
            if not set(scopes) <= ALL_SCOPES:
                raise ValueError(f"no such feature: {feature}; there are {sorted(SCOPES)} and {sorted(ALL_SCOPES)}")
            self._api.scopes -= set(scopes)

    def unsubscribe(self, *events: str) -> None:
        """Take the app's subscription to events away (`message.im`, `agent_session_stopped` …).

        Raises `ValueError` for a name that is none.
        """
        for event in events:
            if event not in _EVENTS:
                raise ValueError(f"no such event: {event}; there are {sorted(_EVENTS)}")
            self._workspace.unsubscribed.add(event)

    def _hear(self, kind: str, event: dict[str, Any], ts: str) -> None:
        subscription = _SUBSCRIPTIONS[event["channel_type"]] if kind == "message" else kind
        scope = scope_of(_FEATURES.get(kind, "chat"), event.get("channel_type", ""))
        if subscription not in self._workspace.unsubscribed and scope in self._api.scopes:
            self._deliveries.send(kind, event, ts)
