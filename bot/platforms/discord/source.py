"""Discord's past, read back: what was written in its channels while the bot had no session.

A broken connection is resumed, and Discord sends what was missed. A session lost to a restart or to a long break is
begun anew, and nothing written in between is sent (docs, events/gateway, "Resuming"). The guilds then list each
channel's newest message, so only channels with news are read. They do not list DMs and archived threads: those in which
the bot was asked lately are read, and other DMs when they go on. A person's first DM ever is not found before their
second. A mention added by an edit is found only in a channel that is read, on one of the last messages before the gap.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import discord
import structlog

from bot.errors import Forbidden, Gone
from bot.events import Edited, Event, ThreadKey
from bot.platforms.discord import sdk
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.read.question import question_in
from bot.platforms.discord.read.translate import is_question, mentions_bot
from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.catch_up import Found, Terms
from bot.platforms.kernel.fairness import in_fair_order

log = structlog.get_logger()

TERMS = Terms(
    window_s=6 * 3600.0,  # whoever asked earlier has stopped waiting, or has asked again
    margin_s=120.0,  # discord.py gives up a connection after 60 s without an answer, and checks every 41 s
    overlap_s=120.0,  # clocks differ, too
    asked_s=30 * 86400.0,
    back_off=BackOff(0.5, 30.0),
    at_once=4,
    slot_s=0.2,  # twenty calls a second are not for answers
)
_ARCHIVED_S = 3600.0
"""A thread is archived after an hour without a message, or later (docs, resources/channel, "auto_archive_duration")."""
_MOST_ARCHIVED = 200
"""Each costs two calls, most of them in vain."""
_MOST_PLACES = 2000
"""One call each, at less than fifty a second: about a minute. A bot that is killed again and again before it has read
them all finds ever more; any left out once would be lost."""
_MOST_MESSAGES = 1000
"""The newest ones of one channel: ten calls. Whoever asked before that many others has found somebody else to ask."""
_READ_S = 60.0


@dataclass(frozen=True, slots=True)
class Past:
    """A message that was read back. `is_edit`: it was sent before the gap, and edited since."""

    message: discord.Message
    is_edit: bool = False

    def at_s(self) -> float:
        """Return when it was sent, or edited, in seconds since 1970."""
        edited_at = self.message.edited_at if self.is_edit else None
        return (edited_at or self.message.created_at).timestamp()


class DiscordSource:
    """Reads the channels of the guilds that have begun, and DMs, through the client that is logged in."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._begun: dict[int, discord.Guild] = {}
        self._looking_up = asyncio.Lock()
        self._members: dict[tuple[int, int], discord.Member | None] = {}

    def begin(self, guilds: Iterable[discord.Guild]) -> None:
        """Read these guilds next: what was written there until now was not received."""
        self._begun |= {guild.id: guild for guild in guilds}

    async def places(self, since_s: float, asked: Sequence[ThreadKey]) -> Sequence[ChannelRef]:
        """Return the places whose news no guild lists, then those with news in the guilds begun since the last time.

        If no guild has begun, all are searched.
        """
        everywhere = (await self._calls.client()).guilds
        guilds = [*self._begun.values()] or [guild for guild in everywhere if not guild.unavailable]
        self._begun, self._members = {}, {}  # roles may have changed since the last time
        news = [place for guild in guilds for place in _with_news(guild, since_s)]
        if len(news) > _MOST_PLACES:
            log.warning("discord_channels_left_out", with_news=len(news), read=_MOST_PLACES)
        found = [*_untold(asked, self._calls.clock.now_s() - since_s), *in_fair_order(news[:_MOST_PLACES])]
        return [ChannelRef(str(channel)) for channel in found]

    async def read(self, place: ChannelRef, since_s: float) -> Found[Past]:
        """Return what people sent or edited in a place since a time."""
        channel = int(place.channel)
        found = await self._calls.call(
            lambda client: _history(client, channel, since_s), patient=True, within_s=_READ_S
        )
        return Found(found)

    async def events(self, place: ChannelRef, message: Past) -> Sequence[Event]:
        """Return the message's question; nothing if it asks none or cannot be read."""
        del place
        client, author = await self._calls.client(), await self._member(message.message)
        question = await question_in(client, message.message, author)
        if question is None:
            return ()
        return (Edited(question) if message.is_edit else question,)

    async def _member(self, message: discord.Message) -> discord.Member | None:
        """Return the author with roles, which a fetched message lacks.

        None if the message cannot be a question to the bot, or if the author has left.
        """
        guild, author = message.guild, message.author
        user = (await self._calls.client()).user
        asked = isinstance(message.channel, discord.Thread) or mentions_bot(message, user.id if user else 0)
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


def _untold(asked: Sequence[ThreadKey], gap_s: float) -> list[int]:
    """Return the places whose news no guild lists: DMs, and after a long gap threads that may be archived."""
    dms = [int(thread.thread) for thread in asked if thread.workspace == "@me"]
    threads = [int(thread.thread) for thread in asked if thread.workspace != "@me"] if gap_s > _ARCHIVED_S else []
    return dms[:_MOST_PLACES] + threads[:_MOST_ARCHIVED]


def _with_news(guild: discord.Guild, since_s: float) -> list[int]:
    """Return the readable channels and active threads with a message since a time, newest first."""
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


async def _history(client: discord.Client, channel: int, since_s: float) -> list[Past]:
    """Return what people sent since a time, and what they edited since then on the page that contains that time."""
    place = client.get_channel(channel) or await client.fetch_channel(channel)
    if not isinstance(place, discord.abc.Messageable):
        return []
    after, found, said = _snowflake(since_s), [], 0
    async for message in sdk.history(client, channel, _MOST_MESSAGES, until=after, channel=place):
        past = Past(message, is_edit=message.id <= after)
        said += not past.is_edit
        if is_question(message) and past.at_s() > since_s:
            found.append(past)
    if said == _MOST_MESSAGES:
        log.warning("discord_channel_too_long", channel=channel, read=said)
    return sorted(found, key=lambda past: (past.at_s(), past.message.id))


def _snowflake(at_s: float) -> int:
    return discord.utils.time_snowflake(datetime.fromtimestamp(at_s, UTC))
