"""A Markdown table as an aligned block: Discord renders no tables, but a code block keeps columns in line."""

from collections.abc import Sequence
from itertools import zip_longest

from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token
from wcwidth import wcswidth

from bot.platforms.discord.markup.addresses import revealed
from bot.platforms.discord.markup.tree import plain_text

_WIDEST = 40


def table_rows(tokens: Sequence[Token]) -> tuple[list[list[str]], list[str]]:
    """Return the cells of a table, header first, as plain text, and each column's alignment ("", left, right, center).

    `tokens`: those between `table_open` and `table_close`. Cells beyond the header's columns, which CommonMark's tables
    drop, are kept in the last column.
    """
    rows: list[list[str]] = []
    aligned: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
            extra = _extra_cells(revealed(token.meta["line"]), len(rows[0])) if len(rows) > 1 else []
        elif token.type == "th_open":
            aligned.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
        elif token.type == "inline":
            rows[-1].append(plain_text(token.children or []))
        elif token.type == "tr_close" and extra:
            rows[-1][-1] = " | ".join([rows[-1][-1], *extra])
    return rows, aligned


def _extra_cells(line: str, columns: int) -> list[str]:
    cells = escapedSplit(line.strip())
    if cells and not cells[0]:
        cells.pop(0)
    if cells and not cells[-1]:
        cells.pop()
    return [cell.strip() for cell in cells[columns:]]


def draw_table(rows: Sequence[Sequence[str]], aligned: Sequence[str]) -> list[str]:
    """Return a table's lines, columns padded to equal width as a terminal counts it; a rule stands below the header.

    A cell with line breaks makes its row as many lines high. Nothing is padded to more than forty columns: one long
    cell does not make every row as long. Borders are ASCII: in Discord's mobile code font box-drawing characters are
    wider than letters.
    """
    split = [[cell.split("\n") for cell in row] for row in rows]
    widths = [
        min(_WIDEST, max(_width(line) for row in split for line in (row[column] if column < len(row) else [""])))
        for column in range(len(aligned))
    ]
    drawn: list[str] = []
    for row in split:
        for cells in zip_longest(*row, fillvalue=""):
            padded = [_pad(cell, width, how) for cell, width, how in zip(cells, widths, aligned, strict=False)]
            drawn.append(" | ".join(padded).rstrip())
        if row is split[0]:
            drawn.append("-+-".join("-" * width for width in widths))
    return drawn


def _width(text: str) -> int:
    """Columns a text takes; a control character makes the library give up, and then its length must do."""
    width = wcswidth(text)
    return width if width >= 0 else len(text)


def _pad(text: str, width: int, how: str) -> str:
    space = width - _width(text)
    left = {"right": space, "center": space // 2}.get(how, 0)
    return " " * left + text + " " * (space - left)
