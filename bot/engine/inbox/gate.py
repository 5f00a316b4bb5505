"""The one gate, for every event and for every turn that was left or is answered anew, with roles as they are now."""

import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bot.engine.inbox.admit import refusal
from bot.errors import PlatformError
from bot.events import Incoming, Person, Reply, Turn
from bot.places import Places
from bot.ports import Notices, Platform

log = structlog.get_logger()

_TOLD_EVERY_S = 86400.0


class Gate:
    """Says who may speak to the bot."""

    def __init__(self, places: Places, platforms: Mapping[str, Platform], notices: Notices) -> None:
        self._places = places
        self._platforms = platforms
        self._notices = notices

    def refusal(self, question: Incoming) -> str:
        """Return why a question asked just now is not answered, in a sentence; "" if it may be."""
        return self._refusal(question)

    async def refusal_now(self, question: Incoming) -> str:
        """Return why an older question is not answered now, in a sentence; "" if it may be.

        Roles are looked up if the rules name any; if that fails, the earlier ones count.
        """
        platform = self._platforms.get(question.key.platform)
        if platform is not None and self._places.profile_of(question).access.names_roles:
            try:
                question = replace(question, author=await platform.author_now(question))
            except PlatformError as error:
                log.info("roles_not_looked_up", person=question.author.id, reason=error.detail)
        return self._refusal(question)

    def _refusal(self, question: Incoming) -> str:
        access = self._places.profile_of(question).access
        return refusal(question, access, self._platforms[question.key.platform].traits)

    async def admitted(self, turn: Turn) -> Turn:
        """Return a turn without the questions of those who may no longer speak: they count as taken back."""
        refused = frozenset([question.key for question in turn.asked if await self.refusal_now(question)])
        if refused:
            log.info("no_longer_admitted", messages=[str(key) for key in refused])
        return replace(turn, deleted=turn.deleted | refused)

    def may_press(self, turn: Turn, person: Person) -> bool:
        """Return whether somebody may press a turn's buttons: the asker or a moderator, if they may speak here."""
        theirs = person.moderator or person.id in {question.author.id for question in turn.questions}
        return theirs and not self._refusal(replace(turn.questions[0], author=person))

    async def told(self, question: Incoming, sentence: str) -> Reply:
        """Return the sentence if the question's author is to be told: once a day, and only if they spoke to the bot."""
        log.info("not_admitted", message=str(question.key), person=question.author.id)
        if not (question.direct or question.mentions_bot):
            return Reply()
        person = f"{question.key.platform}:{question.author.id}"
        is_first = await self._notices.note_refusal(person, time.time() - _TOLD_EVERY_S)
        return Reply(sentence if is_first else "")
