"""The inline tokens of one paragraph, heading or cell as a tree of what to write."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from bot.platforms.discord.markup.addresses import PLAIN_LESS_THAN, is_atom, is_web, kept, revealed
from bot.platforms.discord.markup.literal import Before

_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_ANGLED = re.compile("[^: >]+:/[^ >]+")
_STYLES = {"strong": ("**",), "em": ("*", "_"), "s": ("~~",)}


@dataclass(frozen=True, slots=True)
class PlainText:
    """Plain text without addresses; see `write_literal` for the rest."""

    text: str
    before: frozenset[str]
    line_start: bool
    after_style: bool


@dataclass(frozen=True, slots=True)
class Atom:
    """A mention, a custom emoji or a time: goes out as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Autolink:
    """A web address that people see; `angled`: it stands between angle brackets in any case."""

    url: str
    angled: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A code span."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A line's end."""


@dataclass(frozen=True, slots=True)
class Style:
    """Text in a style; `markers`: what may stand around it, the best first. A kind of style is never in itself."""

    markers: tuple[str, ...]
    children: "list[Node]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Link:
    """A label that leads to a web address."""

    url: str
    children: "list[Node]" = field(default_factory=list)


Node = PlainText | Atom | Autolink | Code | Break | Style | Link


class Builder:
    """Builds trees, of one message's paragraphs in their order."""

    def __init__(self) -> None:
        self._before = Before()
        self._start()

    def _start(self) -> None:
        self._open: list[list[Node]] = [[]]
        self._styles: list[str] = []  # "" for one that is dropped
        self._link: Link | str | None = None
        self._text: list[str] = []
        self._line_start, self._after_style = True, False

    def build(self, tokens: Sequence[Token], *, outer: str = "") -> list[Node]:
        """Return the nodes of an inline token's children. `outer`: a style that stands around all of them."""
        self._start()
        if outer:
            self._open_style(outer)
        for token in tokens:
            self._add(token)
        self._flush()
        if outer:
            self._close_style()
        return self._open[0] if tokens else []

    def _add(self, token: Token) -> None:
        kind = token.type
        if kind in {"text", "text_special"}:
            self._text.append(_shown(token))
        elif kind == "code_inline":
            self._leaf(Code(revealed(token.content)))
        elif kind in {"softbreak", "hardbreak"}:
            self._break()
        elif kind == "image":
            self._image(token)
        elif kind == "link_open":
            self._open_link(token)
        elif kind == "link_close":
            self._close_link()
        elif kind.endswith("_open"):
            self._open_style(kind.removesuffix("_open"), token.markup)
        elif kind.endswith("_close"):
            self._close_style()

    def _flush(self) -> None:
        """Make nodes of the text that has come together."""
        text, self._text = "".join(self._text), []
        for kind, piece in kept(text):
            if kind == "atom":
                self._leaf(Atom(piece))
            elif kind == "address":
                self._leaf(Autolink(piece))
            else:
                self._leaf(PlainText(piece, self._before.note(piece), self._line_start, self._after_style))

    def _leaf(self, node: Node) -> None:
        if not isinstance(node, PlainText):
            self._flush()
        self._open[-1].append(node)
        self._after_style = False
        self._line_start = self._line_start and isinstance(node, PlainText) and not node.text.strip()

    def _break(self) -> None:
        if self._link:
            self._text.append(" ")
            return
        self._leaf(Break())
        self._line_start = True

    def _image(self, token: Token) -> None:
        label, url = plain_text(token.children or []), revealed(str(token.attrs["src"]))
        self._text.append(label)
        if isinstance(self._link, Link) or not url:
            return
        if is_web(url):
            self._text.append(" (" if label.strip() else "")
            self._leaf(Autolink(url, angled=True))
            self._text.append(")" if label.strip() else "")
        else:
            self._text.append(f" ({url})" if label.strip() else f"({url})")

    def _open_link(self, token: Token) -> None:
        url = revealed(str(token.attrs["href"]))
        self._flush()
        self._open.append([])
        if token.markup == "autolink":
            self._link = "autolink"
        elif is_web(url):
            self._link = Link(url, self._open[-1])
        else:  # an address Discord does not link is shown as it was written
            title = f' "{token.attrs["title"]}"' if token.attrs.get("title") else ""
            self._link = f"]({url}{title})"
            self._text.append("[")

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link == "autolink":
            self._open.pop()
            self._autolink("".join(self._text))
            return
        if isinstance(link, str):
            self._text.append(link)
        self._flush()
        children = self._open.pop()
        if not isinstance(link, Link):
            self._open[-1].extend(children)
            return
        label = "".join(node.text if isinstance(node, PlainText | Code) else "*" for node in children).strip()
        shown = children[0].url if len(children) == 1 and isinstance(children[0], Autolink) else label
        self._leaf(Link(link.url, children) if shown not in {"", link.url} else Autolink(link.url, angled=True))

    def _autolink(self, text: str) -> None:
        """Take up what stood between `<` and `>`, which people do not see; Discord may know it for a mention."""
        self._text = []
        if is_atom(f"<{text}>"):
            self._leaf(Atom(f"<{text}>"))
        elif _ANGLED.fullmatch(text):
            self._leaf(Autolink(text, angled=True))
        else:
            self._text = [text]

    def _open_style(self, kind: str, markup: str = "") -> None:
        self._flush()
        if kind in self._styles:
            self._styles.append("")
            return
        self._styles.append(kind)
        first = len(self._open) > 1 and not self._open[-1]  # its marker stands beside the outer style's
        style = Style(tuple(sorted(_STYLES[kind], key=lambda marker: marker != ("_" if first else markup))))
        self._open[-1].append(style)
        self._open.append(style.children)

    def _close_style(self) -> None:
        self._flush()
        if self._styles.pop() and self._open.pop():
            self._after_style = True


def _shown(token: Token) -> str:
    """Return what people see for a text token; a character that cannot be seen stays an entity."""
    if token.type == "text" or token.info != "entity":
        return PLAIN_LESS_THAN if token.type != "text" and token.content == "<" else revealed(token.content)
    if not token.content.isprintable() and token.content != "\u00a0":
        return token.markup
    return token.content.replace("<", PLAIN_LESS_THAN)


def plain_text(children: Sequence[Token]) -> str:
    """Return what a person reads in these tokens, without marks, for a place where Discord renders none.

    Web addresses stand behind their labels in brackets; `<br>` is a line break.
    """
    words: list[str] = []
    links: list[tuple[str, int]] = []
    for token in children:
        if token.type == "link_open":
            links.append((revealed(str(token.attrs["href"])), len(words)))
        elif token.type == "link_close":
            url, since = links.pop()
            if is_web(url) and "".join(words[since:]) != url:
                words.append(f" ({url})")
        else:
            words.append(_plain(token))
    return "".join(words)


def _plain(token: Token) -> str:
    if token.type == "text":
        return _BREAK.sub("\n", revealed(token.content))
    if token.type == "text_special":
        return _shown(token).replace(PLAIN_LESS_THAN, "<")
    if token.type == "code_inline":
        return revealed(token.content)
    if token.type in {"softbreak", "hardbreak"}:
        return " "
    if token.type == "image":
        return f"{plain_text(token.children or [])} ({revealed(str(token.attrs['src']))})".strip()
    return ""
