"""Posts and edits out: one question's place on Discord, a thread wherever one can be.

On every post and edit: no mention is parsed, no link is unfurled.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import discord
import structlog

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Rejected
from bot.events import Address, Button, Earlier, Incoming, Limits, MessageKey, Place
from bot.platforms.discord import sdk
from bot.platforms.discord.buttons import row, shown_on
from bot.platforms.discord.calls import CALL_S, Calls
from bot.platforms.discord.find import Finder, part_of
from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.discord.read.context import said_before
from bot.platforms.discord.read.place import place_of
from bot.reply.pacing.pacer import wait_aside

log = structlog.get_logger()

T = TypeVar("T")

_NONCE_SIZE = 25
"""Discord docs, resources/message: `nonce`, up to 25 characters."""
_NAME_SIZE = 90
_THREADLESS_S = 600.0
"""A channel in which the bot may open no thread is not tried again for so long: a refusal costs the answer time."""
_OPENS_WITHIN_S = 3.0
"""Where a thread could be opened only later than this (a channel takes some fifty in five minutes), the answer stands
in the channel instead of waiting."""
_TYPES_WITHIN_S = 5.0
"""A typing indicator that comes later than this is of no use."""
_THREAD_EXISTS = 160004
_NOT_THERE = frozenset({10003, 10008})
"""Unknown channel, unknown message (Discord docs, opcodes-and-status-codes)."""
_ARCHIVED = 50083
_UPLOAD_S = 120.0
"""For a file of `Limits.file_bytes` over a slow line."""


class DiscordSurface:
    """Where one question is answered. The thread is opened by the first call that needs it.

    If no thread can be opened there, none that the bot may write in (a missing permission, a voice channel), or none
    soon (too many were opened), the answer is posted in the channel itself. If Discord rejects a call's content, it is
    sent once more as plain text, and so is the rest of the answer.
    An answer in the same place as its question begins with a reply to it (in a channel, every part is a reply): people
    see what it answers, and so does a later process that looks for an earlier one's posts.
    """

    def __init__(self, calls: Calls, address: Address, key: MessageKey) -> None:
        self.dialect = DiscordDialect()
        self._calls = calls
        self._address = address
        self._key = key
        self._finder = Finder(calls, address)
        self._here = int(address.channel)
        self._root = int(address.message)
        self._in_channel = not (address.direct or address.in_thread)
        self._place: int | None = None if self._in_channel else self._here
        self._opening = asyncio.Lock()
        self._opened = self._plain = False
        self._posted: dict[str, str] = {}
        self._buttons: dict[str, tuple[Button, ...]] = {}

    @property
    def limits(self) -> Limits:
        """Return what the place allows. Discord counts posts and edits separately, per channel; a thread is a channel.

        The budgets are those that its answers stated last. Typing shows for ten seconds (resources/channel).
        """
        place = self._place or self._root
        known = self._calls.limits
        return Limits(
            page_size=2000, posts=known.budget(place, "post"), edits=known.budget(place, "edit"), status_lasts_s=8.0
        )

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        """Post rendered text; return the message's id. One key makes one message, however often it is asked for.

        For some minutes Discord itself refuses a second message with a nonce (resources/message, `enforce_nonce`). For
        earlier posts, `again` looks among the bot's messages after the question, where the key's number tells which it
        is (see `find`). The found message gets the text and the buttons. `growing` makes no difference here.
        """
        del growing
        if idempotency_key in self._posted:
            return self._posted[idempotency_key]
        message: sdk.Posted | discord.Message | None = await self._find(idempotency_key) if may_exist else None
        if message is None:
            message = await self._send(idempotency_key, may_exist=may_exist, content=text, view=row(buttons))
        message_id = str(message.id)
        self._buttons[message_id] = shown_on(message)
        wanted = () if self._plain else tuple(buttons)
        if may_exist and (message.content.strip() != text.strip() or self._buttons[message_id] != wanted):
            await self.edit(message_id, text, buttons=buttons)
        self._posted[idempotency_key] = message_id
        return message_id

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        """Replace a message's text by rendered text, and its buttons; its links stay without previews.

        `growing` makes no difference here.
        """
        del growing
        # Until the edit is confirmed, either set of buttons may show; an earlier process's buttons are not known.
        before = self._buttons.pop(message_id, None)

        async def change(*, plain: bool) -> None:
            wanted = () if plain else tuple(buttons)
            view: dict[str, Any] = {"view": row(wanted)} if plain or before != wanted else {}
            await self._change(message_id, partial(sdk.edit, message=int(message_id), content=text, **view))
            self._buttons[message_id] = wanted

        await self._or_plain(change)

    async def delete(self, message_id: str) -> None:
        """Delete one of the bot's messages. One that is no longer there is no error."""
        try:
            await self._change(message_id, partial(sdk.delete, message=int(message_id)))
        except Gone as gone:
            log.debug("discord_message_gone_already", message=message_id, reason=gone.detail)

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        """Post a file as a message of its own; return the message's id.

        `idempotency_key` and `may_exist` as for `post`. A file above the place's upload limit is refused with a
        `PlatformError`.
        """
        if idempotency_key in self._posted:
            return self._posted[idempotency_key]
        message: sdk.Posted | discord.Message | None = await self._find(idempotency_key) if may_exist else None
        if message is None:
            message = await self._send(idempotency_key, may_exist=may_exist, file=(name, data), within_s=_UPLOAD_S)
        self._posted[idempotency_key] = str(message.id)
        return self._posted[idempotency_key]

    async def status(self, text: str) -> None:
        """Show the typing indicator for ten seconds; it has no text and cannot be taken away (resources/channel).

        One indicator is enough for a place, and none is needed where a post is due.
        """
        if not text:
            return
        try:
            place = await self._find_place()
            if self._calls.may_type(place, str(self._key)):
                await self._calls.call(lambda client: _type_in(client, place), within_s=_TYPES_WITHIN_S)
        except PlatformError as error:
            log.info("discord_typing_failed", place=self._place or self._here, reason=error.detail)

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        """Return up to `limit` messages before a question: its thread's, its chain of replies, and those it links to.

        What cannot be read is named, and logged.
        """
        return await said_before(self._calls, question, limit, thread=thread)

    async def place(self) -> Place:
        """Return where the question was asked, by the names people see."""
        return await place_of(self._calls, self._address)

    async def _send(
        self, idempotency_key: str, *, may_exist: bool, within_s: float = CALL_S, **what: Any
    ) -> sdk.Posted:
        """Post something. If the thread does not allow it, post in the channel and delete the thread."""
        place = await self._find_place()
        try:
            return await self._send_to(place, idempotency_key, within_s, **what)
        except Forbidden as error:
            if may_exist or place == self._here or self._posted:
                raise
            log.warning("discord_thread_not_writable", channel=self._here, reason=error.detail)
            await self._leave(place)
        return await self._send_to(self._here, idempotency_key, within_s, **what)

    async def _send_to(self, place: int, idempotency_key: str, within_s: float, **what: Any) -> sdk.Posted:
        replies = place == self._here and (self._in_channel or not part_of(idempotency_key))
        root = self._root if replies else None
        self._calls.typing.pop(place, None)

        async def post(*, plain: bool) -> sdk.Posted:
            send = partial(sdk.send, place=place, nonce=_nonce(idempotency_key), reply_to=root, plain=plain, **what)
            return await self._calls.call(send, within_s=within_s)

        return await self._or_plain(post)

    async def _or_plain(self, make: Callable[..., Awaitable[T]]) -> T:
        """Make a call. If Discord rejects its content, make it once more, and all later ones, as plain text."""
        if not self._plain:
            try:
                return await make(plain=False)
            except Rejected as error:
                log.warning("discord_call_rejected", place=self._place or self._here, reason=error.detail)
        made = await make(plain=True)
        self._plain = True
        return made

    async def _leave(self, thread: int) -> None:
        """Answer in the channel, and delete the thread that was opened for nothing.

        A bot that may not delete it may archive it, as its creator (Discord docs, topics/threads).
        """
        self._place = self._here
        self._calls.threadless[self._here] = asyncio.get_running_loop().time() + _THREADLESS_S
        if not self._opened:
            return
        try:
            await self._calls.call(lambda client: sdk.delete_channel(client, thread))
        except Forbidden:
            await self._archive(thread)
        except PlatformError as error:
            log.info("discord_thread_left", thread=thread, reason=error.detail)

    async def _archive(self, thread: int) -> None:
        try:
            await self._calls.call(lambda client: sdk.set_archived(client, thread, archived=True))
        except PlatformError as error:
            log.info("discord_thread_left", thread=thread, reason=error.detail)

    async def _change(self, message_id: str, change: Callable[[discord.Client, int], Awaitable[Any]]) -> None:
        """Change one of the bot's messages. An earlier process's is in the channel if it could open no thread."""
        place = self._place or self._root
        try:
            await self._change_in(place, change)
        except Gone:
            if place == self._here or not self._in_channel or message_id in self._posted.values():
                raise
            place = self._here
            await self._change_in(place, change)
        self._place = place

    async def _change_in(self, place: int, change: Callable[[discord.Client, int], Awaitable[Any]]) -> None:
        """Change a message; if its thread was archived meanwhile, reopen the thread first."""

        async def make(client: discord.Client) -> None:
            try:
                await change(client, place)
            except discord.HTTPException as error:
                if error.code != _ARCHIVED:
                    raise
                await sdk.set_archived(client, place, archived=False)
                await change(client, place)

        await self._calls.call(make)

    async def _find(self, idempotency_key: str) -> discord.Message | None:
        """Return what was posted with a key: in the thread, or in the channel if none could be opened then.

        Raise `Gone` if the question is no longer there and neither place has the post.
        """
        places, gone = [self._here], None
        try:
            places.insert(0, await self._find_place())
        except Gone as error:
            gone = error
        for place in dict.fromkeys(places):
            found = await self._finder.post(idempotency_key, self._posted.values(), place)
            if found is not None:
                self._place = place
                return found
        if gone is not None:
            raise gone
        return None

    async def _find_place(self) -> int:
        if self._place is None:
            wait_aside()
        async with self._opening:
            if self._place is None:
                self._place = await self._open_place()
            return self._place

    async def _open_place(self) -> int:
        """Return where to answer: a thread, or the channel if no thread can be opened there soon."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + _OPENS_WITHIN_S
        while self._calls.crowded.get(self._here, 0.0) <= until_s:
            try:
                return await self._calls.call(self._open_thread)
            except RateLimited as error:
                if now_s() + error.retry_after_s > until_s:
                    log.info("discord_threads_limited", channel=self._here, wait_s=error.retry_after_s)
                    self._calls.crowded[self._here] = now_s() + error.retry_after_s
                else:
                    await asyncio.sleep(error.retry_after_s)
        return await self._thread_or_channel()

    async def _thread_or_channel(self) -> int:
        """Return the question's thread if an earlier process has opened it, else its channel."""
        try:
            await self._calls.call(lambda client: sdk.look_up(client, self._root), patient=True)
        except Gone:
            return self._here
        return self._root

    async def _open_thread(self, client: discord.Client) -> int:
        """Open the thread on the question and return its id, the question's own (topics/threads); or the channel's."""
        root = self._root
        now_s = asyncio.get_running_loop().time()
        if self._calls.threadless.get(self._here, now_s) > now_s or not _may_write_in_threads(client, self._here):
            return self._here
        try:
            await sdk.open_thread(client, self._here, root, thread_name(self._address))
        except discord.HTTPException as error:
            if error.code == _THREAD_EXISTS:
                return root
            if error.code in _NOT_THERE:  # the answer begun for a deleted question is in its thread
                await sdk.look_up(client, root)
                return root
            if error.status >= 500:
                raise
            log.warning("discord_thread_not_opened", channel=self._here, code=error.code, reason=error.text)
            if error.status == 403:
                self._calls.threadless[self._here] = now_s + _THREADLESS_S
            return self._here
        self._opened = True
        return root


def _may_write_in_threads(client: discord.Client, channel: int) -> bool:
    """Return whether the bot may write in a channel's threads, as far as is known, so that none is opened in vain."""
    place = client.get_channel(channel)
    me = place.guild.me if isinstance(place, discord.abc.GuildChannel) else None
    return me is None or place.permissions_for(me).send_messages_in_threads  # type: ignore[union-attr]


async def _type_in(client: discord.Client, place: int) -> None:
    await client.get_partial_messageable(place).typing()


def _nonce(idempotency_key: str) -> str:
    return (
        idempotency_key
        if len(idempotency_key) <= _NONCE_SIZE
        else hashlib.sha256(idempotency_key.encode()).hexdigest()[:_NONCE_SIZE]
    )


def thread_name(address: Address) -> str:
    """Return a thread's name from its first title with words: one line, 1 to 100 characters (topics/threads)."""
    plain = (re.sub(r"[`*~|]+|^[#>\s]+", "", title, flags=re.MULTILINE) for title in address.titles)
    name = next((" ".join(words) for title in plain if (words := title.split())), "")
    if len(name) <= _NAME_SIZE:
        return name.strip() or "Question"
    cut = name[:_NAME_SIZE].rsplit(" ", 1)[0]
    return f"{cut}…"
