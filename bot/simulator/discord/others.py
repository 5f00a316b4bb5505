"""What other apps, webhooks and Discord itself show people, and the places that have more than a name."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.discord.actions import Draft
from bot.simulator.discord.gateway import gateway
from bot.simulator.discord.people import People
from bot.simulator.discord.world.model import (
    COMPONENTS_V2,
    FORUM,
    PUBLIC_THREAD,
    SLASH_ANSWER,
    Channel,
    Message,
    Person,
)

Json = dict[str, Any]


class Others(People):
    """People, and who posts beside them. Named by ids as in `People`."""

    # Other apps, and Discord

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
        return self._actions.post(author, self._channel(channel), draft)

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
        return self._actions.post(person, self._channel(channel), Draft("", poll=poll, allowed={"parse": []}))

    async def notice(
        self, person: Person, channel: str, kind: int, text: str = "", *, embeds: Sequence[Mapping[str, Any]] = ()
    ) -> Message:
        """Post what Discord says of something that a person did. `kind`: the type of such a message (Discord docs,
        resources/message), `text`: its content, such as a thread's new name.
        """
        draft = Draft(text, embeds=[dict(embed) for embed in embeds], type=kind, allowed={"parse": []})
        return self._actions.post(person, self._channel(channel), draft)

    # Places

    def set_topic(self, channel: str, topic: str) -> None:
        """Give a channel a topic."""
        where = self._channel(channel)
        where.topic = topic
        self._gateway.dispatch("CHANNEL_UPDATE", gateway.GUILDS, lambda _: self._wire.channel(where))

    def hide(self, channel: str) -> None:
        """Hide a channel from everybody in its guild but the application."""
        where = self._channel(channel)
        where.hidden = True
        self._gateway.dispatch("CHANNEL_UPDATE", gateway.GUILDS, lambda _: self._wire.channel(where))

    def add_forum(self, guild: str, name: str, *, topic: str = "", tags: Sequence[str] = ()) -> str:
        """Make a forum, whose posts may have tags; return its id."""
        where = self._guild(guild)
        forum = Channel(self._world.ids.new(), FORUM, name=name, guild=where.id, topic=topic)
        forum.tags = {tag: self._world.ids.new() for tag in tags}
        self._world.channels[forum.id] = forum
        self._gateway.dispatch("CHANNEL_CREATE", gateway.GUILDS, lambda _: self._wire.channel(forum))
        return forum.id

    async def open_post(
        self, person: Person, forum: str, title: str, text: str, *, tags: Sequence[str] = ()
    ) -> Message:
        """Open a post in a forum; return its first message, whose id is that of the post, a thread."""
        where = self._channel(forum)
        self._check_may_write(person, where)
        post_id = self._world.ids.new()
        post = self._world.add_thread(where, person, title, kind=PUBLIC_THREAD, thread_id=post_id)
        post.tags = {tag: where.tags[tag] for tag in tags}
        self._actions.tell_thread(post)
        allowed = {"parse": ["users", "roles", "everyone"]}
        return self._actions.post(person, post, Draft(text, id=post_id, allowed=allowed))
