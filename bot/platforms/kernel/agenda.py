"""Which places are read back, since when, and in which order. Pure: it is told the time, by any steady clock."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from bot.platforms.kernel.back_off import BackOff


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel, or one thread in it. `kind`: what the platform calls it, which does not tell places apart."""

    channel: str
    thread: str = ""
    kind: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A place that is to be read. `since_s`: since when, in seconds since 1970. `due_s`, `until_s`: when it may be
    tried next, and until when at all. `failures`: how often it was tried in vain.
    """

    place: ChannelRef
    since_s: float
    due_s: float
    until_s: float
    failures: int = 0


class Agenda:
    """The places that are still to be read, in the order in which they were added; those that are waited for come
    first.

    A place that fails is tried again after a wait of `back_off`, while the others go on, for `longest_s` seconds in
    all. It holds up who speaks there until it has failed `tries` times.
    """

    def __init__(self, back_off: BackOff, tries: int, longest_s: float) -> None:
        self._back_off = back_off
        self._tries = tries
        self._longest_s = longest_s
        self._waiting: dict[ChannelRef, Reading] = {}
        self._being_read: dict[ChannelRef, Reading] = {}
        self._seen: set[ChannelRef] = set()

    def __len__(self) -> int:
        """Return how many places are to be read or being read."""
        return len(self._waiting.keys() | self._being_read.keys())

    def begin(self) -> None:
        """Forget which places were read: in all of them something more may have been missed."""
        self._seen = set()

    def add(self, place: ChannelRef, since_s: float, now_s: float) -> None:
        """Have a place read. If it is to be read anyway, the earlier time counts."""
        known = self._waiting.get(place)
        since_s = min(since_s, known.since_s) if known else since_s
        self._waiting[place] = Reading(place, since_s, now_s, now_s + self._longest_s, known.failures if known else 0)
        self._seen.add(place)

    def add_new(self, place: ChannelRef, parent: Reading) -> None:
        """Have a place read in which another one told news, unless it was added since `begin`."""
        if place not in self._seen:
            self._seen.add(place)
            self._waiting[place] = replace(parent, place=place, failures=0)

    def take(self, now_s: float, urgent: Collection[ChannelRef] = ()) -> Reading | None:
        """Return the next place to read, which then is being read; None if none is due."""
        due = [
            entry
            for entry in self._waiting.values()
            if entry.due_s <= now_s < entry.until_s and entry.place not in self._being_read
        ]
        chosen = next((entry for entry in due if entry.place in urgent), due[0] if due else None)
        if chosen is not None:
            self._being_read[chosen.place] = self._waiting.pop(chosen.place)
        return chosen

    def next_due_s(self) -> float | None:
        """Return when the next place is due, or to be dropped, that is not being read; None if there is none."""
        entries = [entry for entry in self._waiting.values() if entry.place not in self._being_read]
        return min((min(entry.due_s, entry.until_s) for entry in entries), default=None)

    def done(self, place: ChannelRef) -> None:
        """A place was read; if it was added again meanwhile, it will be read again."""
        del self._being_read[place]

    def failed(self, place: ChannelRef, now_s: float) -> None:
        """A place could not be read, or what was said there not be taken: it is tried again, after the others."""
        entry = self._being_read.pop(place)
        failures = entry.failures + 1
        again = replace(entry, failures=failures, due_s=now_s + self._back_off.wait_s(failures))
        if place in self._waiting:
            again = replace(again, since_s=min(again.since_s, self._waiting.pop(place).since_s))
        self._waiting[place] = again

    def expire(self, now_s: float) -> list[ChannelRef]:
        """Drop the places whose time is over, and return them."""
        over = [entry.place for entry in self._waiting.values() if entry.until_s <= now_s]
        for place in over:
            del self._waiting[place]
        return over

    def holds_up(self, place: ChannelRef) -> bool:
        """Return whether who speaks in a place waits for what was missed there."""
        return any(
            place in entries and entries[place].failures < self._tries for entries in (self._being_read, self._waiting)
        )

    def all_tried(self) -> bool:
        """Return whether every place was read, or has failed at least once."""
        return not self._being_read and all(entry.failures for entry in self._waiting.values())
