"""What other apps, webhooks and Discord itself show people."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.discord.actions import Actions, Draft
from bot.simulator.discord.world.known import Known
from bot.simulator.discord.world.model import COMPONENTS_V2, SLASH_ANSWER, Message, Person
from bot.simulator.discord.world.wire import Json, Wire
from bot.simulator.discord.world.world import World


class Others:
    """Who posts beside people. Channels are named by their ids; an id there is not is a `ValueError`."""

    def __init__(self, world: World, wire: Wire, actions: Actions) -> None:
        self._world = world
        self._wire = wire
        self._known = Known(world)
        self._actions = actions

    async def show(
        self,
        author: Person,
        channel: str,
        text: str = "",
        *,
        embeds: Sequence[Mapping[str, Any]] = (),
        components: Sequence[Mapping[str, Any]] = (),
        answers: Person | None = None,
        webhook: bool = False,
        reply_to: str | None = None,
    ) -> Message:
        """Post what an app shows (an alert, a card) and return it.

        `embeds`: as an app sends them; rich ones if they name no type. `components`: such as text displays, with which
        a message has neither text nor embeds. `answers`: it is the answer to this person's slash command. `webhook`: a
        webhook posts it, under the author's name and with no account behind it.
        """
        more: Json = {"webhook_id": author.id} if webhook else {"application_id": author.id}
        if answers is not None:
            more["interaction_metadata"] = {
                "id": self._world.ids.new(),
                "type": 2,
                "user": self._wire.user(answers),
                "authorizing_integration_owners": {},
            }
        draft = Draft(
            text,
            embeds=[{"type": "rich", **embed} for embed in embeds],
            components=[dict(one) for one in components],
            flags=COMPONENTS_V2 if components else 0,
            reference=reply_to,
            type=SLASH_ANSWER if answers is not None else None,
            more=more,
            allowed={"parse": []},
        )
        return self._actions.post(author, self._known.channel(channel), draft)

    async def ask_around(
        self, person: Person, channel: str, question: str, votes: Mapping[str, int], *, closed: bool = False
    ) -> Message:
        """Post a person's poll: each answer with the votes it has by now."""
        answers = [{"answer_id": number, "poll_media": {"text": text}} for number, text in enumerate(votes, 1)]
        counts = [{"id": number, "count": count, "me_voted": False} for number, count in enumerate(votes.values(), 1)]
        poll: Json = {
            "question": {"text": question},
            "answers": answers,
            "expiry": "2099-01-01T00:00:00+00:00",
            "allow_multiselect": False,
            "layout_type": 1,
            "results": {"is_finalized": closed, "answer_counts": counts},
        }
        return self._actions.post(person, self._known.channel(channel), Draft("", poll=poll, allowed={"parse": []}))

    async def notice(
        self, person: Person, channel: str, kind: int, text: str = "", *, embeds: Sequence[Mapping[str, Any]] = ()
    ) -> Message:
        """Post what Discord says of something that a person did. `kind`: the type of such a message (Discord docs,
        resources/message), `text`: its content, such as a thread's new name.
        """
        draft = Draft(text, embeds=[dict(embed) for embed in embeds], type=kind, allowed={"parse": []})
        return self._actions.post(person, self._known.channel(channel), draft)
