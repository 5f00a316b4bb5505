"""What CommonMark means by a text, and whether that is what readers of a Discord message see.

Both are lists of (character, styles), without spaces and what has no width. Styles: bold, italic, struck, underlined,
spoiler, small, code, quote, h1 to h3. A list's item begins with its marker as one "character": •, or its number.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from bot.platforms.discord.markup.addresses import hidden, is_atom, is_web, revealed
from bot.platforms.discord.markup.parser import make_parser
from bot.platforms.discord.markup.tables import draw_table, table_rows

Shown = list[tuple[str, frozenset[str]]]
PARSER = make_parser()
_STYLES = {"strong": "bold", "em": "italic", "s": "struck"}
_BOXES = {"[ ] ": "☐", "[x] ": "☑"}


def visible(text: str, styles: Iterable[str] = ()) -> Shown:
    """Return the characters of a text that are seen."""
    worn = frozenset(styles)
    return [(character, worn) for character in text if not character.isspace() and character != "\u200b"]


def characters(shown: Sequence[tuple[str, frozenset[str]]]) -> str:
    return "".join(character for character, _ in shown)


@dataclass
class Meant:
    """`shown`, and where an address may stand behind a label: position → how it is shown."""

    shown: Shown = field(default_factory=list)
    addresses: dict[int, str] = field(default_factory=dict)

    def differs(self, seen: Shown) -> str:
        """Return what is wrong about what is seen: other characters, or a style that is not meant; "" for nothing."""
        at = 0
        for index, (character, styles) in enumerate([*self.shown, ("", frozenset())]):
            address = self.addresses.get(index, "")
            at += len(address) if characters(seen[at : at + len(address)]) == address else 0
            if not character:
                break
            if at >= len(seen) or seen[at][0] != character:
                return f"{characters(seen[at : at + 20])!r} instead of {character!r}, character {index}"
            if not seen[at][1] <= styles:
                return f"{character!r}, character {index}, is {', '.join(sorted(seen[at][1] - styles))}"
            at += 1
        return f"{characters(seen[at:])!r} at the end" if at < len(seen) else ""

    def loses_style(self, seen: Shown) -> bool:
        """Say whether a style is missing, where nothing differs."""
        return sum(len(styles) for _, styles in self.shown) > sum(len(styles) for _, styles in seen)

    def without_lists_and_quotes(self) -> "Meant":
        """Return the same for a reader that knows no lists, and no quotes in them: their marks are characters."""
        other = Meant()
        for index in range(len(self.shown) + 1):
            if index in self.addresses:
                other.addresses[len(other.shown)] = self.addresses[index]
            other.shown += without_lists_and_quotes(self.shown[index : index + 1])
        return other


def without_lists_and_quotes(shown: Shown) -> Shown:
    """Return what is shown with each list's marks as characters, and without what quotes add."""
    apart = [
        (one, styles - {"quote"}) for mark, styles in shown for one in ("-" if mark == "•" else mark) if one != ">"
    ]
    return list(apart)


def meant(markdown: str) -> Meant:
    """Return what CommonMark means by a text, in what Discord can show: deep headings and those in lists are bold."""
    reading = _Reading()
    tokens = PARSER.parse(hidden(markdown))
    index = 0
    while index < len(tokens):
        if tokens[index].type == "table_open":
            end = next(n for n in range(index, len(tokens)) if tokens[n].type == "table_close")
            reading.add("\n".join(draw_table(*table_rows(tokens[index + 1 : end]))), "code")
            index = end
        reading.take(tokens[index])
        index += 1
    return reading.meant


class _Reading:
    """One pass over a text's tokens. A method for each kind of token; a kind without one is not seen."""

    def __init__(self) -> None:
        self.meant = Meant()
        self._styles: list[str] = []
        self._lists: list[tuple[int | None, bool]] = []  # the next item's number, and whether they begin at 0
        self._links: list[tuple[str, int]] = []
        self._item_begins = False

    def add(self, text: str, *more: str) -> None:
        self.meant.shown += visible(text, [*self._styles, *more])

    def take(self, token: Token) -> None:
        kind = token.type
        if kind.removesuffix("_open") in _STYLES:
            self._styles.append(_STYLES[kind.removesuffix("_open")])
        elif kind.removesuffix("_close") in {*_STYLES, "blockquote", "heading"}:
            self._styles.pop()
        else:
            method: Callable[[Token], None] | None = getattr(self, f"_{kind}", None)
            if method:
                method(token)
        if kind not in {"paragraph_open", "list_item_open", "inline"} and token.block:
            self._item_begins = False

    # blocks

    def _fence(self, token: Token) -> None:
        self.add(revealed(token.content), "code")

    _code_block = _fence

    def _hr(self, token: Token) -> None:
        del token
        self.add("⎯" * 12)

    def _bullet_list_open(self, token: Token) -> None:
        del token
        self._lists.append((None, False))

    def _ordered_list_open(self, token: Token) -> None:
        start = int(token.attrs.get("start", 1))
        self._lists.append((start, start == 0))

    def _bullet_list_close(self, token: Token) -> None:
        del token
        self._lists.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, token: Token) -> None:
        del token
        self._item_begins = True
        number, from_zero = self._lists[-1]
        if number is None:
            self.meant.shown.append(("•", frozenset(self._styles)))
            return
        self._lists[-1] = (number + 1, from_zero)
        if from_zero:  # Discord's lists begin at 1: it is text
            self.add(f"{number}.")
        else:
            self.meant.shown.append((f"{number}.", frozenset(self._styles)))

    def _blockquote_open(self, token: Token) -> None:
        del token
        self._styles.append("quote")

    def _heading_open(self, token: Token) -> None:
        self._styles.append("bold" if self._lists or token.tag > "h3" else token.tag)

    def _inline(self, token: Token) -> None:
        start, begins = len(self.meant.shown), self._item_begins
        for child in token.children or []:
            self.take(child)
        if begins and (box := _BOXES.get(token.content[:4].lower())):
            size = len(visible(token.content[:3]))
            self.meant.shown[start : start + size] = visible(box, self._styles)
        self._item_begins = False

    # in a paragraph

    def _text(self, token: Token) -> None:
        self.add(revealed(token.content))

    def _text_special(self, token: Token) -> None:
        self.add(token.content if token.content.isprintable() or token.content == "\u00a0" else token.markup)

    def _code_inline(self, token: Token) -> None:
        self.add(revealed(token.content), "code")

    def _image(self, token: Token) -> None:
        start = len(self.meant.shown)
        for child in token.children or []:
            self.take(child)
        if not self._links:
            self._address(revealed(str(token.attrs["src"])), start)

    def _link_open(self, token: Token) -> None:
        url = revealed(str(token.attrs["href"]))
        self._links.append((url, len(self.meant.shown)))
        if token.markup != "autolink" and not is_web(url):
            self.add("[")  # Discord makes no link of it: shown as written
        if token.markup == "autolink" and is_atom(f"<{url}>"):
            self.add("<")

    def _link_close(self, token: Token) -> None:
        url, start = self._links.pop()
        if token.markup != "autolink":
            self.add("" if is_web(url) else f"]({url})")
            if is_web(url):
                self._address(url, start)
        elif is_atom(f"<{url}>"):
            self.add(">")

    def _address(self, url: str, start: int) -> None:
        here = len(self.meant.shown)
        self.meant.addresses[here] = f"({url})" if here > start else url
