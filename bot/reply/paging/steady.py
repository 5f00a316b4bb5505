"""Which beginning of a piece that is still being written can be shown for good, for places where text can only be
appended.
"""

from bot.reply.markdown.blocks import Blocks, Leaf, parse
from bot.reply.markdown.fences import undecided
from bot.reply.markdown.inline import SPACELESS, half, scan
from bot.reply.paging.heal import bare_markup, inline_start, table_header

_LONGEST_OPEN = 400
"""Emphasis or code that stays open for longer than this is shown as written."""
_ROUNDS = 8
"""How many times the rest is checked again: what is left out may leave something open before it."""


def steady(markdown: str) -> int:
    """Return the position up to which a piece is settled, whatever comes next: whole blocks, whole lines of the last
    block, and whole words of a paragraph, as far as no emphasis, code or link is open. A table is left out until it is
    complete. A fence may be open, but a block that may contain others is left out until that is decided.
    """
    end = _steady_end(parse(markdown))
    if (block := undecided(markdown)) is not None:
        end = min(end, block)
    line = markdown.rfind("\n", 0, end) + 1
    return line if bare_markup(markdown[line:end]) else end


def _steady_end(blocks: Blocks) -> int:
    leaf, last = blocks.last(), blocks.starts[-2]
    line = blocks.text[last:]
    whole = not line.strip() or line.endswith("\n")
    lines = len(blocks.text) if whole else last
    if leaf is None:
        return lines
    if leaf.kind == "fence" and not leaf.closed:
        code = blocks.starts[min(leaf.first + 1, len(blocks.starts) - 1)]
        return lines if lines > code else blocks.starts[leaf.first]
    if leaf.kind == "table":
        return blocks.starts[leaf.first]
    if leaf.kind == "paragraph":
        return _steady_words(blocks, leaf, last if not whole and bare_markup(line) else len(blocks.text))
    return lines


def _steady_words(blocks: Blocks, leaf: Leaf, end: int) -> int:
    """Return the last end of a word in a paragraph before which nothing is open; the paragraph's start if there is
    none.
    """
    header = table_header(blocks, leaf)
    start = inline_start(blocks, leaf)
    body = blocks.text[start : min(end, len(blocks.text) if header is None else header)]
    body = body[: _words(body)]
    for _ in range(_ROUNDS):
        found = scan(body)
        cuts = [at for at, _ in found.opened if len(body) - at <= _LONGEST_OPEN]
        if (at := half(body, found)) is not None:
            cuts.append(at)
        if not cuts:
            break
        body = body[: min(cuts)]
    return start + len(body) if body.strip() else blocks.starts[leaf.first]


def _words(text: str) -> int:
    """Return where the last word begins, which may be incomplete. In scripts without spaces a character is a word."""
    for at in range(len(text) - 1, -1, -1):
        if text[at].isspace() or (at + 1 < len(text) and SPACELESS.match(text[at])):
            return at + 1
    return 0
