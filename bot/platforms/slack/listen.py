"""Events in: what people write in Slack, handed on in the order in which each channel said it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

import structlog
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.platforms.slack.calls import Me
from bot.platforms.slack.translate import Message, Translator, is_question
from bot.ports import Hear

log = structlog.get_logger()

_QUESTIONS = frozenset({"message", "app_mention"})


def authorized_as(me: Me) -> Callable[[], Awaitable[AuthorizeResult]]:
    """Return what tells bolt who we are; by itself it would ask Slack while the first event waits."""
    result = AuthorizeResult(enterprise_id=me.enterprise or None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot)

    async def authorize() -> AuthorizeResult:
        return result

    return authorize


class Listener:
    """A global middleware of a bolt app: it answers every event itself, once the event was heard.

    A mention in a channel comes twice, as `message` and as `app_mention`; both become the same `Incoming`. What `hear`
    raises leaves the event without acknowledgement, and Slack sends it again (docs, apis/events-api, retries).
    """

    def __init__(self, hear: Hear, translator: Translator, me: Me) -> None:
        self._hear = hear
        self._translator = translator
        self._me = me
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, body: dict[str, Any]) -> BoltResponse:
        """Return 200 for an event that is done with, so that it is acknowledged; 500 for one to be sent again."""
        event = body.get("event") or {}
        if event.get("type") not in _QUESTIONS or not is_question(event, self._me):
            return BoltResponse(status=200)
        team = str(body.get("context_team_id") or self._me.team)
        turn = self._turns.setdefault(str(event.get("channel")), asyncio.Lock())
        try:
            async with turn:
                await self._hear_one(event, team)
        except Exception:
            # Whatever one message does must not stop the next, and Slack is to deliver this one again.
            log.exception("slack_message_not_heard", channel=event.get("channel"), message=event.get("ts"))
            return BoltResponse(status=500)
        return BoltResponse(status=200)

    async def _hear_one(self, event: Message, team: str) -> None:
        question = await self._translator.incoming(event, team, self._me)
        says_something = question.text or question.uploads or question.mentions_bot
        if says_something and "bot" not in question.author.roles:
            await self._hear(question)
