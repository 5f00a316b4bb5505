"""The inline structure of one paragraph: what must not be cut, and which emphasis or code is open at its end.

The parser gives no positions inside a paragraph, and it must be read half-written; so this is a scanner of our own, of
CommonMark's rules for code spans, links and emphasis (sections 6.1 to 6.6), and of what chat platforms write in `<…>`.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

import regex  # type: ignore[import-untyped]

_LINK = (
    r"!?\[(?:[^\[\]\\]|\\.|\[[^\[\]]*+\])*+\]"
    r"(?:\((?:[^()\s<]*+(?:\([^()\s]*+\)[^()\s]*+)*+|<[^<>\n]*+>)(?:\s++(?:\"[^\"]*+\"|'[^']*+'))?+\s*+\)|\[[^\[\]]*+\])"
)
_ATOM = regex.compile(
    r"(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<code>`++)"
    r"|(?P<angle><(?:[@#!/]|a?:\w|t:|[A-Za-z][A-Za-z0-9+.\-]*+:|[^\s<>@]++@)[^<>\n]*+>)"
    rf"|(?P<link>{_LINK})"
    r"|(?P<url>https?://[^\s<>]++)"
    r"|(?P<delimiter>\*++|_++|~~++)",
    regex.DOTALL,
)
_LINK_ONLY = regex.compile(_LINK, regex.DOTALL)
_TICKS = regex.compile(r"`++")
_HALF_WORD = regex.compile(r"(?:<(?:[@#!/:]|\w)?[^\s<>]*+|https?:?/?/?[^\s<>]*+|\\+)$")
_BEFORE_OPENING = "([{<\"'“‘«„—–-:;,/|>*_~（「『【《，、：；。！？"
"""What emphasis follows when it is meant; after `)` or a letter a star is more likely a multiplication."""
SPACELESS = regex.compile(
    r"[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\u3000-\u303f\uff00-\uffef]"
)
"""Scripts that put no spaces around emphasis: `**注意：**请看` is meant, and shown, as bold, though CommonMark's
rules for what stands before and after a delimiter do not see it.
"""
_LONGEST_HALF = 400
"""A link or a code span that is longer and still open is taken for what it looks like: plain characters."""


@dataclass(slots=True)
class Inline:
    """`whole`: spans (start, end) that must stay together, in order. `opened`: what is open at the end as (position,
    marker), outermost first.
    """

    whole: list[tuple[int, int]] = field(default_factory=list)
    opened: list[tuple[int, str]] = field(default_factory=list)

    def cuttable(self, position: int) -> bool:
        """Say whether a cut at a position leaves all spans whole."""
        at = bisect_right(self.whole, (position, -1)) - 1
        return at < 0 or position >= self.whole[at][1] or position <= self.whole[at][0]


@dataclass(slots=True)
class _Run:
    mark: str
    start: int
    count: int
    opens: bool
    closes: bool
    sure: bool


def scan(text: str) -> Inline:
    """Return the inline structure of a paragraph's text; its line prefixes may be left in."""
    found = Inline()
    ticks = _tick_runs(text)
    stack: list[_Run] = []
    at = 0
    while match := _ATOM.search(text, at):
        at = match.end()
        if match.lastgroup == "code":
            end = _code_end(ticks, match.start(), at)
            if end:
                found.whole.append((match.start(), end))
                at = end
            elif len(text) - at <= _LONGEST_HALF:
                stack.append(_Run(match[0], match.start(), len(match[0]), opens=True, closes=False, sure=True))
                found.whole.append((match.start(), len(text) + 1))
                break
        elif match.lastgroup == "delimiter":
            run = _flanks(text, match.start(), at)
            found.whole.append((match.start() - run.closes, at + run.opens))
            _pair(stack, run)
        elif match.lastgroup != "escape":
            found.whole.append(match.span())
    found.opened = [(run.start, run.mark * run.count if run.mark in "*_~" else run.mark) for run in stack if run.sure]
    return found


def half(text: str, found: Inline) -> int | None:
    """Return where a link, an address or a mention begins that a text's very end leaves unfinished, or None."""
    if any(mark[0] == "`" for _, mark in found.opened):
        return None
    for start in range(max(0, len(text) - _LONGEST_HALF), len(text)):
        if text[start] != "[" or text[start - 1 : start] == "\\" or not found.cuttable(start):
            continue
        match = _LINK_ONLY.fullmatch(text, start, partial=True)
        if match is not None and match.partial:
            return start - (text[start - 1 : start] == "!")
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
    before_word, after_word = not _loose(before), not _loose(after)
    before_spaceless, after_spaceless = (SPACELESS.match(character) is not None for character in (before, after))
    left = not after.isspace() and (after_word or not before_word or before_spaceless)
    right = not before.isspace() and (before_word or not after_word or after_spaceless)
    mark = text[start]
    opens = left and (mark != "_" or not right or not before_word)
    closes = right and (mark != "_" or not left or not after_word)
    meant = end - start > 1 and (before_spaceless or after_spaceless)  # one star alone may multiply
    return _Run(mark, start, end - start, opens, closes, sure=meant or before.isspace() or before in _BEFORE_OPENING)


def _loose(character: str) -> bool:
    return character.isspace() or regex.match(r"[\p{P}\p{S}]", character) is not None


def _pair(stack: list[_Run], run: _Run) -> None:
    """Close what a run of delimiters closes; what is left of it may open."""
    while run.closes and run.count:
        at = next((i for i in range(len(stack) - 1, -1, -1) if stack[i].mark == run.mark), -1)
        if at < 0:
            break
        del stack[at + 1 :]
        used = 2 if min(stack[at].count, run.count) >= 2 else 1
        stack[at].count -= used
        run.count -= used
        if not stack[at].count:
            stack.pop()
    if run.opens and run.count:
        stack.append(run)
