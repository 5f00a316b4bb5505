"""What the bot has posted in a thread, read back after a lost response or a restart: nothing is posted twice."""

from collections.abc import AsyncIterator, Collection

import structlog

from bot.events import Address
from bot.platforms.slack.calls import Calls
from bot.platforms.slack.read.context import thread_pages
from bot.platforms.slack.read.translate import Message, is_own
from bot.platforms.slack.seal import Seal

log = structlog.get_logger()


class Finder:
    """Looks among the bot's own messages in a question's thread, after the question. Raise `PlatformError`s."""

    def __init__(self, calls: Calls, address: Address, seal: Seal) -> None:
        self._calls = calls
        self._address = address
        self._seal = seal

    async def post(self, idempotency_key: str, known: Collection[str]) -> str | None:
        """Return the `ts` of the message with a key; if there is none, that of an orphan.

        An orphan has no key and is not among the `known` messages: a stream whose start was not confirmed. A start
        takes no metadata (Slack docs, reference/methods/chat.startStream), and a message gets its key at the latest
        when it is whole.
        """
        orphan = None
        async for message in self._own():
            found = self._seal.idempotency_key_of(message)
            if found == idempotency_key:
                log.info("slack_post_found", channel=self._address.channel, idempotency_key=idempotency_key)
                return str(message["ts"])
            if not found and not message.get("files") and message["ts"] not in known:
                orphan = orphan or str(message["ts"])
        if orphan is not None:
            log.info("slack_stream_adopted", idempotency_key=idempotency_key, message=orphan)
        return orphan

    async def file(self, name: str, known: Collection[str]) -> str | None:
        """Return the `ts` of a message that shows a file of this name and is not among the `known` ones."""
        async for message in self._own():
            names = {file.get("name") for file in message.get("files") or ()}
            if name in names and message["ts"] not in known:
                log.info("slack_file_found", channel=self._address.channel, message=message["ts"])
                return str(message["ts"])
        return None

    async def _own(self) -> AsyncIterator[Message]:
        me = await self._calls.me()
        thread = self._address.thread
        after = {"oldest": self._address.message, "include_all_metadata": True}
        async for page in thread_pages(self._calls.read, thread.channel, thread.thread, **after):
            for message in page:
                if is_own(message, me) and message["ts"] != thread.thread:
                    yield message
