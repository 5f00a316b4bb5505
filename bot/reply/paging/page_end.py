"""Where one page ends: the best place in a window of text too big for it, found with few renderings."""

from collections.abc import Generator, Iterator
from itertools import islice
from typing import TypeVar

import regex  # type: ignore[import-untyped]

from bot.ports import Dialect
from bot.reply.markdown.blocks import Blocks, parse
from bot.reply.paging.cut import Lead, harmless, lead, places
from bot.reply.paging.heal import close

T = TypeVar("T")
Work = Generator[None, None, T]
"""Work that pauses after each rendering, so that its caller can let other tasks run."""

_WASTE = 0.3
"""How much of a page may stay empty if the page then ends at a better place."""
_TRIES = 3
_GRAPHEME = regex.compile(r"\X")
_LONG_GRAPHEME = 64


def finish(work: Work[T]) -> T:
    """Do some work in one go and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


class PageEnd:
    """Finds the end of one page in a window of text that does not fit on it; the end is not before `floor`, if that
    fits.

    `size`: the room of the page. `window_size`: the size of the whole window, if it is known. `fits`: a length that is
    known to fit, and its size.
    """

    def __init__(
        self,
        dialect: Dialect,
        size: int,
        opening: Lead,
        window: str,
        *,
        floor: int = 0,
        window_size: int | None = None,
        fits: tuple[int, int] = (0, 0),
    ) -> None:
        self._dialect = dialect
        self._size = size
        self._window = window
        self._window_size = window_size
        self._fits = fits
        self._floor = min(floor, len(window))
        self._lead = opening
        self._known: dict[int, str] = {}
        self._blocks: Blocks = parse(self._document(len(window)))

    def next_lead(self, at: int) -> Lead:
        """Return how the page after a cut begins."""
        inline = close(self._document(at)).inline
        return lead(self._blocks, self.inside(at), inline)

    def inside(self, at: int) -> int:
        """Return the position in the page's document of a position in the window."""
        return at - self._lead.skip + len(self._lead.text)

    def best(self) -> Work[tuple[int, str]]:
        """Return how much of the window goes on the page, and the rendered page."""
        yield
        fits, too_big = yield from self._fullest()
        yield
        offset = self.inside(0)
        first = self.inside(max(self._lead.skip + 1, int(fits * (1 - _WASTE)), self._floor))
        ranked = (position - offset for _, position in places(self._blocks, first, self.inside(too_big)))
        found = list(islice((at for at in ranked if 0 < at < too_big), _TRIES))
        shown = [self._floor] if self._floor > self._lead.skip else []
        yield
        for at in (*found, *shown, *self._raw(fits)):
            text = yield from self._rendered(at)
            if self._dialect.size(text) <= self._size:
                return at, text
        at = max(1, fits)
        return at, (yield from self._rendered(at))

    def _document(self, at: int) -> str:
        return self._lead.text + self._window[self._lead.skip : at]

    def _rendered(self, at: int) -> Work[str]:
        if at not in self._known:
            closed = close(self._document(at)).text
            yield
            self._known[at] = self._dialect.render(closed)
            yield
        return self._known[at]

    def _fullest(self) -> Work[tuple[int, int]]:
        """Return two positions: a page up to the first fits, and a page up to the second is full or does not fit."""
        low, high = self._lead.skip, len(self._window)
        low_size = len(self._lead.text)
        if low < self._fits[0] < high:
            low, low_size = self._fits
        high_size = self._window_size or (yield from self._measured(high))
        near = max(self._size // 64, 1)
        even = False
        while high - low > near:
            share = 0.5 if even or high_size <= low_size else (self._size - low_size) / (high_size - low_size)
            middle = min(max(low + int((high - low) * share), low + near // 2 + 1), high - near // 2 - 1)
            middle = min(max(middle, low + 1), high - 1)
            size = yield from self._measured(middle)
            if size <= self._size:
                even, low, low_size = middle - low < (high - low) // 4, middle, size
                if size + near > self._size:
                    return low, min(high, low + near + 1)
            else:
                even, high, high_size = high - middle < (high - low) // 4, middle, size
        return low, high

    def _measured(self, at: int) -> Work[int]:
        size = self._dialect.size(self._dialect.render(self._document(at)))  # what is open takes a marker or two more
        yield
        return size

    def _raw(self, fits: int) -> Iterator[int]:
        """Yield places between two characters, best first; at the end any that makes the page small."""
        start = max(0, fits - self._size // 4)
        found = (match.end() for match in _GRAPHEME.finditer(self._window, start, fits + _LONG_GRAPHEME))
        ends = sorted((at for at in found if self._lead.skip < at <= fits), reverse=True)
        harmless_at = harmless(self._blocks)
        yield from islice((at for at in ends if harmless_at(self.inside(at))), 2)
        yield from ends[:1]
        at = fits
        while at > 0:
            yield at
            at //= 2
