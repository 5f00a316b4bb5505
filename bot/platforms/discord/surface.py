"""Posts and edits out: one question's place on Discord, a thread wherever one can be.

On every post and edit: no mention is parsed, no link is unfurled.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import discord
import structlog

from bot.errors import PlatformError
from bot.events import Budget, Incoming, Limits, Said
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.context import said_before
from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.discord.translate import SPOKEN

log = structlog.get_logger()

_NONCE_SIZE = 25
"""Discord docs, resources/message: `nonce`, up to 25 characters."""
_NAME_SIZE = 90
_THREAD_EXISTS = 160004
_ARCHIVED = 50083
_PART = re.compile(r"[^0-9A-Za-z](\d+)\Z")
_NOBODY = discord.AllowedMentions.none()


class DiscordSurface:
    """Where one question is answered. The thread is opened by the first call that needs it.

    If no thread can be opened there (a missing permission, a voice channel), the answer stands in the channel itself.
    An answer in the place where its question stands begins with a reply to it (in a channel, every part of it is one):
    people see what it answers, and so does a later process that looks for what an earlier one posted.
    """

    def __init__(self, calls: Calls, question: Incoming) -> None:
        self.dialect = DiscordDialect()
        self._calls = calls
        self._question = question
        self._here = int(question.key.channel)
        self._in_channel = not (question.direct or question.in_thread)
        self._place: int | None = None if self._in_channel else self._here
        self._opening = asyncio.Lock()
        self._posted: dict[str, str] = {}

    @property
    def limits(self) -> Limits:
        """Discord counts posts and edits per channel, separately; a thread is a channel. Five in five seconds is what
        its headers tell; it documents no numbers (topics/rate-limits). Typing shows for ten seconds.
        """
        place = self._place or int(self._question.key.message)
        return Limits(
            page_size=2000,
            posts=Budget(f"discord:{place}:post", 5, 5.0),
            edits=Budget(f"discord:{place}:edit", 5, 5.0),
            status_lasts_s=8.0,
        )

    async def post(self, text: str, mark: str, *, again: bool = False) -> str:
        """Post rendered text; return the message's id. One mark makes one message, however often it is asked for.

        Discord itself refuses a second message with a nonce for some minutes (resources/message, `enforce_nonce`). For
        what was posted earlier, `again` looks among the bot's messages after the question: the parts of an answer are
        posted in order, so the part that ends `mark` in digits (`….2`) is the one at that place among them. The found
        message gets the text.
        """
        if mark in self._posted:
            return self._posted[mark]
        place = await self._find_place()
        message = await self._find_posted(place, mark) if again else None
        if message is None:
            message = await self._calls.call(lambda client: self._send(client, place, text, mark))
        if again and message.content.strip() != text.strip():
            await self.edit(str(message.id), text)
        self._posted[mark] = str(message.id)
        return self._posted[mark]

    async def edit(self, message_id: str, text: str) -> None:
        """Replace a message's text by rendered text; its links stay without previews."""
        place = await self._find_place()

        async def change(client: discord.Client) -> None:
            # Through a PartialMessage: `Message.edit` of discord.py 2.7.1 sends `flags: 0`, which brings previews back.
            message = client.get_partial_messageable(place).get_partial_message(int(message_id))
            try:
                await message.edit(content=text, allowed_mentions=_NOBODY)
            except discord.HTTPException as error:
                if error.code != _ARCHIVED:
                    raise
                await client.http.edit_channel(place, archived=False)
                await message.edit(content=text, allowed_mentions=_NOBODY)

        await self._calls.call(change)

    async def status(self, text: str) -> None:
        """Show the typing indicator for ten seconds; it has no text and cannot be taken away (resources/channel)."""
        if not text:
            return
        try:
            place = await self._find_place()
            await self._calls.call(lambda client: _type_in(client, place))
        except PlatformError as error:
            log.info("discord_typing_failed", place=self._place or self._here, reason=error.detail)

    async def earlier(self, limit: int) -> Sequence[Said]:
        """Return up to `limit` messages said before the question: of its thread, and those it hangs on by replies.

        What cannot be read is left out, and logged.
        """
        return await said_before(self._calls, self._question, limit)

    async def _send(self, client: discord.Client, place: int, text: str, mark: str) -> discord.Message:
        reply: dict[str, Any] = {}
        if place == self._here and (self._in_channel or not _part(mark)):
            root = int(self._question.key.message)
            reply["reference"] = discord.MessageReference(message_id=root, channel_id=place, fail_if_not_exists=False)
        message: discord.Message = await client.get_partial_messageable(place).send(
            text,
            nonce=_nonce(mark),  # with it, discord.py sets enforce_nonce
            allowed_mentions=_NOBODY,
            suppress_embeds=True,
            **reply,
        )
        return message

    async def _find_place(self) -> int:
        async with self._opening:
            if self._place is None:
                self._place = await self._calls.call(self._open_thread)
            return self._place

    async def _open_thread(self, client: discord.Client) -> int:
        """Open the thread on the question and return its id, the question's own (topics/threads); or the channel's."""
        root = int(self._question.key.message)
        try:
            await client.http.start_thread_with_message(
                self._here, root, name=thread_name(self._question), auto_archive_duration=1440
            )
        except discord.HTTPException as error:
            if error.code == _THREAD_EXISTS:
                return root
            if error.status not in {400, 403}:
                raise
            log.warning("discord_thread_not_opened", channel=self._here, code=error.code, reason=error.text)
            return self._here
        return root

    async def _find_posted(self, place: int, mark: str) -> discord.Message | None:
        index = _part(mark)
        if index is None:
            log.warning("discord_mark_without_part", mark=mark)
            return None
        try:
            posted = await self._calls.call(lambda client: self._own_messages(client, place))
        except PlatformError as error:
            log.warning("discord_history_unreadable", place=place, reason=error.detail)
            return None
        found = posted[index] if index < len(posted) else None
        return None if found is None or str(found.id) in self._posted.values() else found

    async def _own_messages(self, client: discord.Client, place: int) -> list[discord.Message]:
        """Return the messages that answer the question, oldest first.

        Turns of a thread come one after another, and ours has not ended: from its first message on, what the bot wrote
        here is its answer, but for replies to other questions. In a new thread that is everything. In a channel
        answers mix, and only replies to the question count.
        """
        root = int(self._question.key.message)
        me = client.user.id if client.user else 0
        loose = root if place == self._here and self._in_channel else None
        found: list[discord.Message] = []
        async for message in client.get_partial_messageable(place).history(limit=100, after=discord.Object(root)):
            replied = message.reference.message_id if message.reference else None
            ours = message.author.id == me and message.type in SPOKEN and replied in {loose, root}
            if ours and (found or place != self._here or replied == root):
                found.append(message)
        return found


def _part(mark: str) -> int | None:
    part = _PART.search(mark)
    return None if part is None else int(part.group(1))


async def _type_in(client: discord.Client, place: int) -> None:
    await client.get_partial_messageable(place).typing()


def _nonce(mark: str) -> str:
    return mark if len(mark) <= _NONCE_SIZE else hashlib.sha256(mark.encode()).hexdigest()[:_NONCE_SIZE]


def thread_name(question: Incoming) -> str:
    """Return a thread's name from the question's first words: one line, 1 to 100 characters (topics/threads)."""
    words = re.sub(r"[`*~|]+|^[#>\s]+", "", question.text, flags=re.MULTILINE).split()
    name = " ".join(words) or (question.uploads[0].name if question.uploads else question.author.name)
    if len(name) <= _NAME_SIZE:
        return name.strip() or "Question"
    cut = name[:_NAME_SIZE].rsplit(" ", 1)[0]
    return f"{cut}…"
