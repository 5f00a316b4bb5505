"""Where a page may end: the places to cut a text, best first, and how the next page continues what was cut."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.reply.markdown.blocks import Blocks, Container, Leaf
from bot.reply.markdown.fences import reopened
from bot.reply.markdown.inline import half, scan

_SENTENCE = re.compile(r"(?:[.!?…][\"'”’»)\]*_]*+\s++|(?<![。！？])[。！？]++[」』”）]*+\s*+)(?=\S)")
_WORD = re.compile(r"(?<!\s)\s++(?=\S)")
_STARTS_BLOCK = re.compile(r"\s{4}|\s*(?:[-*+>#|=~`]|\d{1,9}[.)]|\[[^\]]*\]:)")
_SURE = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]++)*+[*_`~\[(\"'<]*+(?:[^\W\d]|\|)")
_SURE_AHEAD = 24
"""How many characters of a line are needed to identify it, where its first letters do not: its kind decides how the
next page begins, and the rest of it may not have arrived yet.
"""
_LONGEST_INFO = 40

BLOCK, ITEM, NESTED, LINE, SENTENCE, WORD, RAW_WORD, WORST = range(8)
"""How good a place is; smaller is better."""


@dataclass(frozen=True, slots=True)
class Lead:
    """What a page shows before its source, to continue what the page before was cut in. It replaces `skip` characters
    of the source (indentation, a list marker) with its own form of them.
    """

    text: str = ""
    skip: int = 0


def places(blocks: Blocks, first: int, last: int) -> list[tuple[int, int]]:
    """Return the places from position `first` to `last` as (quality, position): best first, later before earlier."""
    found = [*_line_places(blocks, first, last)]
    for leaf in blocks.leaves:
        start, end = blocks.starts[leaf.first], blocks.starts[leaf.end]
        if start < last and end > first:
            found.extend(_places_inside(blocks, leaf, max(first, start + 1), min(last, end - 1)))
    return sorted(found, key=lambda place: (place[0], -place[1]))


def _line_places(blocks: Blocks, first: int, last: int) -> Iterator[tuple[int, int]]:
    for number in range(max(1, blocks.line_at(first)), len(blocks.starts) - 1):
        start = blocks.starts[number]
        if start > last:
            break
        if start >= first and _is_known(blocks, number) and (rank := _line_rank(blocks, number)) is not None:
            yield rank, start


def _is_known(blocks: Blocks, number: int) -> bool:
    """Return whether enough of a line has arrived to identify it, or at least its container."""
    line, leaf = blocks.line(number), blocks.leaf_at(number)
    if not line.strip():
        return False
    if line.endswith(("\n", "\r")) or len(line) >= _SURE_AHEAD or _SURE.match(line):
        return True
    return not blocks.line(number - 1).strip() and (leaf is None or leaf.first == number)


def _line_rank(blocks: Blocks, number: int) -> int | None:
    """Return how good it is to begin a page with a line; None if it must not."""
    leaf = blocks.leaf_at(number)
    if leaf is not None and leaf.first < number:
        return _rank_inside(blocks, leaf, number)
    before = next((blocks.leaf_at(n) for n in range(number - 1, -1, -1) if blocks.line(n).strip()), None)
    if before is not None and before.kind == "heading":
        return WORST
    if leaf is None:
        return LINE
    depth = sum(container.first < number for container in leaf.path)
    if depth:
        return NESTED
    sibling = bool(leaf.path) and not leaf.path[0].quote and not leaf.path[0].opens_list
    return ITEM if sibling else BLOCK


def _rank_inside(blocks: Blocks, leaf: Leaf, number: int) -> int | None:
    if leaf.kind == "fence":
        closing = leaf.closed and number == leaf.end - 1
        if closing or number == leaf.first + 1:
            return None
        return NESTED if not blocks.line(number - 1).strip() else LINE
    if leaf.kind == "table":
        return LINE if number > leaf.first + 2 else None
    if leaf.kind == "heading":
        return None
    line = blocks.line(number)[blocks.indent(number, leaf.path) :]
    return WORST if leaf.kind == "paragraph" and _STARTS_BLOCK.match(line) else LINE


def _places_inside(blocks: Blocks, leaf: Leaf, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the places in the middle of a line."""
    if leaf.kind in {"paragraph", "heading"}:
        whole = _inline(blocks, leaf)
        for pattern, rank in ((_SENTENCE, SENTENCE), (_WORD, WORD)):
            for match in pattern.finditer(blocks.text, first, last):
                at = match.end()
                if at not in blocks.starts and whole(at):
                    yield rank, at
        return
    head = {"fence": 1, "table": 2}.get(leaf.kind, 0)
    first = max(first, blocks.starts[min(leaf.first + head, leaf.end)])
    last = min(last, blocks.starts[leaf.end - 1]) if leaf.kind == "fence" and leaf.closed else last
    whole = _inline(blocks, leaf) if leaf.kind == "table" else lambda _: True
    for match in _WORD.finditer(blocks.text, first, max(first, last)):
        if "\n" not in match[0] and "\r" not in match[0] and whole(match.end()):
            yield RAW_WORD, match.end()


def _inline(blocks: Blocks, leaf: Leaf) -> Callable[[int], bool]:
    """Return a predicate: whether a cut at a position of the text leaves all links, mentions and code of a leaf
    whole.
    """
    start = blocks.starts[leaf.first]
    text = blocks.text[start : blocks.starts[leaf.end]]
    found = scan(text)
    open_at = half(text, found)
    limit = len(blocks.text) if open_at is None else start + open_at
    return lambda position: position <= limit and found.cuttable(position - start)


def harmless(blocks: Blocks) -> Callable[[int], bool]:
    """Return a predicate: whether a cut between two characters damages no link, mention, code span or fence line."""
    known: dict[int, Callable[[int], bool]] = {}

    def harmless_at(position: int) -> bool:
        number = blocks.line_at(position)
        leaf = blocks.leaf_at(number)
        if leaf is None or position == blocks.starts[number]:
            return True
        if leaf.kind == "fence":
            return number != leaf.first and not (leaf.closed and number == leaf.end - 1)
        if leaf.kind not in {"paragraph", "heading", "table"}:
            return True
        if leaf.first not in known:
            known[leaf.first] = _inline(blocks, leaf)
        return known[leaf.first](position)

    return harmless_at


def lead(blocks: Blocks, position: int, inline: str) -> Lead:
    """Return how the page begins that continues a text at a position. `inline`: the markers that are open there."""
    number = blocks.line_at(position)
    at_start = position == blocks.starts[number]
    leaf = blocks.leaf_at(number)
    if at_start and (leaf is None or leaf.first == number):
        return _between(blocks, number, leaf)
    if leaf is None:
        return Lead()
    path = [container for container in leaf.path if container.first < number or not at_start]
    opening = "".join(container.reopened(wider=leaf.kind == "paragraph") for container in path)
    again = "".join(container.again for container in path)
    inset = blocks.indent(number, path) if at_start else 0
    if leaf.kind == "fence":
        info = leaf.info if len(leaf.info) <= _LONGEST_INFO else ""
        inner = reopened(blocks.text[blocks.starts[leaf.first] : position]) or [f"{leaf.mark}{info}"]
        return Lead(opening + "".join(f"{fence}\n{again}" for fence in inner), inset)
    if leaf.kind == "table":
        return Lead(opening + _table_lead(blocks, leaf, position, again) + (inline if not at_start else ""), inset)
    if leaf.kind == "code_block":
        return Lead(opening if at_start else f"{opening}    ", inset)
    mark = f"{leaf.mark} " if leaf.kind == "heading" and leaf.mark[0] == "#" else ""
    rest = blocks.text[position + inset :]
    return Lead(f"{opening}{mark}{inline}", inset + len(rest) - len(rest.lstrip()))


def _between(blocks: Blocks, number: int, leaf: Leaf | None) -> Lead:
    """Return the lead of a page that begins with a block of its own: only its containers are continued."""
    if leaf is None or not leaf.path:
        return Lead()
    path = [container for container in leaf.path if container.first < number]
    opening = "".join(container.reopened() for container in path)
    inset = blocks.indent(number, path)
    item: Container | None = leaf.path[len(path)] if len(path) < len(leaf.path) else None
    if item is not None and item.number is not None and item.mark and not item.opens_list:
        counted = f"{item.number}{item.mark.strip()[-1]}"
        simple = sum(item in other.path for other in blocks.leaves) == 1
        if item.mark.strip() != counted and (simple or len(counted) == len(item.mark.strip())):
            return Lead(f"{opening}{counted} ", blocks.indent(number, [*path, item]))
    return Lead(opening, inset)


def _table_lead(blocks: Blocks, leaf: Leaf, position: int, again: str) -> str:
    """Return the header again; in the middle of a row also empty cells for those that the page before has shown."""
    rows = [blocks.line(n)[blocks.indent(n, leaf.path) :].strip() for n in (leaf.first, leaf.first + 1)]
    number = blocks.line_at(position)
    shown = blocks.text[blocks.starts[number] : position]
    cells = shown.replace("\\|", "").count("|")
    return f"{rows[0]}\n{again}{rows[1]}\n{again}" + "| " * cells
