"""Catch-up: what was written while the bot was away, read back and handed in through the door of live events.

A `Source` only reads. The rest is the same for every platform and lives here (its pure part in `agenda`): which places
are read, from when and in which order, what waits meanwhile, what is tried again, and when a checkpoint may be written.
An event may be handed in twice: the store knows what it already has.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from bot.errors import Forbidden, Gone, PlatformError, Rejected
from bot.events import Event, Missed, ThreadKey
from bot.platforms.kernel.agenda import Agenda, ChannelRef, Reading
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.door import FIRST, Door
from bot.platforms.kernel.fairness import in_fair_order
from bot.ports import Checkpoints

log = structlog.get_logger()

M = TypeVar("M")
_TRIES = 4
"""The waits double from half a second: 3.5 s in all, plus the calls' own time."""
_JUST_BEFORE_S = 0.001


@dataclass(frozen=True, slots=True)
class Found(Generic[M]):
    """What was found in a place. `messages`: what people wrote or changed, oldest first. `places`: other places with
    news.
    """

    messages: Sequence[M]
    places: Sequence[ChannelRef] = ()


class Source(Protocol[M]):
    """Reads a platform's past back. Times are in seconds since 1970, by the platform's clock."""

    async def places(self, since_s: float, asked: Sequence[ThreadKey]) -> Sequence[ChannelRef]:
        """Return the places that may have missed something since a time, the most important first.

        `asked`: the threads the bot was asked in lately, newest first. Raise `PlatformError`s.
        """
        ...

    async def read(self, place: ChannelRef, since_s: float) -> Found[M]:
        """Return what was written in a place since a time. Raise `PlatformError`s."""
        ...

    async def events(self, place: ChannelRef, message: M) -> Sequence[Event]:
        """Return the events that a message would have brought had it been received live. Raise `PlatformError`s."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How far back to read and how long to wait, in seconds.

    - `note_every_s`: how often a checkpoint is written; it lies `margin_s` in the past, as live events may still come
    - `window_s`: what is older is not fetched; `overlap_s`: how much is read again in any case
    - `asked_s`: how long a thread counts as one that the bot was asked in lately
    - `gap_s`: how long a connection may be gone before something may have been missed; None: the platform tells
    - `patience_s`: how long a live event waits for what was missed in its place; None: until that has failed often
    - `back_off`: the waits before a place is tried again; `longest_s`: when an unreadable place is given up
    - `at_once`: how many places are read in parallel; `slot_s`: how long each keeps its slot at least
    """

    window_s: float
    margin_s: float
    asked_s: float
    back_off: BackOff
    overlap_s: float = 0.0
    note_every_s: float = 30.0
    gap_s: float | None = None
    patience_s: float | None = None
    longest_s: float = 3600.0
    at_once: int = 1
    slot_s: float = 0.0


class CatchUp(Generic[M]):
    """Records the checkpoint, and fetches what was missed.

    `now_s`: the platform's clock. Callers of `first` wait at the start, and from `hold` on, until every place has been
    looked for.
    """

    def __init__(
        self, source: Source[M], door: Door, checkpoints: Checkpoints, now_s: Callable[[], float], terms: Terms
    ) -> None:
        self._source = source
        self._door = door
        self._platform = door.platform
        self._checkpoints = checkpoints
        self._now_s = now_s
        self._terms = terms
        self._agenda = Agenda(terms.back_off, _TRIES, terms.longest_s)
        self._since_s = self._begun_s = 0.0
        self._seen_s = -math.inf
        self._holding = self._begun = self._anew = self._behind = self._untold = False
        self._listed, self._wake, self._more = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._awaited: Counter[ChannelRef] = Counter()
        self._progress: dict[ChannelRef, asyncio.Event] = {}

    def hold(self) -> None:
        """Hold live events from now on, until `begin`."""
        self._holding = True
        self._listed.clear()

    def begin(self, *, anew: bool) -> None:
        """Look for places that may have missed something: all (`anew`), or only those that could not be seen before."""
        self._holding = False
        self._begun = True
        self._anew |= anew
        self._listed.clear()
        self._wake.set()

    def not_taken(self, place: ChannelRef, said_s: float) -> None:
        """Read a place again, because a live message there could not be handed in."""
        self._add(place, said_s - _JUST_BEFORE_S)

    async def first(self, *places: ChannelRef, unlisted: bool = False) -> None:
        """Wait until what was missed in some places is handed in, for at most `patience_s`.

        `unlisted`: the platform names these places only now, because somebody wrote there.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._terms.patience_s):
                await self._listed.wait()
                for place in places:
                    if unlisted and self._since_s:
                        self._add(place, self._since_s)
                    await self._read_of(place)

    async def run(self, connected: asyncio.Event, is_whole: Callable[[], bool] = lambda: True) -> None:
        """Catch up and record the checkpoint, until cancelled.

        `connected`: set while events arrive. `is_whole`: whether the platform has sent everything that it is going to
        list. No checkpoint is written without a connection, nor before what was missed was handed in.
        """
        try:
            async with asyncio.TaskGroup() as readers:
                for _ in range(self._terms.at_once):
                    readers.create_task(self._read_on(), name=f"{self._platform}-catch-up-reader")
                while True:
                    if not self._begun:
                        await connected.wait()
                    self._wake.clear()
                    self._notice_gap(connected)
                    await self._safely(partial(self._round, connected, is_whole))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._terms.note_every_s):
                            await self._wake.wait()
        finally:
            self._listed.set()
            for place in list(self._progress):
                self._let_go(place)
            await self._safely(partial(self._save, connected, is_whole))

    def _notice_gap(self, connected: asyncio.Event) -> None:
        if connected.is_set():
            if self._is_gap():
                self.begin(anew=True)
            self._seen_s = time.time()

    def _is_gap(self) -> bool:
        """Return whether the connection was gone for too long, or the machine slept."""
        gap_s = self._terms.gap_s
        return (
            gap_s is not None and abs(time.time() - self._seen_s) > gap_s
        )  # a clock that is set back must not hide a gap

    async def _round(self, connected: asyncio.Event, is_whole: Callable[[], bool]) -> None:
        if self._begun or self._behind:
            await self._look()
        if self._untold and self._agenda.all_tried():
            await self._door.handle(Missed(self._platform))
            self._untold = False
        await self._save(connected, is_whole)

    async def _look(self) -> None:
        """List the places to read. If that fails, nobody waits for it and the next round tries again."""
        anew, self._begun, self._anew, self._behind = self._anew, False, False, True
        try:
            await self._list(anew=anew)
            self._behind = False
        except BaseException:
            self._anew |= anew
            raise
        finally:
            if not (self._begun or self._holding):
                self._listed.set()

    async def _list(self, *, anew: bool) -> None:
        now_s = self._now_s()
        asked: Sequence[ThreadKey] = ()
        if anew:
            until_s = await self._checkpoints.last(self._platform)
            self._begun_s, self._since_s = now_s, _since_s(until_s, now_s, self._terms)
            self._untold = bool(until_s)
            self._agenda.begin()
            if until_s:
                asked_s = now_s - self._since_s + self._terms.asked_s
                asked = await self._checkpoints.threads(self._platform, time.time() - asked_s)
        if not self._since_s:  # the bot was never there
            return
        since_s = max(self._since_s, now_s - self._terms.window_s)
        places = await self._source.places(since_s, asked)
        log.info("catches_up", platform=self._platform, missed_s=round(now_s - since_s), places=len(places))
        for place in places:
            self._add(place, since_s)

    def _add(self, place: ChannelRef, since_s: float) -> None:
        self._agenda.add(place, since_s, _loop_s())
        self._more.set()

    async def _read_on(self) -> None:
        """Read the places of the agenda, one after the other, until cancelled."""
        while True:
            self._give_up(self._agenda.expire(_loop_s()))
            entry = self._agenda.take(_loop_s(), self._awaited)
            if entry is None:
                self._more.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._agenda.next_due_s()):
                        await self._more.wait()
                continue
            until_s = _loop_s() + self._terms.slot_s
            await self._read(entry)
            await asyncio.sleep(max(0.0, until_s - _loop_s()))

    async def _read(self, entry: Reading) -> None:
        """Hand in what was missed in a place. If that cannot be read or handed in now, the place is tried again."""
        place, is_done = entry.place, False
        try:
            async with asyncio.timeout_at(entry.until_s):
                found = await self._source.read(place, entry.since_s)
            is_done = await self._hand_in(entry, found)
        except (Gone, Forbidden, Rejected) as error:
            is_done = True
            log.info("place_unreadable", platform=self._platform, place=place.channel, reason=error.detail)
        except PlatformError as error:
            log.info("place_waits", platform=self._platform, place=place.channel, reason=error.detail)
        except TimeoutError:
            pass
        except Exception:
            log.exception("place_not_read", platform=self._platform, place=place.channel)
        finally:
            self._read_once(place, is_done=is_done)

    def _read_once(self, place: ChannelRef, *, is_done: bool) -> None:
        if is_done:
            self._agenda.done(place)
        else:
            self._agenda.failed(place, _loop_s())
        self._more.set()
        if not self._agenda.holds_up(place):
            self._let_go(place)
        if self._agenda.all_tried():
            self._wake.set()

    async def _hand_in(self, entry: Reading, found: Found[M]) -> bool:
        """Hand in what was found in a place; return whether all of it was handled. After the first failure the rest is
        held back, to keep the order, as long as live events of the place wait.
        """
        place, not_taken = entry.place, 0
        waits = self._agenda.holds_up(place)
        for message in found.messages:
            translate = partial(self._source.events, place, message)
            if not await self._door.take(self._door.slot(place.channel, FIRST), translate, place):
                not_taken += 1
                if waits:
                    break
        log.debug(
            "place_read",
            platform=self._platform,
            place=place.channel,
            messages=len(found.messages),
            not_taken=not_taken,
        )
        if not not_taken:
            for other in in_fair_order(found.places):
                self._agenda.add_new(other, entry)
        return not not_taken

    def _give_up(self, left: Sequence[ChannelRef]) -> None:
        if left:
            after_s = self._terms.longest_s
            log.warning("catch_up_cut_short", platform=self._platform, after_s=after_s, places_left=len(left))
        for place in left:
            self._let_go(place)

    async def _read_of(self, place: ChannelRef) -> None:
        """Wait until a place is read, or no longer holds up live events."""
        self._awaited[place] += 1
        try:
            while self._agenda.holds_up(place):
                await self._progress.setdefault(place, asyncio.Event()).wait()
        finally:
            self._awaited[place] -= 1
            self._awaited += Counter()  # drop those that nobody waits for

    def _let_go(self, place: ChannelRef) -> None:
        if (progress := self._progress.pop(place, None)) is not None:
            progress.set()

    async def _save(self, connected: asyncio.Event, is_whole: Callable[[], bool]) -> None:
        """Record the checkpoint, if it is known. If that fails, look for all places again: events of that time may not
        have been handled either.
        """
        behind = self._begun or self._holding or self._behind or self._untold or self._agenda
        is_away = self._is_gap() if self._terms.gap_s is not None else not connected.is_set()
        if behind or is_away or not is_whole():
            return
        at_s = min(max(self._begun_s, self._now_s() - self._terms.margin_s), self._door.waiting_since_s())
        try:
            await self._checkpoints.save(self._platform, at_s)
        except Exception:
            self._behind = self._anew = True
            raise

    async def _safely(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step; log it if it fails. A later round does what it left undone."""
        try:
            await step()
        except PlatformError as error:
            log.info("catch_up_waits", platform=self._platform, reason=error.detail)
        except Exception:
            # A database that cannot be read or written now must not end the connection.
            log.exception("catch_up_failed", platform=self._platform)


def _since_s(until_s: float, now_s: float, terms: Terms) -> float:
    """Return the time to read from; 0.0 if the bot was never there.

    A checkpoint that a fast clock wrote must not hide messages.
    """
    if not until_s:
        return 0.0
    gap_s = now_s - until_s if until_s <= now_s else terms.margin_s
    return now_s - min(max(gap_s, terms.overlap_s), terms.window_s)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
