"""What of one paragraph is never looked at as markup, so that no text is dear to read. It is shown as it is.

Brackets that close nothing, or are nested deeper than people nest them, make the parser read the rest of the paragraph
again for each; and each of very many markers costs a search for its partner.
"""

import re
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from bot.reply.markdown.inline import MOST_RUNS

DEEPEST_BRACKETS = 4
"""In 4,025 answers of five models no brackets are nested deeper than two."""
_ATOM = re.compile(r"\\.|(?P<ticks>`+)|<[^<>\n]*>|\]\((?:<[^<>\n]*>|[^\s()<]*)\)|[\[\]]|(?P<run>\*+|_+|~~+)", re.DOTALL)
_TICKS = re.compile("`+")


class Bounds(NamedTuple):
    """`labels`: where a link's or a picture's label may begin. `markers_end`: no marker is one from here on."""

    labels: AbstractSet[int]
    markers_end: int


@lru_cache(maxsize=16)
def bounds_of(text: str) -> Bounds:
    """Return the bounds of a paragraph's text. Linear in it."""
    runs = 0
    markers_end = len(text)
    waiting: list[int] = []
    pairs: list[tuple[int, int]] = []
    at, code_ends = 0, _code_ends(text)
    while match := _ATOM.search(text, at):
        at = match.end()
        if match.lastgroup == "ticks":
            at = code_ends.get(match.start(), at)
        elif match.lastgroup == "run":
            runs += 1
            markers_end = match.start() if runs == MOST_RUNS + 1 else markers_end
        elif match[0] == "[":
            waiting.append(match.start())
        elif match[0][0] == "]" and waiting:
            pairs.append((waiting.pop(), match.start()))
    return Bounds(_shallow(pairs), markers_end)


def _code_ends(text: str) -> dict[int, int]:
    """Return where each code span that may begin at a run of backticks ends."""
    following: dict[int, re.Match[str]] = {}
    ends: dict[int, int] = {}
    for run in reversed(list(_TICKS.finditer(text))):
        length = len(run[0])
        if length in following:
            ends[run.start()] = following[length].end()
        following[length] = run
    return ends


def _shallow(pairs: list[tuple[int, int]]) -> frozenset[int]:
    """Return where the pairs begin that stand in fewer than so many others."""
    found: set[int] = set()
    around: list[int] = []
    for start, end in sorted(pairs):
        while around and around[-1] < start:
            around.pop()
        if len(around) < DEEPEST_BRACKETS:
            found.add(start)
        around.append(end)
    return frozenset(found)
