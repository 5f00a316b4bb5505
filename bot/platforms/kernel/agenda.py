"""Which places are read back, from when, in which order. Pure: the caller passes the time, from any steady clock."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from bot.platforms.kernel.back_off import BackOff


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel, or one thread in it. `kind`: the platform's word for it; it does not identify a place."""

    channel: str
    thread: str = ""
    kind: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A place to read. `since_s`: read from then on, in seconds since 1970. `due_s`: when it may be tried next.
    `until_s`: when it is dropped. `failures`: how many attempts have failed.
    """

    place: ChannelRef
    since_s: float
    due_s: float
    until_s: float
    failures: int = 0


class Agenda:
    """The places still to be read, in the order they were added; those that somebody waits for come first.

    A place that fails is tried again after a wait of `back_off`, for `longest_s` seconds in all; the others go on
    meanwhile. Live events there are held until it has failed `tries` times.
    """

    def __init__(self, back_off: BackOff, tries: int, longest_s: float) -> None:
        self._back_off = back_off
        self._tries = tries
        self._longest_s = longest_s
        self._waiting: dict[ChannelRef, Reading] = {}
        self._being_read: dict[ChannelRef, Reading] = {}
        self._seen: set[ChannelRef] = set()

    def __len__(self) -> int:
        """Return how many places are waiting to be read or being read."""
        return len(self._waiting.keys() | self._being_read.keys())

    def begin(self) -> None:
        """Forget which places were read: any of them may have missed something more."""
        self._seen = set()

    def add(self, place: ChannelRef, since_s: float, now_s: float) -> None:
        """Add a place to read. If it is listed already, the earlier time counts."""
        known = self._waiting.get(place)
        since_s = min(since_s, known.since_s) if known else since_s
        self._waiting[place] = Reading(place, since_s, now_s, now_s + self._longest_s, known.failures if known else 0)
        self._seen.add(place)

    def add_new(self, place: ChannelRef, parent: Reading) -> None:
        """Add a place that has news according to another one, unless it was added since `begin`."""
        if place not in self._seen:
            self._seen.add(place)
            self._waiting[place] = replace(parent, place=place, failures=0)

    def take(self, now_s: float, urgent: Collection[ChannelRef] = ()) -> Reading | None:
        """Return the next place to read and mark it as being read; None if none is due."""
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
        """Return when the next place that is not being read is due or dropped; None if there is none."""
        entries = [entry for entry in self._waiting.values() if entry.place not in self._being_read]
        return min((min(entry.due_s, entry.until_s) for entry in entries), default=None)

    def done(self, place: ChannelRef) -> None:
        """Note that a place was read. If it was added again meanwhile, it will be read again."""
        del self._being_read[place]

    def failed(self, place: ChannelRef, now_s: float) -> None:
        """Note that a place could not be read, or its messages not handled. It is tried again, after the others."""
        entry = self._being_read.pop(place)
        failures = entry.failures + 1
        again = replace(entry, failures=failures, due_s=now_s + self._back_off.wait_s(failures))
        if place in self._waiting:
            again = replace(again, since_s=min(again.since_s, self._waiting.pop(place).since_s))
        self._waiting[place] = again

    def expire(self, now_s: float) -> list[ChannelRef]:
        """Drop and return the places whose time is over."""
        over = [entry.place for entry in self._waiting.values() if entry.until_s <= now_s]
        for place in over:
            del self._waiting[place]
        return over

    def holds_up(self, place: ChannelRef) -> bool:
        """Return whether live events of a place wait for what was missed there."""
        return any(
            place in entries and entries[place].failures < self._tries for entries in (self._being_read, self._waiting)
        )

    def all_tried(self) -> bool:
        """Return whether every place was read or has failed at least once."""
        return not self._being_read and all(entry.failures for entry in self._waiting.values())
