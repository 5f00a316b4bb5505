"""Claude's Markdown → what Discord renders. Pure.

Discord knows most of CommonMark. What it shows as written is left as it was written, byte for byte; only what it would
show wrongly is changed, in place. (Discord docs, reference/message formatting; its users' Markdown guide.)
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.platforms.discord.inline import LOOSE, Edit, broken_fences, escape_loose, inline_edits, make_parser, resolves
from bot.platforms.discord.tables import draw_table, table_rows

_RULE = "⎯" * 12
_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]+\Z")
_ATTRIBUTE = re.compile(r"[A-Za-z_][\w.\-]*=[^=]|\{")
_QUOTE = re.compile(r" {0,3}> ?")
_MARKER = re.compile(r"[ \t]*(?:[-+*]|\d{1,9}[.)])(?:[ \t]{1,4}(?![ \t])|[ \t]|$)")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that make text read in another order than it was written."""
_LONE = re.compile("[\ud800-\udfff]")
"""Half a character: cannot be sent."""


class DiscordDialect:
    """The dialect of Discord's messages."""

    def __init__(self) -> None:
        self._parser = make_parser()

    def render(self, markdown: str) -> str:
        """Return the text to send for a piece of Markdown that is complete in itself. Raises nothing on any text.

        Not empty unless `markdown` is blank or holds nothing that can be shown.
        """
        text = _LONE.sub("\ufffd", markdown.replace("\r\n", "\n").replace("\r", "\n"))
        text = _UNSAFE.sub("", text).replace(LOOSE, "\ufffd")
        rendered = escape_loose(_Rewrite(text).run(self._parser))
        return rendered if rendered.strip() else text

    def size(self, rendered: str) -> int:
        """Return the length as Discord counts it: in code points (discord-api-docs issue 1315)."""
        return len(rendered)


@dataclass(slots=True)
class _Container:
    """A quote (`width` 0) or a list item around a block: what stands before the block's text in each line."""

    first_line: int
    width: int = 0


class _Rewrite:
    """One pass over one text's blocks, collecting edits."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = source.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._edits: list[Edit] = []
        self._containers: list[_Container] = []
        self._used: set[str] = set()
        self._item_begins = False
        self._blocks: dict[str, Callable[[Token], None]] = {
            "fence": self._fence,
            "code_block": self._indented_code,
            "hr": self._rule,
            "list_item_open": self._list_item,
        }

    def run(self, parser: MarkdownIt) -> str:
        env: dict[str, dict[str, dict[str, list[int]]]] = {}
        tokens = parser.parse(self._source, env)
        index = 0
        while index < len(tokens):
            index = self._block(tokens, index)
        for label, reference in env.get("references", {}).items():
            if label in self._used:
                first, end = reference["map"]
                self._edit(self._starts[first], min(self._starts[end], len(self._source)), "")
        return _apply(self._source, self._edits)

    def _block(self, tokens: Sequence[Token], index: int) -> int:
        token = tokens[index]
        if token.type == "heading_open":
            self._heading(token, tokens[index + 1])
            return index + 3
        if token.type == "table_open":
            end = next(n for n in range(index, len(tokens)) if tokens[n].type == "table_close")
            self._table(token, tokens[index + 1 : end])
            return end + 1
        if token.type == "inline":
            self._paragraph(token)
        elif token.type == "blockquote_open":
            self._containers.append(_Container(_span(token)[0]))
        elif token.type in {"blockquote_close", "list_item_close"}:
            self._containers.pop()
        elif token.type in self._blocks:
            self._blocks[token.type](token)
        return index + 1

    # where things stand

    def _edit(self, start: int, end: int, text: str) -> None:
        if self._source[start:end] != text:
            self._edits.append(Edit(start, end, text))

    def _edit_line(self, line: int, start: int, end: int, text: str) -> None:
        self._edit(self._starts[line] + start, self._starts[line] + end, text)

    def _indent(self, line: int) -> int:
        """How many characters of a line belong to the quotes and list items around the present block."""
        text, at = self._lines[line], 0
        for container in self._containers:
            if not container.width:
                mark = _QUOTE.match(text, at)
            elif container.first_line == line:
                mark = _MARKER.match(text, at)
            else:
                mark = re.compile(rf"[ \t]{{0,{container.width}}}").match(text, at)
            if mark is None:  # a line that goes on without repeating the marks
                break
            at = mark.end()
        return at

    def _next_line(self, line: int) -> str:
        """What a new line after this one must begin with to stay in the same quotes and list items."""
        return "\n" + re.sub(r"[^>\s]", " ", self._lines[line][: self._indent(line)])

    def _position(self, content: str, first_line: int) -> Callable[[int], int] | None:
        """Return the function from a position in a paragraph's content to one in the source. None: not to be found."""
        anchors: list[tuple[int, int]] = []
        at = 0
        for offset, piece in enumerate(content.split("\n")):
            words, line = piece.strip(" \t"), self._lines[first_line + offset].rstrip(" \t")
            if not line.endswith(words):
                return None
            inner = at + len(piece) - len(piece.lstrip(" \t"))
            anchors.append((inner, self._starts[first_line + offset] + len(line) - len(words)))
            at += len(piece) + 1
        return lambda position: next(
            (outer + position - inner for inner, outer in reversed(anchors) if inner <= position), anchors[0][1]
        )

    # blocks

    def _inline(self, token: Token, position: Callable[[int], int], *, bold: bool = False) -> None:
        for edit in inline_edits(token.children or [], token.content, bold=bold):
            self._edit(position(edit.start), position(edit.end), edit.text.replace("\n", " "))
        self._used |= {child.meta["label"] for child in token.children or [] if resolves(child)}

    def _paragraph(self, token: Token) -> None:
        position = self._position(token.content, _span(token)[0])
        if position is None:
            return
        if self._item_begins and token.content[:4] in {"[ ] ", "[x] ", "[X] "}:
            self._edit(position(0), position(0) + 3, "☐" if token.content[1] == " " else "☑")
        self._item_begins = False
        self._inline(token, position)

    def _heading(self, opening: Token, inline: Token) -> None:
        self._item_begins = False
        if opening.markup.startswith("#"):
            self._atx_heading(opening, inline)
        else:
            self._setext_heading(opening, inline)

    def _atx_heading(self, opening: Token, inline: Token) -> None:
        level, line = len(opening.markup), _span(opening)[0]
        text, before = self._lines[line], self._indent(line)
        words = text.index(inline.content, text.index("#", before) + level)
        if not inline.content:
            return
        start = self._starts[line]
        bold = level > 3  # Discord's headings end at `###`
        self._edit(start + before, start + words, "**" if bold else opening.markup + " ")
        end = words + len(inline.content)
        self._edit(start + end, start + len(text), "**" if bold else text[end:] if text[end:].isspace() else "")
        self._inline(inline, lambda position: start + words + position, bold=bold)

    def _setext_heading(self, opening: Token, inline: Token) -> None:
        first, end = _span(opening)
        position = self._position(inline.content, first)
        if position is None:
            return
        self._edit(position(0), position(0), "# " if opening.tag == "h1" else "## ")
        for line in range(first, end - 2):  # Discord's heading is one line
            following = self._lines[line + 1]
            words = self._indent(line + 1)
            words += len(following[words:]) - len(following[words:].lstrip(" \t"))
            self._edit(self._starts[line] + len(self._lines[line]), self._starts[line + 1] + words, " ")
        self._edit(self._starts[end - 1] - 1, self._starts[end] - 1, "")
        self._inline(inline, position)

    def _rule(self, token: Token) -> None:
        line = _span(token)[0]
        self._edit_line(line, self._indent(line), len(self._lines[line]), _RULE)

    def _fence(self, token: Token) -> None:
        """Discord's code block is three backticks, at most a language, and ends at the next three backticks."""
        first, end = _span(token)
        last = self._lines[end - 1].rstrip().removeprefix(self._lines[end - 1][: self._indent(end - 1)]).strip()
        closed = end - 1 > first and last.startswith(token.markup) and not last.strip(token.markup[0])
        self._edit_line(first, self._indent(first), len(self._lines[first].rstrip()), "```" + _language(token.info))
        for line in range(first + 1, end - 1 if closed else end):
            self._break_fences(line)
        if closed:
            self._edit_line(end - 1, self._indent(end - 1), len(self._lines[end - 1].rstrip()), "```")
        else:
            at = self._starts[end] - 1
            self._edit(at, at, self._next_line(first) + "```")

    def _break_fences(self, line: int) -> None:
        for run in re.finditer("`{3,}", self._lines[line]):
            self._edit_line(line, run.start(), run.end(), broken_fences(run.group()))

    def _indented_code(self, token: Token) -> None:
        """Discord has no code by indentation, and would render what is in it."""
        first, end = _span(token)
        while not self._lines[end - 1].strip():
            end -= 1
        between = self._next_line(first)
        for line in range(first, end):
            before = self._indent(line)
            indent = re.compile(r"[ \t]{0,4}").match(self._lines[line], before)
            after = indent.end() if indent else before
            self._edit_line(line, before, after, f"```{between}" if line == first else "")
            self._break_fences(line)
        at = self._starts[end] - 1
        self._edit(at, at, between + "```")

    def _list_item(self, token: Token) -> None:
        line = _span(token)[0]
        before = self._indent(line)
        mark = _MARKER.match(self._lines[line], before)
        self._containers.append(_Container(line, max(1, (mark.end() if mark else before) - before)))
        self._item_begins = True
        if token.markup in {"+", ")"} and mark:  # Discord's lists begin with `-`, `*` or `1.`
            at = mark.start() + len(mark.group().rstrip()) - 1
            self._edit_line(line, at, at + 1, "-" if token.markup == "+" else ".")

    def _table(self, opening: Token, tokens: Sequence[Token]) -> None:
        first, end = _span(opening)
        inner = {line: self._lines[line][self._indent(line) :] for line in range(first, end)}
        rows, aligned = table_rows(tokens, [inner.get(line, "") for line in range(end)])
        drawn = ["```", *(broken_fences(line) for line in draw_table(rows, aligned)), "```"]
        start = self._starts[first] + self._indent(first)
        self._edit(start, self._starts[end] - 1, self._next_line(first).join(drawn))


def _language(info: str) -> str:
    """Return what stands behind an opening fence: the language alone, if the rest are attributes (`title="x"`).

    Anything else is not known to be one; Discord shows it as the first line of the code.
    """
    language, *rest = info.split() or [""]
    attributes = all(_ATTRIBUTE.match(word) for word in rest)
    return language if attributes and _LANGUAGE.match(language) else broken_fences(info.strip())


def _span(token: Token) -> tuple[int, int]:
    """Return a block token's first line and the line after its last."""
    if token.map is None:
        raise ValueError(f"a {token.type} token without lines")
    return token.map[0], token.map[1]


def _apply(source: str, edits: Sequence[Edit]) -> str:
    """Return the source with all edits made; one that begins inside another is dropped."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.start != edit.end, -edit.end)):
        if edit.start < at:
            continue
        pieces += [source[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, source[at:]])
