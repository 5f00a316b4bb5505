"""The bot's own posts, as Slack sends their events: a post that is not ours is another process's."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.platforms.kernel.clock import PlatformClock
from bot.platforms.kernel.others import Others
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Me
from bot.platforms.slack.read.translate import Message, is_own
from bot.platforms.slack.seal import Seal

log = structlog.get_logger()


class OwnPosts:
    """A middleware of a bolt app that takes the events of the bot's own messages.

    Slack sends an event to any one of an app's connections, whoever holds it, so some of another process's posts arrive
    here. The metadata says which answer a post belongs to (Slack docs, messaging/message-metadata: events have them,
    too), signed with a key of the token that both have. A streamed message has them when it is whole.
    """

    def __init__(self, others: Others, key: bytes, me: Me, clock: PlatformClock) -> None:
        self._others = others
        self._key = key
        self._me = me
        self._since_s = clock.now_s()

    async def take(self, body: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:  # noqa: A002 - bolt's name
        """Answer 200 for posts and edits of the bot's account; leave everything else to the others."""
        event = body.get("event") or {}
        message = event.get("message") if event.get("subtype") == "message_changed" else event
        if event.get("type") != "message" or not isinstance(message, dict) or not is_own(message, self._me):
            return await next()
        try:
            if idempotency_key := self._idempotency_key_of(message, str(event.get("channel"))):
                await self._others.posted(idempotency_key)
        except MISREAD as error:
            misread("slack_event_unreadable", event, error, kind="own message")
        except Exception:
            log.exception("slack_own_message_not_looked_at")  # a database that fails now; nobody waits for this
        return BoltResponse(status=200)

    def _idempotency_key_of(self, message: Message, channel: str) -> str:
        """Return a message's key, "" if it is older than this process: its database may have been removed since."""
        ts = str(message["ts"])
        seal = Seal(self._key, channel, str(message.get("thread_ts") or ts))
        return seal.idempotency_key_of(message) if float(ts) > self._since_s else ""
