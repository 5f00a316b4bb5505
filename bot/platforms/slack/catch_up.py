"""What was said while the bot was not there: read from Slack and handed in as if it had just been said.

Slack delivers again what nobody took, three times within about five minutes (docs, apis/events-api, retries). What is
older than that nobody delivers; it stands in the channels and threads. All of it goes through the listener's own door,
and the store knows what it had already.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.errors import PlatformError, Unreachable
from bot.events import Missed
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.fairness import in_fair_order
from bot.platforms.slack.calls import Calls, Me
from bot.platforms.slack.read.translate import Message
from bot.platforms.slack.reading import ChannelRef, Pace, Reader
from bot.ports import Checkpoints, EventHandler

log = structlog.get_logger()

_PLATFORM = "slack"
_WINDOW_S = 48 * 3600.0
"""What was said longer ago is not fetched: nobody waits for an answer to it any more."""
_THREADS_S = 24 * 3600.0
"""A thread is read if the bot was asked in it so shortly before it left."""
_MARGIN_S = 330.0
"""Slack's last retry comes about five minutes after an event: what is older than this was handed in or given up."""
_NOTE_EVERY_S = 30.0
_GAP_S = 90.0
"""Nothing noted for so long: the connection was lost, or the machine slept. Shorter gaps Slack's retries fill."""
_MOST_PLACES = 200
"""Channels, and threads: at the usual pace both are read within a quarter of an hour."""
_LONGEST_S = 3600.0
"""What could not be read within this time is left alone: at one call a minute a large workspace takes hours."""
_LONGEST_PAUSE_S = 60.0
_FIRST_S = 2.4
"""So long a live message waits for what was missed in its thread. Slack wants it acknowledged within three seconds."""

Take = Callable[[dict[str, Any]], Awaitable[BoltResponse]]
"""The listener's door: takes an event's body, answers 200 when it was heard."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long what takes, in seconds. The defaults' reasons stand with the constants."""

    note_every_s: float = _NOTE_EVERY_S
    margin_s: float = _MARGIN_S
    gap_s: float = _GAP_S
    window_s: float = _WINDOW_S
    longest_s: float = _LONGEST_S
    pause_s: float = 2.0


_USUAL, _PACE = Times(), Pace()


class CatchUp:
    """Notes until when everything was heard, and fetches what was not. `take`: where the messages go.
    `handle`: where it says that edits and deletions may have been missed.

    A first mention in a thread more than a week older, in which the bot was not asked before, is not found.
    """

    def __init__(
        self,
        calls: Calls,
        take: Take,
        handle: EventHandler,
        checkpoints: Checkpoints,
        me: Me,
        *,
        times: Times = _USUAL,
        pace: Pace = _PACE,
    ) -> None:
        self._hear = handle
        self._now_s = calls.clock.now_s
        self._reader = Reader(calls, pace)
        self._take = take
        self._checkpoints = checkpoints
        self._me = me
        self._times = times
        self._left: deque[ChannelRef] = deque()
        self._listed = asyncio.Event()
        self._news: set[ChannelRef] = set()
        self._told_since_s: dict[str, float] = {}
        self._waited_for: dict[ChannelRef, asyncio.Event] = {}
        self._reading: ChannelRef | None = None
        self._seen_s = self._caught_up_s = -math.inf
        self._catching_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, connected: asyncio.Event) -> None:
        """Until cancelled: catch up at the start and after each gap; note the time up to which all was handed in.

        Nothing is noted while there is no connection, nor before what was missed is handed in.
        """
        async with asyncio.TaskGroup() as tasks:
            try:
                while True:
                    await connected.wait()
                    if self._is_gap():
                        self._catching_up.cancel()
                        self._catching_up = tasks.create_task(self._catch_up(), name="slack-catch-up")
                    self._seen_s = time.time()
                    if self._catching_up.done():
                        await self._note()
                    await asyncio.sleep(self._times.note_every_s)
            finally:
                if self._catching_up.done():
                    await self._note()

    def _is_gap(self) -> bool:
        return abs(time.time() - self._seen_s) > self._times.gap_s  # a clock that is set back hides no gap

    async def _catch_up(self) -> None:
        begun_s = self._now_s()
        self._listed.clear()
        try:
            if await self._went_well(self._fetch(begun_s)):
                self._caught_up_s = begun_s
                await self._note()
        finally:
            self._leave()

    def _leave(self) -> None:
        """Nobody waits any more for what is left; the next time all of it is read anew."""
        self._left.clear()
        self._reading = None
        self._listed.set()
        for place in list(self._waited_for):
            self._done(place)

    async def _note(self) -> None:
        """Note what was handed in, unless there is a gap. A shorter one lies within the margin."""
        if not self._is_gap():
            at_s = max(self._caught_up_s, self._now_s() - self._times.margin_s)
            await self._went_well(self._checkpoints.save(_PLATFORM, at_s))

    async def _went_well(self, step: Awaitable[None]) -> bool:
        """Take a step. If it fails, that is a gap: what was said meanwhile may not have been handed in either."""
        try:
            await step
        except PlatformError as error:
            log.info("slack_catch_up_waits", reason=error.detail)
        except Exception:
            # A database that cannot be read or written now must not end the connection.
            log.exception("slack_catch_up_failed")
        else:
            return True
        self._seen_s = -math.inf
        return False

    async def _fetch(self, now_s: float) -> None:
        """Hand in what was said since the bot was last there; nothing if it never was."""
        until_s = await self._checkpoints.last(_PLATFORM)
        if not until_s:
            return
        if until_s > now_s:  # written by a clock that was ahead: it must not hide what was said
            until_s = now_s - self._times.margin_s
        since_s = max(until_s, now_s - self._times.window_s)
        log.info("slack_catches_up", missed_s=round(now_s - since_s))
        self._left, self._news, self._told_since_s = await self._places(since_s), set(), {}
        self._listed.set()
        try:
            async with asyncio.timeout(self._times.longest_s):
                await self._read(since_s)
        except TimeoutError:
            log.warning("slack_catch_up_cut_short", after_s=self._times.longest_s, places_left=len(self._left) + 1)
        await self._hear(Missed(_PLATFORM))

    async def _places(self, since_s: float) -> deque[ChannelRef]:
        """Return what to read: the channels where the bot was asked lately, its other ones, then the threads."""
        known = await self._checkpoints.threads(_PLATFORM, time.time() - (self._now_s() - since_s) - _THREADS_S)
        threads = [thread for thread in known if thread.workspace == self._me.team]
        guessed = {thread.channel: "im" if thread.channel.startswith("D") else "channel" for thread in threads}
        kinds = guessed | await self._reader.channels()
        if max(len(kinds), len(threads)) > _MOST_PLACES:
            log.warning("slack_places_left_out", channels=len(kinds), threads=len(threads), read=_MOST_PLACES)
        channels = [ChannelRef(channel, kind) for channel, kind in kinds.items()]
        roots = [ChannelRef(thread.channel, kinds[thread.channel], thread.thread) for thread in threads]
        return deque(channels[:_MOST_PLACES] + in_fair_order(roots[:_MOST_PLACES]))

    async def _read(self, since_s: float) -> None:
        """Hand in what was said in the places that are left, and in the threads of theirs in which something was said.

        A place that cannot be read or heard now is tried again after the others.
        """
        failures, seen = 0, set(self._left)
        back_off = BackOff(self._times.pause_s, _LONGEST_PAUSE_S)
        while self._left:
            place = self._reading = self._left.popleft()
            if self._is_quiet(place):
                self._done(place)
                continue
            try:
                news = await self._read_one(place, since_s)
            except Unreachable as error:
                failures += 1
                log.info("slack_place_waits", channel=place.channel, reason=error.detail)
                self._left.append(place)
                await asyncio.sleep(back_off.wait_s(failures))
                continue
            except PlatformError as error:
                log.info("slack_place_unreadable", channel=place.channel, reason=error.detail)
                news = []
            failures = 0
            self._done(place)
            self._news.update(news)
            self._left.extend(in_fair_order(place for place in news if place not in seen))
            seen.update(news)

    def _is_quiet(self, place: ChannelRef) -> bool:
        """Say whether a thread's channel has told that there is nothing new in it."""
        told_since_s = self._told_since_s.get(place.channel, math.inf)
        return bool(place.thread) and place not in self._news and float(place.thread) > told_since_s

    def _done(self, place: ChannelRef) -> None:
        if (waited_for := self._waited_for.pop(place, None)) is not None:
            waited_for.set()

    async def first(self, channel: str, thread: str) -> None:
        """Have what was missed in the thread of a live message handed in before it, if that takes but a moment.

        That may be its root, too, so the channel comes before the thread.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_S):
                await self._listed.wait()
                for place in (ChannelRef(channel, ""), ChannelRef(channel, "", thread)):
                    if place in self._left:
                        self._left.remove(place)
                        self._left.appendleft(place)
                    if place in {self._reading, *self._left}:
                        await self._waited_for.setdefault(place, asyncio.Event()).wait()

    async def _read_one(self, place: ChannelRef, since_s: float) -> list[ChannelRef]:
        """Hand in what was said in a place, oldest first; return the threads of it in which something was said.

        Raises `PlatformError`s: `Unreachable` if something was not heard, after all the others were handed in.
        """
        found = await self._reader.read(place, since_s)
        refused = 0
        for message in found.messages:
            answer = await self._take(_event(message, place, self._me.team))
            refused += answer.status != 200
        log.debug("slack_place_read", channel=place.channel, messages=len(found.messages), refused=refused)
        if refused:
            raise Unreachable("The bot cannot take messages in at the moment.", f"{refused} messages were not heard")
        if not place.thread:
            self._told_since_s[place.channel] = found.whole_since_s
        return found.threads


def _event(message: Message, place: ChannelRef, team: str) -> dict[str, Any]:
    """Return the body of the event that a message would have been, and that nobody was there to take.

    If it was edited since, it is heard for the first time as it is now.
    """
    said = {name: value for name, value in message.items() if name != "edited"}
    event = {**said, "type": "message", "channel": place.channel, "channel_type": place.kind, "event_ts": message["ts"]}
    return {"type": "event_callback", "team_id": team, "context_team_id": team, "event": event}
