"""The block tokens of a message as what stands around its text: quotes, lists, headings, code blocks, tables.

Discord reads lines. A quote's lines begin with `> `, in one level only; an item's lines are indented by its marker's
width, blank ones too; neighbouring lists merge unless a blank line is between them; in lists there are no headings.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.platforms.discord.markup.addresses import revealed
from bot.platforms.discord.markup.inline import NO_WIDTH, broken_fences
from bot.platforms.discord.markup.reader import LANGUAGE
from bot.platforms.discord.markup.tables import draw_table, table_rows
from bot.platforms.discord.markup.tree import Builder, Node, PlainText

_RULE = "⎯" * 12
_BLANK = re.compile(r"[\s>]*\Z")
_DEEPEST_HEADING = 3
_MOST_BLANK = 2
"""In quotes and lists, where each blank line costs its marks."""
_LANGUAGES = {"c#": "csharp", "f#": "fsharp"}


@dataclass(frozen=True, slots=True)
class Inline:
    """A paragraph's or a heading's text. `line_end`: what goes on with its block on the next line."""

    nodes: list[Node]
    line_end: str


@dataclass(slots=True)
class _Container:
    """A quote or a list item: `first` stands before its first line, `again` before each other. `plain`: it is text."""

    first: str
    again: str
    quote: bool = False
    plain: bool = False
    begun: bool = False


@dataclass(slots=True)
class _List:
    """A list: `number` is its next item's, None in a list of bullets. Discord's begin at 1: one from 0 is `plain`."""

    number: int | None
    plain: bool

    def item(self) -> "_Container":
        if self.number is None:
            return _Container("- ", "  ")
        self.number += 1
        if self.plain:
            return _Container(f"{self.number - 1}\\. ", "", plain=True)
        marker = f"{self.number - 1}. "
        return _Container(marker, " " * len(marker))


def framed(parser: MarkdownIt, text: str) -> list[str | Inline]:
    """Return a message in pieces: what is final, and the texts that are still to be written."""
    return _Frame(text.split("\n")).run(parser.parse(text))


class _Frame:
    """One pass over a message's block tokens."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._builder = Builder()
        self._pieces: list[str | Inline] = []
        self._containers: list[_Container] = []
        self._lists: list[_List] = []
        self._apart = False
        self._list_ended = False
        self._used: set[str] = set()

    def run(self, tokens: Sequence[Token]) -> list[str | Inline]:
        self._used = set(_labels(tokens))
        index = 0
        while index < len(tokens):
            index = self._block(tokens, index)
        return self._pieces

    def _block(self, tokens: Sequence[Token], index: int) -> int:
        """Write the block that begins here; return where the next one does."""
        token = tokens[index]
        if token.type == "table_open":
            end = next(n for n in range(index, len(tokens)) if tokens[n].type == "table_close")
            self._table(token, tokens[index + 1 : end])
            return end + 1
        if token.type == "heading_open":
            self._heading(token, tokens[index + 1])
            return index + 3
        if token.type == "inline":
            self._text(token)
        elif token.type in {"fence", "code_block"}:
            self._code(token, _language(token.info), revealed(token.content).removesuffix("\n").split("\n"))
        elif token.type == "hr":
            self._begin(token)
            self._pieces.append(_RULE)
        elif token.type == "definition":
            self._definition(token)
        else:
            self._enter_or_leave(token)
        return index + 1

    def _enter_or_leave(self, token: Token) -> None:
        kind = token.type
        if kind in {"bullet_list_open", "ordered_list_open"}:
            self._apart = self._apart or self._list_ended
            start = int(token.attrs.get("start", 1)) if kind.startswith("ordered") else None
            self._lists.append(_List(start, plain=start == 0))
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
            self._list_ended = True
        elif kind == "list_item_open":
            self._begin_plain_item(token)
            self._containers.append(self._lists[-1].item())
        elif kind == "list_item_close":
            if not self._containers[-1].begun:
                self._begin(token)
                self._pieces.append(NO_WIDTH)  # Discord would take the next line for the item's text
            self._containers.pop()
        elif kind == "blockquote_open":
            self._begin_plain_item(token)
            inner = any(container.quote for container in self._containers)
            self._apart = self._apart or inner
            self._containers.append(_Container("" if inner else "> ", "" if inner else "> ", quote=True))
        elif kind == "blockquote_close":
            self._containers.pop()
            self._apart = True

    # lines

    def _begin(self, token: Token) -> None:
        """Begin a block on a line of its own, or behind the marks of the items it is the first in."""
        if self._pieces:
            again = "".join(container.again for container in self._containers if container.begun)
            blank = max(min(self._blank_lines(token), _MOST_BLANK if again else sys.maxsize), int(self._apart))
            self._pieces.append(f"\n{again}" * blank + "\n")
        self._pieces.append("".join(one.again if one.begun else one.first for one in self._containers))
        for container in self._containers:
            container.begun = True
        self._apart = self._list_ended = False

    def _begin_plain_item(self, token: Token) -> None:
        """Let a list or a quote that an item begins with begin on the next line, if the item is text."""
        if self._containers and self._containers[-1].plain and not self._containers[-1].begun:
            self._begin(token)

    def _blank_lines(self, token: Token) -> int:
        first = token.map[0] if token.map else 0
        line = first
        while line > 0 and _BLANK.match(self._lines[line - 1]):
            line -= 1
        return first - line

    def _line_end(self) -> str:
        return "\n" + "".join(container.again for container in self._containers)

    def _in_list(self) -> bool:
        return bool(self._lists)

    # blocks

    def _text(self, token: Token) -> None:
        first = self._containers[-1] if self._containers else None
        children = token.children or []
        if first and not first.begun and not first.quote and token.content[:4] in {"[ ] ", "[x] ", "[X] "}:
            box, text = children[0], children[0].content
            if box.type == "text" and text[:3] == token.content[:3]:
                box.content = ("☐" if text[1] == " " else "☑") + text[3:]
        nodes = self._builder.build(children)
        if nodes:
            self._begin(token)
            self._pieces.append(Inline(nodes, self._line_end()))

    def _heading(self, opening: Token, inline: Token) -> None:
        """Discord's headings are one line, and end at `###`; what is deeper, or in a list, is bold."""
        level = int(opening.tag[1:])
        bold = level > _DEEPEST_HEADING or self._in_list()
        nodes = self._builder.build(inline.children or [], outer="strong" if bold else "")
        if all(isinstance(node, PlainText) and not node.text.strip() for node in nodes):
            return  # Discord would make a heading of the next line
        self._begin(opening)
        if bold:
            self._pieces.append(Inline(nodes, " "))
            return
        # Discord drops number signs at a heading's end, and takes none at its beginning.
        before = NO_WIDTH if _plain(nodes[0]).startswith("#") else ""
        after = NO_WIDTH if _plain(nodes[-1]).endswith("#") else ""
        self._pieces += ["#" * level + " " + before, Inline(nodes, " "), after]

    def _code(self, token: Token, language: str, lines: Sequence[str]) -> None:
        """Discord's code block ends at the next three backticks, and needs a character between them."""
        self._begin(token)
        shown = [broken_fences(line) for line in lines]
        if not any(shown):
            shown = [" "]
        self._pieces.append(self._line_end().join([f"```{language}", *shown, "```"]))

    def _table(self, opening: Token, tokens: Sequence[Token]) -> None:
        self._code(opening, "", draw_table(*table_rows(tokens)))

    def _definition(self, token: Token) -> None:
        """A link's definition is not seen; one that nothing names is text."""
        if token.meta["id"] in self._used or not token.map:
            self._apart = True
            return
        self._begin(token)
        lines = [re.sub(r"^[\s>]+", "", line) for line in self._lines[slice(*token.map)]]
        text = Token("text", "", 0, content=revealed(" ".join(lines)))
        self._pieces.append(Inline(self._builder.build([text]), self._line_end()))


def _plain(node: Node) -> str:
    return node.text if isinstance(node, PlainText) else ""


def _labels(tokens: Sequence[Token]) -> list[str]:
    """Return the definitions that links and pictures name."""
    found: list[str] = []
    waiting = list(tokens)
    while waiting:
        token = waiting.pop()
        waiting += token.children or []
        found += [token.meta["label"]] if token.type in {"link_open", "image"} and "label" in token.meta else []
    return found


def _language(info: str) -> str:
    """Return what stands behind an opening fence: a language that Discord's readers know for one, or nothing."""
    word = info.strip().split(" ")[0].lower()
    if word in _LANGUAGES:
        return _LANGUAGES[word]
    match = LANGUAGE.match(info.strip())
    return match[0] if match else ""
