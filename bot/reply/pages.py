"""Claude's Markdown → pages that fit a platform's messages, one after the other and for good.

A page's end is decided as soon as it is full, from no more text than that, so the same text gives the same pages
however it arrives. The source is cut, what the cut leaves open is closed and taken up again on the next page, and the
dialect's rendering of that is what must fit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import regex  # type: ignore[import-untyped]

from bot.ports import Dialect
from bot.reply.blocks import Blocks, parse
from bot.reply.cut import Lead, harmless, lead, places
from bot.reply.heal import close, heal
from bot.reply.steady import steady

_WASTE = 0.3
"""A page may stay empty to this part, if it then ends at a better place."""
_TRIES = 8
_SMALLEST = 200
"""In less, there may be no room for what is taken up from the page before."""
_GRAPHEME = regex.compile(r"\X")
_LONG_GRAPHEME = 64


@dataclass(frozen=True, slots=True)
class Page:
    """One message of an answer. `source`: the exact slice of Claude's Markdown it stands for; the sources of all pages
    joined are the text. `text`: what to send, rendered; it may lack a half-written end, and may be blank.
    """

    source: str
    text: str


def pages(text: str, dialect: Dialect, size: int, *, done: bool = True) -> list[Page]:
    """Return the pages of a text, each of at most `size` as the dialect counts it (at least 200).

    `done`: the text is whole; if not, the last page holds back what is half-written at its end.
    """
    paginator = Paginator(dialect, size)
    paginator.add(text)
    return paginator.pages(done=done)


class Paginator:
    """The pages of a text that grows. All work together is linear in the text: only the last page is rendered again.

    Page `spare[0]` (from 0) keeps `spare[1]` of its room free, unless that left too little.
    """

    def __init__(self, dialect: Dialect, size: int, spare: tuple[int, int] | None = None) -> None:
        if size < _SMALLEST:
            raise ValueError(f"A page has room for at least {_SMALLEST} characters, not {size}: correct the limits.")
        self._dialect = dialect
        self._whole_size = size
        self._spare = spare if spare and size - spare[1] >= _SMALLEST else (-1, 0)
        self._frozen: list[Page] = []
        self._pieces: list[str] = []
        self._tail = ""
        self._lead = Lead()
        self._check_at = self._size // 2
        self._floor = 0

    @property
    def _size(self) -> int:
        """The room of the page that is open."""
        return self._whole_size - (self._spare[1] if len(self._frozen) == self._spare[0] else 0)

    def add(self, piece: str) -> None:
        """Add text at the end. Costs next to nothing: the work is done when pages are asked for."""
        self._pieces.append(piece)

    def pages(self, *, done: bool = False, steady: bool = False) -> list[Page]:
        """Return all pages so far. Only the last one will ever change, unless `done` says that the text is whole.

        `done` changes nothing here: more text may be added afterwards, as if the question had not been asked.
        `steady`: the last page shows only what will stay as it is, and will not end before it; so where a page ends
        then also depends on when it was asked for.
        """
        self._tail = "".join((self._tail, *self._pieces))
        self._pieces = []
        self._freeze_full_pages()
        if not self._tail:
            return list(self._frozen)
        if done:
            return self._completed()
        return [*self._frozen, self._steady() if steady else self._growing()]

    def _freeze_full_pages(self) -> None:
        """Measure the open page at places that depend on the text alone; end it at the first where it is too big."""
        start = 0
        text = self._tail
        while start + self._check_at <= len(text):
            self._tail = text[start : start + self._check_at]
            size = self._size_of(close(self._document(self._tail)).text)
            if size <= self._size and self._check_at < 2 * self._size:
                room = self._size - size
                step = room + 1 if room <= self._size // 8 else room // 2
                self._check_at += max(step, self._size // 64, 1)
            else:
                start += self._freeze()
        self._tail = text[start:]

    def _completed(self) -> list[Page]:
        open_state = self._frozen, self._tail, self._lead, self._check_at, self._floor
        self._frozen = list(self._frozen)
        while self._tail:
            text = self._dialect.render(close(self._document(self._tail), inline=False).text)
            if self._dialect.size(text) <= self._size:
                self._frozen.append(Page(self._tail, text))
                break
            self._tail = self._tail[self._freeze() :]
            self._freeze_full_pages()
        whole = self._frozen
        self._frozen, self._tail, self._lead, self._check_at, self._floor = open_state
        return whole

    def _growing(self) -> Page:
        text = self._dialect.render(heal(self._document(self._tail)))
        if self._dialect.size(text) > self._size:
            text = self._cut().page[1]
        return Page(self._tail, text)

    def _steady(self) -> Page:
        document = self._document(self._tail)
        end = steady(document)
        if self._size_of(close(document[:end]).text) > self._size:
            cut = self._cut()
            end = steady(document[: cut.inside(cut.page[0])])
        self._floor = max(self._floor, end - len(self._lead.text) + self._lead.skip)
        return Page(self._tail, self._dialect.render(document[:end]).rstrip())

    def _freeze(self) -> int:
        """End a page within the tail, which is too big for one; return how much of it the page took."""
        cut = self._cut()
        at, text = cut.page
        self._frozen.append(Page(self._tail[:at], text))
        self._lead = cut.next_lead(at)
        if self._lead.text and self._size_of(close(f"{self._lead.text}x").text) > self._size // 2:
            self._lead = Lead()  # what would be taken up leaves no room for what is new
        self._check_at = self._size // 2
        self._floor = 0
        return at

    def _cut(self) -> "_Cut":
        return _Cut(self._dialect, self._size, self._lead, self._tail, self._floor)

    def _document(self, source: str) -> str:
        return self._lead.text + source[self._lead.skip :]

    def _size_of(self, markdown: str) -> int:
        return self._dialect.size(self._dialect.render(markdown))


class _Cut:
    """Finds the end of one page in a window of text that does not fit on it; not before `floor`, if that fits."""

    def __init__(self, dialect: Dialect, size: int, opening: Lead, window: str, floor: int = 0) -> None:
        self._dialect = dialect
        self._size = size
        self._window = window
        self._floor = min(floor, len(window))
        self._lead = opening
        self._blocks: Blocks = parse(self._document(len(window)))
        self.page = self._best()

    def next_lead(self, at: int) -> Lead:
        """Return how the page after a cut begins."""
        inline = close(self._document(at)).inline
        return lead(self._blocks, self.inside(at), inline)

    def inside(self, at: int) -> int:
        """Return where a position of the window is in the page's document."""
        return at - self._lead.skip + len(self._lead.text)

    def _document(self, at: int) -> str:
        return self._lead.text + self._window[self._lead.skip : at]

    def _rendered(self, at: int) -> str:
        return self._dialect.render(close(self._document(at)).text)

    def _fitting(self, at: int) -> str | None:
        text = self._rendered(at)
        return text if self._dialect.size(text) <= self._size else None

    def _best(self) -> tuple[int, str]:
        fits, too_big = self._fullest()
        offset = self.inside(0)
        first = self.inside(max(self._lead.skip + 1, int(fits * (1 - _WASTE)), self._floor))
        ranked = [position - offset for _, position in places(self._blocks, first, self.inside(too_big))[:_TRIES]]
        for at in [*ranked, *([self._floor] if self._floor > self._lead.skip else [])]:
            if 0 < at < too_big and (text := self._fitting(at)) is not None:
                return at, text
        for at in self._raw(fits):
            if (text := self._fitting(at)) is not None:
                return at, text
        at = max(1, fits)
        return at, self._rendered(at)

    def _fullest(self) -> tuple[int, int]:
        """Return two close positions: up to the first the page fits, up to the second it does not."""
        low, high = self._lead.skip, len(self._window)
        low_size, high_size = self._measure(low), self._measure(high)
        near = max(self._size // 64, 1)
        even = False
        while high - low > near:
            share = 0.5 if even or high_size <= low_size else (self._size - low_size) / (high_size - low_size)
            middle = min(max(low + int((high - low) * share), low + near // 2 + 1), high - near // 2 - 1)
            middle = min(max(middle, low + 1), high - 1)
            size = self._measure(middle)
            if size <= self._size:
                even, low, low_size = middle - low < (high - low) // 4, middle, size
            else:
                even, high, high_size = high - middle < (high - low) // 4, middle, size
        return low, high

    def _measure(self, at: int) -> int:
        return self._dialect.size(self._rendered(at))

    def _raw(self, fits: int) -> Iterator[int]:
        """Yield places between two characters, the best first; in the end any that makes the page small."""
        start = max(0, fits - self._size // 4)
        found = (match.end() for match in _GRAPHEME.finditer(self._window, start, fits + _LONG_GRAPHEME))
        ends = sorted((at for at in found if self._lead.skip < at <= fits), reverse=True)
        harmless_at = harmless(self._blocks)
        yield from islice((at for at in ends if harmless_at(self.inside(at))), 3)
        yield from ends[:3]
        at = fits
        while at > 0:
            yield at
            at //= 2
