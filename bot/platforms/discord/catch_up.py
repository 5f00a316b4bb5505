"""What was said while the bot had no session: read from the channels and handed in through the door of live events.

A connection that breaks is resumed, and Discord sends what was missed. A session that is lost, by a restart or because
the break was too long, is begun anew, and what was said in between nobody sends (docs, events/gateway, "Resuming").
The guilds then tell each channel's newest message, so that only channels with news are read. DMs and archived threads
Discord does not tell: those in which the bot was asked lately are read, other DMs when they go on. The first DM a
person ever writes is not found before the second one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import discord
import structlog

from bot.errors import Forbidden, Gone, PlatformError, Unreachable
from bot.events import ThreadKey
from bot.platforms.discord import sdk
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.listen import Listener
from bot.platforms.discord.read.translate import is_question, mentions_bot
from bot.platforms.discord.read_slots import ReadSlots
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.fairness import in_fair_order
from bot.ports import Checkpoints

log = structlog.get_logger()

_PLATFORM = "discord"
_WINDOW_S = 6 * 3600.0
"""Who asked longer ago does not wait for the answer any more, or has asked again."""
_ASKED_S = 30 * 86400.0
_ARCHIVED_S = 3600.0
"""A thread is archived after an hour without a word, or later (docs, resources/channel, "auto_archive_duration")."""
_MOST_ARCHIVED = 200
"""Two calls each, and most of them in vain."""
_NOTE_EVERY_S = 30.0
_MARGIN_S = 120.0
"""discord.py gives a connection up after 60 s without an answer, and looks every 41 s; clocks differ, too."""
_GUILDS_S = 60.0
"""How long a session's guilds are waited for; one in an outage may take hours."""
_MOST_PLACES = 2000
"""A call each, at less than fifty a second: within a minute or so. A bot that is killed again and again before it has
read all of them finds ever more; those that were left out once would be lost."""
_MOST_MESSAGES = 1000
"""Of one channel, the newest ones: ten calls. Who asked before so many others has found somebody else to ask."""
_READ_S = 60.0
_AGAIN_S = BackOff(0.5, 2.0).waits_s(3)
"""So long after each attempt in vain a channel is read again, before those who speak there need wait no longer."""
_MOST_TRIES = 20
"""So often, every half a minute, a channel is read again for a message that could not be heard: the disk is full."""


class CatchUp:
    """Notes until when everything was heard, and fetches what was not, for one client."""

    def __init__(
        self, client: Listener, calls: Calls, checkpoints: Checkpoints, *, note_every_s: float = _NOTE_EVERY_S
    ) -> None:
        self._client = client
        self._note_every_s = note_every_s
        self._calls = calls
        self._checkpoints = checkpoints
        self._begun: list[discord.Guild | None] = []
        self._begun_s = self._since_s = 0.0
        self._unread: dict[int, float] = {}
        self._queued: set[int] = set()
        self._busy = 0
        self._tries: Counter[int] = Counter()
        self._slots = ReadSlots(lambda channel: client.order.is_waited_for(str(channel)))
        self._looking_up = asyncio.Lock()
        self._members: dict[tuple[int, int], discord.Member | None] = {}
        client.read_dms_by(self._read_dm)

    async def run(self) -> None:
        """Until cancelled: catch up where a session or a guild begins; write down until when everything was heard.

        Nothing is written down while there is no connection, nor before what was missed was handed in.
        """
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._note_every_s):
                        self._begun.append(await self._client.begun.get())
                await _safely(self._round)
        finally:
            self._client.order.release()
            await _safely(self._note)

    async def _round(self) -> None:
        try:
            await self._look()
            self._look_again()
            for channel in [channel for channel in self._unread if channel not in self._queued]:
                self._queued.add(channel)
                self._client.in_turn(channel, partial(self._read_safely, channel), first=True)
        finally:
            if not self._more_begun():
                self._client.order.release()
        await self._note()

    def _more_begun(self) -> bool:
        """Say whether something is still to be looked at: guilds come one after the other, and during a round, too."""
        return self._client.beginning or not self._client.begun.empty()

    async def _look(self) -> None:
        """Find where there is something to read, in what has begun."""
        while not self._client.begun.empty():
            self._begun.append(self._client.begun.get_nowait())
        if None in self._begun:  # a session
            self._begun_s = self._calls.clock.now_s()
            until_s = await self._checkpoints.last(_PLATFORM)
            # a clock that was ahead for a while must not hide what was said
            gap_s = min(max(self._begun_s - until_s, _MARGIN_S), _WINDOW_S)
            self._since_s = self._begun_s - gap_s if until_s else 0.0
            if until_s:
                for place in _untold(await self._checkpoints.threads(_PLATFORM, time.time() - _ASKED_S), gap_s):
                    self._add(place, self._since_s)
                await self._client.missed()
        guilds = [guild for guild in self._begun if guild]
        if guilds and self._since_s:
            self._look_in(guilds, max(self._since_s, self._calls.clock.now_s() - _WINDOW_S))
        self._begun = []

    def _look_in(self, guilds: Sequence[discord.Guild], since_s: float) -> None:
        news = [place for guild in guilds for place in _with_news(guild, since_s)]
        log.info("discord_catches_up", missed_s=round(self._calls.clock.now_s() - since_s), channels=len(news))
        if len(news) > _MOST_PLACES:
            log.warning("discord_channels_left_out", with_news=len(news), read=_MOST_PLACES)
        for place in in_fair_order(news[:_MOST_PLACES]):
            self._add(place, since_s)

    def _look_again(self) -> None:
        """Add the channels in which a message could not be heard, until it is hopeless."""
        unheard, self._client.unheard = self._client.unheard, {}
        for channel, since_s in unheard.items():
            self._tries[channel] += 1
            if self._tries[channel] > _MOST_TRIES:
                log.error("discord_message_given_up", channel=channel, tries=_MOST_TRIES)
                del self._tries[channel]
            else:
                self._add(channel, since_s)

    async def _read_dm(self, channel: int) -> None:
        """Read a DM that may have been opened while nobody was there: Discord tells of none before it goes on."""
        if self._since_s:
            self._add(channel, self._since_s)
            self._queued.add(channel)
            await self._read_safely(channel)

    def _add(self, channel: int, since_s: float) -> None:
        self._unread[channel] = min(since_s, self._unread.get(channel, since_s))

    async def _read_safely(self, channel: int) -> None:
        async with self._slots.one(channel):
            if self._client.is_closed():
                return  # the next client catches up
            self._queued.discard(channel)
            since_s = self._unread.pop(channel, None)
            if since_s is None:  # it was read meanwhile
                return
            self._busy += 1
            try:
                await _safely(lambda: self._read(channel, since_s))
            finally:
                self._busy -= 1

    async def _read(self, channel: int, since_s: float) -> None:
        """Hand in what was said in a channel since a time, oldest first. One that cannot be read now stays unread."""
        after = discord.Object(_snowflake(since_s))
        try:
            await self._read_patiently(channel, after)
        except (Gone, Forbidden) as error:
            log.info("discord_channel_unreadable", channel=channel, reason=error.detail)
        except BaseException:
            self._add(channel, since_s)
            raise
        if channel not in self._client.unheard:
            self._tries.pop(channel, None)

    async def _read_patiently(self, channel: int, after: discord.Object) -> None:
        """Read a channel, several times if need be: what is said in it now waits for that, to be heard in its order."""
        for wait_s in _AGAIN_S:
            with suppress(Unreachable):
                return await self._read_once(channel, after)
            await asyncio.sleep(wait_s)
        return await self._read_once(channel, after)

    async def _read_once(self, channel: int, after: discord.Object) -> None:
        messages = await self._read_history(channel, after)
        for message in messages:
            if is_question(message):
                await self._client.hear_message(message, author=await self._member(message))
        log.debug("discord_channel_read", channel=channel, messages=len(messages))

    async def _read_history(self, channel: int, after: discord.Object) -> list[discord.Message]:
        return await self._calls.call(lambda client: _history(client, channel, after), patient=True, within_s=_READ_S)

    async def _member(self, message: discord.Message) -> discord.Member | None:
        """Return the author with roles, which a message that was read does not tell, if the bot may be asked by it.

        None also for who has left.
        """
        guild, author = message.guild, message.author
        me = self._client.user.id if self._client.user else 0
        asked = isinstance(message.channel, discord.Thread) or mentions_bot(message, me)
        if guild is None or isinstance(author, discord.Member) or not asked:
            return None
        key = (guild.id, author.id)
        async with self._looking_up:
            if key not in self._members:
                try:
                    self._members[key] = await self._calls.call(lambda _: guild.fetch_member(author.id), patient=True)
                except (Gone, Forbidden):
                    self._members[key] = None
            return self._members[key]

    async def _note(self) -> None:
        """Write down until when everything was heard, if that can be said."""
        now_s = self._calls.clock.now_s()
        guilds_missing = any(guild.unavailable for guild in self._client.guilds) and now_s < self._begun_s + _GUILDS_S
        behind = self._begun or self._more_begun() or self._unread or self._busy or self._client.unheard
        if behind or guilds_missing or not self._client.connected.is_set():
            return
        at_s = min(max(self._begun_s, now_s - _MARGIN_S), self._client.order.waiting_since_s())
        await self._checkpoints.save(_PLATFORM, at_s)


def _untold(asked: Sequence[ThreadKey], gap_s: float) -> list[int]:
    """Return the places of which no guild tells news: DMs, and after a long gap threads that may be archived."""
    dms = [int(thread.thread) for thread in asked if thread.workspace == "@me"]
    threads = [int(thread.thread) for thread in asked if thread.workspace != "@me"] if gap_s > _ARCHIVED_S else []
    return dms[:_MOST_PLACES] + threads[:_MOST_ARCHIVED]


def _with_news(guild: discord.Guild, since_s: float) -> list[int]:
    """Return the channels and active threads the bot may read that have a message since a time, newest first."""
    places = [place for place in (*guild.channels, *guild.threads) if isinstance(place, discord.abc.Messageable)]
    after = _snowflake(since_s)
    news = {place.id: place.last_message_id or 0 for place in places if _may_read(place, guild.me)}
    return sorted((place for place, last in news.items() if last > after), key=lambda place: -news[place])


def _may_read(
    place: discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread, me: discord.Member
) -> bool:
    if isinstance(place, discord.Thread) and place.parent is None:
        return True
    may = place.permissions_for(me)
    return may.read_messages and may.read_message_history


async def _history(client: discord.Client, channel: int, after: discord.Object) -> list[discord.Message]:
    place = client.get_channel(channel) or await client.fetch_channel(channel)
    if not isinstance(place, discord.abc.Messageable):
        return []
    read: list[discord.Message] = []
    async for message in sdk.history(client, channel, _MOST_MESSAGES, channel=place):  # newest first
        if message.id <= after.id:
            break
        read.append(message)
    if len(read) == _MOST_MESSAGES:
        log.warning("discord_channel_too_long", channel=channel, read=len(read))
    return read[::-1]


def _snowflake(at_s: float) -> int:
    return discord.utils.time_snowflake(datetime.fromtimestamp(at_s, UTC))


async def _safely(step: Callable[[], Awaitable[None]]) -> None:
    """Take a step; if it fails, say so: what it left undone is done in a later round."""
    try:
        await step()
    except PlatformError as error:
        log.info("discord_catch_up_waits", reason=error.detail)
    except Exception:
        # A database that cannot be read or written now must not end the connection.
        log.exception("discord_catch_up_failed")
