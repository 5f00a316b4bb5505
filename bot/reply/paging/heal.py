"""Make a piece of Markdown that stops anywhere valid by itself: close what is open, hold back what is half-written."""

import re
from dataclasses import dataclass

from bot.reply.markdown.blocks import Blocks, Leaf, parse
from bot.reply.markdown.fences import apart
from bot.reply.markdown.inline import half, scan

_BARE_MARKUP = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)*+(?:[-*_=#`~+>|\\]++|\d{1,9}[.)]?)?[ \t]*+\Z")
"""A last line of markup alone: it may still become a rule, a heading of the line above, a list, a fence."""
_CLOSABLE = re.compile("[*_~`]")
_LONGEST_HEADER = 1000
_ROUNDS = 4
"""How many times the rest is checked again: what is held back may leave something half-written before it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a piece ends: `text` is the closed piece, `inline` the emphasis or code that continues after it."""

    text: str
    inline: str = ""


def close(markdown: str, *, whole: bool = False) -> Ending:
    """Close the fence that a piece leaves open and, unless the piece is the `whole` rest, its emphasis and code."""
    if not _CLOSABLE.search(markdown):
        return Ending(markdown)
    return _closed(parse(markdown, growing=not whole), whole=whole)


def heal(markdown: str) -> str:
    """Return a piece that is still being written as it can be shown: closed, and without a half-written end that would
    be shown as something else once it is complete.
    """
    blocks = parse(markdown)
    for _ in range(_ROUNDS):
        certain = _certain(blocks)
        if certain == len(blocks.text):
            break
        blocks = parse(blocks.text[:certain])
    return _closed(blocks, whole=False).text


def bare_markup(line: str) -> bool:
    """Return whether a line has nothing so far but possible markup."""
    return _BARE_MARKUP.match(line) is not None


def _closed(blocks: Blocks, *, whole: bool) -> Ending:
    leaf, markdown = blocks.last(), apart(blocks.text, growing=not whole)
    if leaf is None:
        return Ending(markdown)
    if leaf.kind == "fence":
        return Ending(markdown if leaf.closed else _close_fence(markdown, leaf))
    if whole or leaf.kind not in {"paragraph", "heading", "table"}:
        return Ending(markdown)
    marks = [mark for _, mark in scan(blocks.text[inline_start(blocks, leaf) :]).opened]
    if not marks:
        return Ending(markdown)
    space = " " if marks[-1][0] == "`" and markdown.endswith("`") else ""
    return Ending(markdown.rstrip() + space + "".join(mark[::-1] for mark in reversed(marks)), "".join(marks))


def _close_fence(markdown: str, leaf: Leaf) -> str:
    again = "".join(container.again for container in leaf.path)
    line_end = "" if markdown.endswith(("\n", "\r")) else "\n"
    return f"{markdown}{line_end}{again}{leaf.mark}"


def inline_start(blocks: Blocks, leaf: Leaf) -> int:
    """Return where the paragraph, heading or last table cell begins that a text ends in."""
    if leaf.kind != "table":
        return blocks.starts[leaf.first] + blocks.indent(leaf.first, leaf.path)
    start = blocks.starts[leaf.end - 1]
    return max(start, blocks.text.rfind("|", start) + 1)


def _certain(blocks: Blocks) -> int:
    """Return the position up to which the meaning of a text is settled, whatever comes next."""
    leaf, text, last_line = blocks.last(), blocks.text, blocks.starts[-2]
    if leaf is not None and leaf.kind == "fence" and not leaf.closed:
        return _certain_code(blocks, leaf)
    line = text[last_line:]
    if line and line[-1] not in "\r\n" and bare_markup(line):
        return last_line
    if leaf is None or leaf.kind not in {"paragraph", "heading", "table"}:
        return len(text)
    if leaf.kind == "paragraph" and (header := table_header(blocks, leaf)) is not None:
        return header
    start = inline_start(blocks, leaf)
    return start + _certain_inline(text[start:])


def _certain_code(blocks: Blocks, leaf: Leaf) -> int:
    """Hold back a fence that has no line of code yet, and a last line that may become its end."""
    text, opener = blocks.text, blocks.starts[leaf.first]
    if leaf.first + 2 >= len(blocks.starts) or not text[blocks.starts[leaf.first + 1] :].strip():
        return opener
    number = len(blocks.starts) - 2
    line = text[blocks.starts[number] :]
    if not line.endswith(("\n", "\r")) and set(line[blocks.indent(number, leaf.path) :].strip()) <= {leaf.mark[0]}:
        return blocks.starts[number]
    return len(text)


def table_header(blocks: Blocks, leaf: Leaf) -> int | None:
    """Return where a table's header begins whose delimiter row has not arrived; None if there is none."""
    rows = 0
    for number in range(leaf.end - 1, leaf.first - 1, -1):
        line = blocks.line(number)
        if not line[blocks.indent(number, leaf.path) :].lstrip().startswith("|"):
            break
        rows += 1
    if not rows or rows > 2:
        return None
    start = blocks.starts[leaf.end - rows]
    half_table = rows == 1 or not blocks.line(leaf.end - 1).endswith(("\n", "\r"))
    return start if half_table and len(blocks.text) - start <= _LONGEST_HEADER else None


def _certain_inline(text: str) -> int:
    """Hold back a half-written link, and then a half-written marker, at the end of a paragraph's text."""
    if (start := half(text, scan(text))) is not None:
        text = text[:start]
    stripped = text.rstrip()
    if stripped.endswith(("*", "_", "~")):
        return len(stripped.rstrip("*_~"))  # if it closed something, that is closed again
    opened = scan(stripped).opened
    if not opened:
        return len(text)
    start, mark = opened[-1]
    inside = stripped[start + len(mark) :].rstrip("`" if mark[0] == "`" else " ")
    if not inside.strip():
        return start
    code_end = start + len(mark) + len(inside)
    return code_end if code_end < len(stripped) else len(text)
