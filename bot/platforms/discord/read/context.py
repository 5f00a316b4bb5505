"""The earlier messages of a question: its thread, its chain of replies, the messages it links to, and the talk in its
channel if it has no text itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import discord
import structlog

from bot.errors import Forbidden, Gone, PlatformError, Rejected
from bot.events import MOST_TALK, TALK_S, Earlier, Incoming, Said
from bot.platforms.discord import sdk
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.read.names import linked
from bot.platforms.discord.read.shown import SPOKEN
from bot.platforms.discord.read.translate import replied_message, said
from bot.platforms.kernel.patience import Patience, missing
from bot.platforms.kernel.shape import MISREAD, misread

log = structlog.get_logger()

T = TypeVar("T")

_HOPS = 5
"""How far a chain of replies is followed."""
_MOST_LINKS = 5
_PAGE = 100
"""Discord docs, resources/message, "Get Channel Messages": no more than 100 at a time."""
_READS = discord.Permissions(view_channel=True, read_message_history=True)
_REPLIED, _ROOT = "the message this replies to", "the message this thread began with"
_THREAD, _LINKED = "older messages of this thread", "a message that is linked here"
_TALK = "what was said just before"
_FORBIDDEN = "messages here that I have no permission for"
_CLOSED = "a message that is linked here from a place that not everybody may read"


async def said_before(calls: Calls, question: Incoming, limit: int, *, thread: bool) -> Earlier:
    """Return up to `limit` messages from before the question, oldest first, and what of them cannot be read.

    A mention of the bot in a channel without a word refers to what was written there just before.

    If `limit` is short, the message that the thread was opened on and those the question replies or links to come
    first. `thread` False: leave out the thread's.
    """
    reader = _Reader(calls, question)
    await reader.replies(int(question.reply_to or 0))
    if question.in_thread and thread:
        await reader.root()
        await reader.thread(limit)
    elif thread and not (question.has_words or question.reply_to or question.direct):
        await reader.talk(min(limit, MOST_TALK))
    await reader.links()
    return await reader.told(limit)


@dataclass
class _Found:
    """What was read. `hung_on`: what the question belongs to. `linked`: messages with their channels' names."""

    hung_on: list[discord.Message] = field(default_factory=list)
    thread: list[discord.Message] = field(default_factory=list)
    linked: list[tuple[discord.Message, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class _Reader:
    """Reads messages for one question, patiently; each read that fails is logged and named."""

    def __init__(self, calls: Calls, question: Incoming) -> None:
        self._calls = calls
        self._question = question
        self._here = int(question.key.channel)
        self._patience = Patience()
        self._found = _Found()

    async def replies(self, wanted: int) -> None:
        """Read a message and its chain of replies."""
        last: discord.Message | None = None
        for hop in range(_HOPS):
            if not wanted:
                return
            message = replied_message(last) if last else None
            last = message or await self._message(self._here, wanted, _REPLIED, may_be_gone=hop > 0)
            if last is None:
                return
            self._found.hung_on.append(last)
            wanted = last.reference.message_id or 0 if last.reference and last.type in SPOKEN else 0

    async def root(self) -> None:
        """Read the message that the thread was opened on.

        It is in the parent channel and has the thread's id; in a forum it is in the thread (Discord docs,
        topics/threads).
        """
        thread, missing_before = int(self._question.thread.thread), len(self._found.missing)
        for channel in (int(self._question.thread.channel), thread):
            message = await self._message(channel, thread, _ROOT)
            if message is not None:
                del self._found.missing[missing_before:]
                self._found.hung_on += filter(None, (message, replied_message(message)))
                return

    async def thread(self, limit: int) -> None:
        """Read the last messages before the question, page by page; pages already read are kept if the next fails."""
        before = int(self._question.key.message)
        while (wanted := min(limit - len(self._found.thread), _PAGE)) > 0:
            page = await self._read(_page_of(self._here, before, wanted), _THREAD)
            self._found.thread += page or []
            if page is None or len(page) < wanted:
                return
            before = page[-1].id

    async def talk(self, limit: int) -> None:
        """Read the channel's last messages, as far as they are of one talk with the question."""
        since_s = self._question.sent_at_s - TALK_S
        page = await self._read(_page_of(self._here, int(self._question.key.message), limit), _TALK)
        self._found.thread = [message for message in page or () if message.created_at.timestamp() >= since_s]

    async def links(self) -> None:
        """Read the messages that the question links to and its author may read."""
        for guild, channel, message in linked(self._question.text)[:_MOST_LINKS]:
            asker = int(self._question.author.id)
            place = "" if channel == self._here else await self._open_to(asker, guild, channel)
            if place is None:
                self._found.missing.append(_CLOSED)
                continue
            found = await self._message(channel, message, _LINKED)
            if found is not None:
                self._found.linked.append((found, place))

    async def told(self, limit: int) -> Earlier:
        """Return what was read as `bot.events`, oldest first, each message once."""
        client = await self._read(_client_itself, "")
        me = client.user.id if client and client.user else 0
        found = self._found
        where = {message.id: place for message, place in found.linked}
        first = [*found.hung_on, *(message for message, _ in found.linked)]
        begun = {message.id for message in first}
        chosen = {message.id: message for message in [*first, *found.thread] if not _repeats(message, begun)}
        chosen.pop(int(self._question.key.message), None)
        oldest_first = sorted(list(chosen.values())[:limit], key=lambda message: message.id)
        told = [said for message in oldest_first for said in _said(message, me, where.get(message.id, ""))]
        return Earlier(tuple(one for one in told if one.text or one.uploads), missing(found.missing))

    async def _open_to(self, asker: int, guild: str, channel: int) -> str | None:
        """Return the name of another channel if the asker may read it; None if they may not, or if that is not known.

        Nobody reads through the bot what they could not read without it.
        """
        if guild == "@me":
            return None

        async def look(client: discord.Client) -> str | None:
            there = client.get_guild(int(guild))
            place: Any = client.get_channel(channel) or await client.fetch_channel(channel)
            if there is None or place.guild != there or place.type is discord.ChannelType.private_thread:
                return None
            who = await there.fetch_member(asker)
            return f"#{place.name}" if place.permissions_for(who) >= _READS else None

        return await self._read(look, "")

    async def _message(
        self, channel: int, message: int, what: str, *, may_be_gone: bool = True
    ) -> discord.Message | None:
        return await self._read(
            lambda client: sdk.read_message(client, channel, message), what, may_be_gone=may_be_gone
        )

    async def _read(
        self, make: Callable[[discord.Client], Awaitable[T]], what: str, *, may_be_gone: bool = False
    ) -> T | None:
        """Return what a read returns, None if it fails; then `what` is missing, if it is named."""
        try:
            return await self._patience.read(
                lambda: self._calls.call(make, patient=True, within_s=self._patience.left_s())
            )
        except PlatformError as error:
            log.info("discord_context_unreadable", question=str(self._question.key), reason=error.detail)
            not_there = may_be_gone and isinstance(error, (Gone, Rejected))
            if what and not not_there:
                self._found.missing.append(_FORBIDDEN if isinstance(error, Forbidden) else what)
            return None


def _page_of(channel: int, before: int, limit: int) -> Callable[[discord.Client], Awaitable[list[discord.Message]]]:
    async def read(client: discord.Client) -> list[discord.Message]:
        return [message async for message in sdk.history(client, channel, limit, before=before)]  # newest first

    return read


async def _client_itself(client: discord.Client) -> discord.Client:
    return client


def _repeats(message: discord.Message, begun: set[int]) -> bool:
    """Return whether a message only shows again, at a thread's beginning, the one the thread was opened on."""
    shows = message.reference.message_id if message.reference else None
    return message.type is discord.MessageType.thread_starter_message and shows in begun


def _said(message: discord.Message, me: int, place: str) -> list[Said]:
    """Return a message as context; for a thread's beginning, the message that it shows. Nothing if it is unreadable."""
    shown = message.reference.resolved if message.reference else None
    starts = message.type is discord.MessageType.thread_starter_message
    try:
        return [replace(said(shown if starts and isinstance(shown, discord.Message) else message, me), place=place)]
    except MISREAD as error:
        misread("discord_context_unreadable", {}, error, message=message.id)
        return []
