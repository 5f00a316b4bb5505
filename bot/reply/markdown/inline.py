"""The inline structure of one paragraph: what must not be cut, and which emphasis or code is open at its end.

The parser gives no positions inside a paragraph, and half-written paragraphs must be read, too. So this is a scanner of
our own for CommonMark's code spans, links and emphasis (sections 6.1 to 6.6), and for what chat platforms write in
`<…>`.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

import regex  # type: ignore[import-untyped]

from bot.reply.markdown.addresses import ADDRESS, ends

_LINK = (
    r"!?\[(?:[^\[\]\\]|\\.|\[[^\[\]]*+\])*+\]"
    r"(?:\((?:[^()\s<]*+(?:\([^()\s]*+\)[^()\s]*+)*+|<[^<>\n]*+>)(?:\s++(?:\"[^\"]*+\"|'[^']*+'))?+\s*+\)|\[[^\[\]]*+\])"
)
_PLAIN_ATOM = (
    r"(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<code>`++)"
    r"|(?P<angle><(?:[@#!/]|a?:\w|t:|[A-Za-z][A-Za-z0-9+.\-]*+:|[^\s<>@]++@)[^<>\n]*+>)"
    rf"|(?P<url>{ADDRESS})"
    r"|(?P<delimiter>\*++|_++|~~++)"
)
_ATOM = regex.compile(rf"{_PLAIN_ATOM}|(?P<link>{_LINK})", regex.DOTALL)
_NO_LINK = regex.compile(_PLAIN_ATOM, regex.DOTALL)
_LINK_ONLY = regex.compile(_LINK, regex.DOTALL)
_TICKS = regex.compile(r"`++")
_HALF_WORD = regex.compile(r"(?:<(?:[@#!/:]|\w)?[^\s<>]*+|https?:?/?/?[^\s<>]*+|\\+)$")
_BEFORE_OPENING = "([{<\"'“‘«„—–-:;,/|>*_~（「『【《，、：；。！？"
"""The characters that intended emphasis follows; after `)` or a letter a star is more likely a multiplication."""
SPACELESS = regex.compile(
    r"[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\u3000-\u303f\uff00-\uffef]"
)
"""Scripts that put no spaces around emphasis: `**注意：**请看` is meant and shown as bold, although CommonMark's rules
for the characters around a delimiter do not recognise it.
"""
_LOOSE = regex.compile(r"[\s\p{P}\p{S}]")
_LONGEST_HALF = 400
"""A link or a code span that is longer and still open is read as plain characters."""
MOST_OPEN = 4
"""Nobody means more emphasis than this to be open at once; where there is more, none of it counts."""
LONGEST_RUN = 6
_LONGEST_TICKS = 16
MOST_RUNS = 256
_MOST_BRACKETS = 512
"""What exceeds these in one paragraph is shown as written: of 4,025 answers of five models, six have a longer run
(blanks to fill in), and none has more of them.
"""


@dataclass(slots=True)
class InlineState:
    """`whole`: spans (start, end) that must stay together, in order. `opened`: what is open at the end as (position,
    marker), outermost first.
    """

    whole: list[tuple[int, int]] = field(default_factory=list)
    opened: list[tuple[int, str]] = field(default_factory=list)

    def cuttable(self, position: int) -> bool:
        """Return whether a cut at a position leaves all spans whole."""
        at = bisect_right(self.whole, (position, -1)) - 1
        return not any(start < position < end for start, end in self.whole[max(at - 1, 0) : at + 1])


@dataclass(slots=True)
class _Run:
    mark: str
    start: int
    count: int
    opens: bool
    closes: bool
    sure: bool


def scan(text: str) -> InlineState:
    """Return the inline structure of a paragraph's text, which may still have its line prefixes."""
    found = InlineState()
    ticks = _tick_runs(text)
    open_runs = _Open()
    at = runs = 0
    atom = _ATOM if text.count("[") <= _MOST_BRACKETS else _NO_LINK
    while match := atom.search(text, at):
        at = match.end()
        if match.lastgroup == "code":
            end = _code_end(ticks, match.start(), at)
            if end:
                found.whole.append((match.start(), end))
                at = end
            elif len(text) - at <= _LONGEST_HALF and at - match.start() <= _LONGEST_TICKS:
                open_runs.push(_Run(match[0], match.start(), len(match[0]), opens=True, closes=False, sure=True))
                found.whole.append((match.start(), len(text) + 1))
                break
        elif match.lastgroup == "delimiter":
            runs += 1
            run = _flanks(text, match.start(), at) if runs <= MOST_RUNS else None
            found.whole.append((match.start() - run.closes, at + run.opens) if run else match.span())
            if run and run.count <= LONGEST_RUN:
                open_runs.pair(run)
        elif match.lastgroup == "url":
            length, inside = ends(match[0])
            found.whole.append((match.start(), match.start() + length))
            at = match.start() + max(inside, len("https"))
        elif match.lastgroup != "escape":
            found.whole.append(match.span())
    found.opened = open_runs.meant() if runs <= MOST_RUNS else []
    return found


def half(text: str, found: InlineState) -> int | None:
    """Return where a link, an address or a mention begins that the end of the text leaves unfinished; None if there is
    none.
    """
    if any(mark[0] == "`" for _, mark in found.opened) or text.count("[") > _MOST_BRACKETS:
        return None
    at = text.find("[", max(0, len(text) - _LONGEST_HALF))
    while at >= 0:
        if text[at - 1 : at] != "\\" and found.cuttable(at):
            match = _LINK_ONLY.fullmatch(text[at:], partial=True)
            if match is not None and match.partial:
                return at - (text[at - 1 : at] == "!")
        at = text.find("[", at + 1)
    word = _HALF_WORD.search(text, max(0, len(text) - _LONGEST_HALF))
    return word.start() if word and found.cuttable(word.start()) else None


def _tick_runs(text: str) -> dict[int, list[int]]:
    runs: dict[int, list[int]] = defaultdict(list)
    for match in _TICKS.finditer(text):
        runs[len(match[0])].append(match.start())
    return runs


def _code_end(ticks: dict[int, list[int]], start: int, end: int) -> int:
    same = ticks[end - start]
    after = bisect_right(same, start)
    return same[after] + end - start if after < len(same) else 0


def _flanks(text: str, start: int, end: int) -> _Run:
    before, after = text[start - 1 : start] or " ", text[end : end + 1] or " "
    before_word, after_word = _LOOSE.match(before) is None, _LOOSE.match(after) is None
    before_spaceless, after_spaceless = (SPACELESS.match(character) is not None for character in (before, after))
    left = not after.isspace() and (after_word or not before_word or before_spaceless)
    right = not before.isspace() and (before_word or not after_word or after_spaceless)
    mark = text[start]
    opens = left and (mark != "_" or not right or not before_word)
    closes = right and (mark != "_" or not left or not after_word)
    meant = end - start > 1 and (before_spaceless or after_spaceless)  # one star alone may multiply
    return _Run(mark, start, end - start, opens, closes, sure=meant or before.isspace() or before in _BEFORE_OPENING)


class _Open:
    """The open runs, outermost first, counted by kind so that a run without a partner costs no search."""

    def __init__(self) -> None:
        self._stack: list[_Run] = []
        self._counts: dict[str, int] = defaultdict(int)

    def push(self, run: _Run) -> None:
        self._stack.append(run)
        self._counts[run.mark] += 1

    def pair(self, run: _Run) -> None:
        """Close what a run of delimiters closes; the rest of the run may open."""
        while run.closes and run.count and self._counts[run.mark]:
            while self._stack[-1].mark != run.mark:
                self._pop()  # what was opened inside a pair and not closed there means nothing
            opener = self._stack[-1]
            used = 2 if min(opener.count, run.count) >= 2 else 1
            opener.count -= used
            run.count -= used
            if not opener.count:
                self._pop()
        if run.opens and run.count:
            self.push(run)

    def _pop(self) -> None:
        self._counts[self._stack.pop().mark] -= 1

    def meant(self) -> list[tuple[int, str]]:
        """Return what is open, as (position, marker), leaving out what was not meant to open anything."""
        sure = [run for run in self._stack if run.sure]
        if len(sure) > MOST_OPEN:
            return []
        return [(run.start, run.mark * run.count if run.mark in "*_~" else run.mark) for run in sure]
