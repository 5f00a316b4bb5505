"""Claude's Markdown → the text of Slack's markdown blocks. Pure.

A markdown block takes standard Markdown with tables, task lists and highlighted code (Slack docs, reference/block-kit/
blocks/markdown-block), so nearly all is sent as it was written. But `&`, `<` and `>` are Slack's own: in angle brackets
stand its mentions, broadcasts and labelled links (Slack docs, messaging/formatting-message-text). They go out as
entities, so that nothing Claude writes can notify anybody or hide where a link leads.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.platforms.slack.markup.inline import Edit, definition_edits, inline_edits, make_parser, may_need_edits
from bot.reply.markdown.fences import apart

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile("[&<>]")
_LINE_MARKERS = re.compile(r"^(?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*", re.MULTILINE)
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that make text read in another order than it was written."""
_LONE = re.compile("[\ud800-\udfff]")
"""Half a character: cannot be sent."""


class SlackDialect:
    """The dialect of Slack's markdown blocks."""

    def __init__(self) -> None:
        self._parser = make_parser()

    def render(self, markdown: str) -> str:
        """Return the text to send for a piece of Markdown that is complete in itself. Raise nothing on any text.

        It holds no `<`, so nothing in it is a mention, a broadcast or a labelled link; undoing its entities gives back
        every letter and digit in order.
        """
        text = _LONE.sub("\ufffd", markdown.replace("\r\n", "\n").replace("\r", "\n"))
        text = apart(_UNSAFE.sub("", text))
        return _escaped(text, _edits(self._parser, text) if may_need_edits(text) else [])

    def size(self, rendered: str) -> int:
        """Return the length in characters as sent, entities and all: the strictest reading of Slack's limit."""
        return len(rendered)


def escape(text: str) -> str:
    """Return text in which Slack sees no control sequence (Slack docs, messaging/formatting-message-text)."""
    return _SPECIAL.sub(lambda found: _ENTITIES[found[0]], text)


def _escaped(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with all edits made and the special characters escaped, but for the markers of quotes.

    An edit that begins inside another one is dropped.
    """
    quotes = {at for found in _LINE_MARKERS.finditer(text) for at in range(*found.span()) if text[at] == ">"}

    def copied(start: int, end: int) -> str:
        return _SPECIAL.sub(
            lambda found: ">" if start + found.start() in quotes else _ENTITIES[found[0]], text[start:end]
        )

    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start >= at:
            pieces += [copied(at, edit.start), escape(edit.text)]
            at = edit.end
    return "".join([*pieces, copied(at, len(text))])


def _edits(parser: MarkdownIt, text: str) -> list[Edit]:
    """Return the edits of all paragraphs, headings and cells, and of the link definitions, in the text's positions."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    env: dict[str, dict[str, dict[str, list[int]]]] = {}
    edits: list[Edit] = []
    taken: dict[int, int] = {}
    for token in parser.parse(text, env):
        if token.type != "inline":
            continue
        # Also where there is nothing to change: a row's later cells are found behind its earlier ones.
        position = _position(token, lines, starts, taken)
        if position is not None and token.children:
            found = inline_edits(token.children, token.content)
            edits += [Edit(position(edit.start), position(edit.end - 1) + 1, edit.text) for edit in found]
    for reference in env.get("references", {}).values():
        first, end = reference["map"]
        edits += definition_edits(text, starts[first], min(starts[end], len(text)))
    return edits


def _position(
    token: Token, lines: Sequence[str], starts: Sequence[int], taken: dict[int, int]
) -> Callable[[int], int] | None:
    """Return the function from a position in an inline token's content to one in the source. None: not to be found.

    What stands before a line's content are the marks of lists, quotes and headings, or the cells before it: `taken`
    says how far each line's cells have been found.
    """
    assert token.map is not None
    anchors: list[tuple[int, int]] = []
    inner = 0
    for line, piece in enumerate(token.content.split("\n"), token.map[0]):
        words = piece.strip()
        at = lines[line].find(words, taken.get(line, 0)) if line < len(lines) else -1
        if at < 0:
            return None
        taken[line] = at + len(words)
        anchors.append((inner + len(piece) - len(piece.lstrip()), starts[line] + at))
        inner += len(piece) + 1

    def outer(position: int) -> int:
        at = bisect_right(anchors, position, key=lambda anchor: anchor[0]) - 1
        return anchors[at][1] + position - anchors[at][0] if at >= 0 else 0

    return outer
