"""What was said before a question and belongs to it: its thread, the messages it hangs on by replies, and the talk in
its channel if it says nothing itself.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import discord
import structlog

from bot.errors import PlatformError
from bot.events import MOST_TALK, TALK_S, Incoming, Said
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.translate import SPOKEN, replied_message, said

log = structlog.get_logger()

T = TypeVar("T")

_HOPS = 5
"""How far a chain of replies is followed."""


async def said_before(calls: Calls, question: Incoming, limit: int) -> list[Said]:
    """Return up to `limit` messages from before the question, oldest first; what cannot be read is left out.

    Who mentions the bot in a channel without a word means what was said there just before.

    The message the thread hangs on and those the question replies to come before any others, if `limit` is short.
    """
    reader = _Reader(calls, question)
    hung_on = await reader.replied_to() if question.reply_to else []
    thread: list[discord.Message] = []
    if question.in_thread:
        hung_on += await reader.root()
        thread = await reader.thread(limit)
    elif not (question.has_words or question.reply_to or question.direct):
        thread = await reader.talk(min(limit, MOST_TALK))
    return await reader.told(hung_on, thread, limit)


class _Reader:
    """Reads messages for one question; each read that fails is logged and counts as nothing there."""

    def __init__(self, calls: Calls, question: Incoming) -> None:
        self._calls = calls
        self._question = question
        self._here = int(question.key.channel)

    async def replied_to(self) -> list[discord.Message]:
        found: list[discord.Message] = []
        wanted = int(self._question.reply_to)
        while wanted and len(found) < _HOPS:
            message = replied_message(found[-1]) if found else None
            message = message or await self._message(self._here, wanted)
            if message is None:
                break
            found.append(message)
            wanted = message.reference.message_id or 0 if message.reference and message.type in SPOKEN else 0
        return found

    async def root(self) -> list[discord.Message]:
        """The message the thread was opened on stands in the parent channel and has the thread's id; in a forum it
        stands in the thread (Discord docs, topics/threads).
        """
        thread = int(self._question.thread.thread)
        for channel in (int(self._question.thread.channel), thread):
            message = await self._message(channel, thread)
            if message is not None:
                return [message]
        return []

    async def thread(self, limit: int) -> list[discord.Message]:
        async def read(client: discord.Client) -> list[discord.Message]:
            before = discord.Object(int(self._question.key.message))
            history = client.get_partial_messageable(self._here).history(limit=limit, before=before)
            return [message async for message in history]  # newest first: the last `limit` before the question

        return await self._read(read) or []

    async def talk(self, limit: int) -> list[discord.Message]:
        """The channel's last messages, as far as they are of one talk with the question."""
        since_s = self._question.sent_at_s - TALK_S
        return [message for message in await self.thread(limit) if message.created_at.timestamp() >= since_s]

    async def told(self, hung_on: list[discord.Message], thread: list[discord.Message], limit: int) -> list[Said]:
        """Return messages in the words of `bot.events`, each once and without Discord's own notices."""
        me = await self._read(_own_id) or 0
        chosen = {
            message.id: message
            for message in [*hung_on, *thread]
            if message.type in SPOKEN and str(message.id) != self._question.key.message
        }
        oldest_first = sorted(list(chosen.values())[:limit], key=lambda message: message.id)
        told = [said(message, me) for message in oldest_first]
        return [one for one in told if one.text or one.uploads]

    async def _message(self, channel: int, message: int) -> discord.Message | None:
        return await self._read(lambda client: client.get_partial_messageable(channel).fetch_message(message))

    async def _read(self, make: Callable[[discord.Client], Awaitable[T]]) -> T | None:
        try:
            return await self._calls.call(make, patient=True)
        except PlatformError as error:
            log.info("discord_context_unreadable", question=str(self._question.key), reason=error.detail)
            return None


async def _own_id(client: discord.Client) -> int:
    return client.user.id if client.user else 0
