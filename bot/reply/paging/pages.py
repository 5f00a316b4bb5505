"""Claude's Markdown → pages that fit a platform's messages, one after the other and for good.

A page's end is decided as soon as the page is full, from no more text than that, so the same text gives the same pages
however it arrives. The source is cut; what the cut leaves open is closed, and reopened on the next page. The dialect's
rendering of the result is what must fit. The work is bounded: a page is rendered about ten times until it is final, and
nothing beyond the visible pages is rendered at all.
"""

import re
from copy import copy
from dataclasses import dataclass
from itertools import islice

from bot.ports import Dialect
from bot.reply.paging.cut import Lead
from bot.reply.paging.heal import close, heal
from bot.reply.paging.page_end import PageEnd, Work, finish
from bot.reply.paging.steady import steady

_SMALLEST = 200
"""In less, there may be no room for what continues from the page before."""
_PADDING = re.compile("(?<= {8}) +|(?<=-{8})-+")
_MOST_PADDED = 8
"""Spaces and dashes that pad a table disappear where it is drawn anew: up to this many pages of text may fit on one."""
_MOST_LINES = 400
"""A page has no more lines than this, however short they are: each costs work, and a line of an item or a quote twice
as much.
"""
_LINE = re.compile(r"\r\n?|\n|^[ \t>]*(?:[-+*]|\d{1,9}[.)])(?=\s)|^[ \t]*>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One message of an answer. `source`: the exact slice of Claude's Markdown it stands for; the sources of all pages
    joined are the text. `text`: what to send, rendered; it may lack a half-written end, and may be blank.
    """

    source: str
    text: str


def pages(text: str, dialect: Dialect, size: int, *, done: bool = True) -> list[Page]:
    """Return the pages of a text, each of at most `size` as the dialect counts it (at least 200).

    `done`: the text is complete; if not, the last page holds back what is half-written at its end.
    """
    paginator = Paginator(dialect, size)
    paginator.add(text)
    return paginator.pages(done=done)


class Paginator:
    """The pages of a text that grows. The total work is linear in the text: only the last page is rendered again.

    Page `spare[0]` (from 0) keeps `spare[1]` of its room free, unless too little would be left. After `most` pages that
    show something there is only one more, with the beginning of the rest: `is_beyond`.
    """

    def __init__(
        self, dialect: Dialect, size: int, spare: tuple[int, int] | None = None, *, most: int | None = None
    ) -> None:
        if size < _SMALLEST:
            raise ValueError(f"A page has room for at least {_SMALLEST} characters, not {size}: correct the limits.")
        self._dialect = dialect
        self._whole_size = size
        self._spare = spare if spare and size - spare[1] >= _SMALLEST else (-1, 0)
        self.most = most
        self._frozen: list[Page] = []
        self._pieces: list[str] = []
        self._tail = ""
        self._lead = Lead()
        self._check_at = self._size // 2
        self._fits = (0, 0)
        self._floor = 0
        self._fitted = ""
        self._shown = 0
        self.length = 0

    @property
    def text(self) -> str:
        """All of the text that was added."""
        return "".join([*(page.source for page in self._frozen), self._tail, *self._pieces])

    @property
    def _size(self) -> int:
        """The room of the page that is open."""
        return self._whole_size - (self._spare[1] if len(self._frozen) == self._spare[0] else 0)

    @property
    def is_beyond(self) -> bool:
        """Whether there is more text than `most` pages show, as far as it was computed."""
        return self.most is not None and self._shown > self.most

    def add(self, piece: str) -> None:
        """Add text at the end. This costs next to nothing: the work is done when the pages are requested."""
        self._pieces.append(piece)
        self.length += len(piece)

    def pages(self, *, done: bool = False, steady: bool = False) -> list[Page]:
        """Return all pages so far. Only the last one will ever change, unless `done` says that the text is complete.

        `done` has no lasting effect: more text may be added afterwards as if nothing had been requested. `steady`: the
        last page shows only what will stay as it is, and will not end before that, so where a page ends also depends on
        when it was requested.
        """
        return finish(self.work(done=done, steady=steady))

    def work(self, *, done: bool = False, steady: bool = False) -> Work[list[Page]]:
        """Do what `pages` does, one rendering at a time. The work may be abandoned at any point."""
        yield from self.freeze()
        if not self._tail or self.is_beyond:
            return list(self._frozen)
        if done:
            return (yield from self._completed())
        page = yield from (self._steady() if steady else self._growing())
        if self.most is not None and self._shown == self.most and page.text.strip():
            self._shown += 1
        return [*self._frozen, page]

    def freeze(self) -> Work[int]:
        """End the pages that are full: measure the open page at places that depend on the text alone, and end it at the
        first one where it is too big. Return the number of pages, the open one included.
        """
        if self._pieces and not self.is_beyond:
            self._tail = "".join((self._tail, *self._pieces))
            self._pieces = []
        while not self.is_beyond and (end := self._next_check()):
            window = self._tail[:end]
            if end < self._check_at:  # it has too many lines
                yield from self._freeze(window, self._size + 1)
                continue
            size = self._size_of(self._document(window))
            yield
            if size <= self._size and self._may_take_more(window):
                self._fits = end, size
                self._check_at += self._step(len(window), size)
            else:
                yield from self._freeze(window, size)
        return len(self._frozen) + bool(self._tail)

    def _may_take_more(self, window: str) -> bool:
        """Return whether this much text can still belong to one page: two pages of it, and what only pads a table."""
        if len(window) < 2 * self._size:
            return True
        return len(window) < _MOST_PADDED * self._size and len(_PADDING.sub("", window)) < 2 * self._size

    def _step(self, length: int, size: int) -> int:
        """Return how much more text is added, beyond a length that takes `size`, before the page is measured again:
        enough to fill most of the room at the same density, or the whole room if that is little.
        """
        room = self._size - size
        most = room + 1 if room <= self._size // 8 else room * 7 // 8
        return max(most * length // max(size, length), self._size // 64, 1)

    def _next_check(self) -> int:
        """Return how much of the tail is measured next; 0 if it has not arrived."""
        lines = _LINE.finditer(self._tail, 0, self._check_at)
        if (most := next(islice(lines, _MOST_LINES, None), None)) is not None and most.start() < self._check_at:
            return most.start()
        return self._check_at if self._check_at <= len(self._tail) else 0

    def _completed(self) -> Work[list[Page]]:
        whole = copy(self)
        whole._frozen = list(self._frozen)  # noqa: SLF001 - it is this class
        while whole._tail and not whole.is_beyond:  # noqa: SLF001
            yield from whole._complete()  # noqa: SLF001
        self._shown = max(self._shown, whole._shown if whole.is_beyond else 0)  # noqa: SLF001
        return whole._frozen  # noqa: SLF001

    def _complete(self) -> Work[None]:
        """End the last page, or one more before it."""
        closed = close(self._document(self._tail), whole=True).text
        yield
        text = self._dialect.render(closed)
        yield
        if (size := self._dialect.size(text)) <= self._size:
            self._end(len(self._tail), text)
        else:
            yield from self._freeze(self._tail, size)
            yield from self.freeze()

    def _growing(self) -> Work[Page]:
        healed = heal(self._document(self._tail))
        yield
        text = self._dialect.render(healed)
        yield
        if self._dialect.size(text) <= self._size:
            self._fitted = text
        elif not self._fitted:
            _, self._fitted = yield from self._page_end(self._tail).best()
        return Page(self._tail, self._fitted)

    def _steady(self) -> Work[Page]:
        document = self._document(self._tail)
        end = steady(document)
        yield
        text = close(document[:end]).text
        yield
        shown = self._dialect.render(text if len(text) == end else document[:end]).rstrip()
        yield
        if self._dialect.size(shown) > self._size:
            if self._fitted:
                return Page(self._tail, self._fitted)
            page_end = self._page_end(self._tail)
            at, _ = yield from page_end.best()
            end = steady(document[: page_end.inside(at)])
            shown = self._dialect.render(document[:end]).rstrip()
            yield
        self._floor = max(self._floor, end - len(self._lead.text) + self._lead.skip)
        self._fitted = shown
        return Page(self._tail, self._fitted)

    def _freeze(self, window: str, size: int) -> Work[None]:
        """End a page within a window of the tail that is too big for one page: it takes `size`."""
        page_end = self._page_end(window, size)
        at, text = yield from page_end.best()
        yield
        lead = page_end.next_lead(at)
        yield
        self._end(at, text)
        if lead.text and self._size_of(close(f"{lead.text}x").text) > self._size // 4:
            lead = Lead()  # what continues from the page before would leave too little room for new text
        self._lead = lead

    def _end(self, at: int, text: str) -> None:
        self._frozen.append(Page(self._tail[:at], text))
        self._shown += bool(text.strip())
        self._tail = self._tail[at:]
        self._lead, self._floor, self._fitted = Lead(), 0, ""
        self._check_at, self._fits = self._size // 2, (0, 0)

    def _page_end(self, window: str, size: int | None = None) -> PageEnd:
        return PageEnd(
            self._dialect, self._size, self._lead, window, floor=self._floor, window_size=size, fits=self._fits
        )

    def _document(self, source: str) -> str:
        return self._lead.text + source[self._lead.skip :]

    def _size_of(self, markdown: str) -> int:
        return self._dialect.size(self._dialect.render(markdown))
