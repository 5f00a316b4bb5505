"""The block structure of Markdown by lines: which block a line belongs to, inside which quotes and list items.

A CommonMark parser does the reading, with HTML as text, which it is to the chat platforms. A Markdown block that
contains code blocks goes on until its own end (`fences`).
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_block.table import getLine
from markdown_it.token import Token

from bot.reply.markdown.fences import apart


def barred_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's form
    """Read a table; a line of dashes under text without a bar is not one."""
    return start + 1 < end and "|" in getLine(state, start + 1) and table(state, start, end, silent)


_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")
_PARSER.block.ruler.at("table", barred_table, {"alt": ["paragraph", "reference"]})
_LINE_END = re.compile(r"\r\n?|\n")
_ITEM = re.compile(r"( *)([-*+]|\d{1,9}[.)])( *)(?=(.?))")
_QUOTE = re.compile(r" {0,3}> ?")


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """A quote or a list item over the lines `first` to `end` (exclusive).

    `mark` opens it: `"> "`, `"- "`, `"12. "`; "" if it was written in a way that cannot be repeated. `number` is the
    item's position in an ordered list, whatever its marker says; None elsewhere. `opens_list`: it is the first item of
    its list.
    """

    quote: bool
    first: int
    end: int
    mark: str
    number: int | None = None
    opens_list: bool = True

    @property
    def again(self) -> str:
        """The prefix that continues it on the next line."""
        return self.mark if self.quote else " " * len(self.mark)

    def reopened(self, *, wider: bool = False) -> str:
        """Return the mark with the number that a reader counts, as wide as the written one. Where the number does not
        fit, the mark is `wider`, or stays as it is: the following lines would no longer be part of the item.
        """
        if self.number is None or not self.mark:
            return self.mark
        counted = f"{self.number}{self.mark.strip()[-1]}"
        if len(counted) < len(self.mark):
            return counted.ljust(len(self.mark)) if counted != self.mark.strip() else self.mark
        return f"{counted} " if wider else self.mark


@dataclass(frozen=True, slots=True)
class Leaf:
    """A block that contains no other: `kind` is paragraph, heading, fence, code_block, table or hr; lines as above.

    `mark`: a fence's or heading's own characters; a fence is longer than those inside it. `closed`: a fence has its
    closing line.
    """

    kind: str
    first: int
    end: int
    path: tuple[Container, ...]
    mark: str = ""
    info: str = ""
    closed: bool = True


@dataclass(slots=True)
class Blocks:
    """A text's lines and leaves, in order. `starts` has one entry a line and the text's end."""

    text: str
    starts: list[int]
    leaves: list[Leaf] = field(default_factory=list)

    def line_at(self, position: int) -> int:
        """Return the number of the line that holds a position; the text's end belongs to the last line."""
        return min(bisect_right(self.starts, position) - 1, len(self.starts) - 2)

    def line(self, number: int) -> str:
        """Return a line with its end."""
        return self.text[self.starts[number] : self.starts[number + 1]]

    def leaf_at(self, number: int) -> Leaf | None:
        """Return the leaf that covers a line; None if the line is blank or defines a link."""
        at = bisect_right(self.leaves, number, key=lambda leaf: leaf.first) - 1
        return self.leaves[at] if at >= 0 and number < self.leaves[at].end else None

    def last(self) -> Leaf | None:
        """Return the leaf that the text ends in; None if it ends after a leaf."""
        leaf = self.leaf_at(len(self.starts) - 2)
        return leaf or self._open_fence()

    def _open_fence(self) -> Leaf | None:
        # The parser does not count a blank line at the end of an open fence among its lines.
        if not self.leaves or self.leaves[-1].closed:
            return None
        leaf = self.leaves[-1]
        return leaf if all(c.end >= leaf.end for c in leaf.path) and not self._text_after(leaf) else None

    def _text_after(self, leaf: Leaf) -> bool:
        return bool(self.text[self.starts[min(leaf.end, len(self.starts) - 1)] :].strip())

    def indent(self, number: int, path: tuple[Container, ...] | list[Container]) -> int:
        """Return how many characters at a line's start belong to the containers `path`, markers included."""
        return _consumed(self.line(number), number, path)


def parse(text: str, *, growing: bool = True) -> Blocks:
    """Return the block structure of a text; `growing`: more may follow."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    if starts[-1] != len(text) or len(starts) == 1:
        starts.append(len(text))
    blocks = Blocks(text, starts)
    _TokenReader(blocks).read(_PARSER.parse(apart(text, growing=growing)))
    return blocks


def _consumed(line: str, number: int, path: tuple[Container, ...] | list[Container]) -> int:
    at = 0
    for container in path:
        if container.quote:
            match = _QUOTE.match(line, at)
            at = match.end() if match else at
        elif container.first == number:
            at = min(at + len(container.mark), len(line.rstrip("\r\n")))
        else:
            end = at + len(container.mark)
            while at < end and line[at : at + 1] == " ":
                at += 1
    return at


class _TokenReader:
    """Walks the parser's tokens once."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._path: list[Container] = []
        self._counts: list[int | None] = []
        self._fresh: list[bool] = []

    def read(self, tokens: list[Token]) -> None:
        for token in tokens:
            if token.type in {"bullet_list_open", "ordered_list_open"}:
                start = token.attrGet("start")
                self._counts.append(None if token.type[0] == "b" else int(1 if start is None else start))
                self._fresh.append(True)
            elif token.type in {"bullet_list_close", "ordered_list_close"}:
                self._counts.pop()
                self._fresh.pop()
            elif token.type in {"list_item_open", "blockquote_open"}:
                self._path.append(self._container(token))
            elif token.type in {"list_item_close", "blockquote_close"}:
                self._path.pop()
            elif token.type in {"paragraph_open", "heading_open", "table_open", "fence", "code_block", "hr"}:
                self._leaf(token)

    def _container(self, token: Token) -> Container:
        first, end = token.map or [0, 0]
        if token.type == "blockquote_open":
            return Container(True, first, end, "> ")
        number, opens = self._counts[-1], self._fresh[-1]
        self._fresh[-1] = False
        if number is not None:
            self._counts[-1] = number + 1
        return Container(False, first, end, self._item_mark(first), number, opens)

    def _item_mark(self, first: int) -> str:
        line = self._blocks.line(first)
        match = _ITEM.match(line, _consumed(line, first, self._path))
        if match is None:
            return ""
        room, after = len(match[3]), match[4]
        if not 1 <= room <= 4 or after in {"", "\r", "\n"}:
            room = 1
        return f"{match[1]}{match[2]}{' ' * room}"

    def _leaf(self, token: Token) -> None:
        first, end = token.map or [0, 0]
        kind = token.type.removesuffix("_open")
        closed = True
        if kind == "fence":
            lines = token.content.count("\n") + bool(token.content and token.content[-1] != "\n")
            closed = end - first == lines + 2
        mark = token.markup if kind in {"fence", "heading"} else ""
        self._blocks.leaves.append(Leaf(kind, first, end, tuple(self._path), mark, token.info.strip(), closed))
