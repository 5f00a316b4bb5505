"""A tree of inline nodes → Discord's words for it, written before what is written already."""

import re
from collections.abc import Sequence

import regex  # type: ignore[import-untyped]

from bot.platforms.discord.markup.addresses import SHRUG, sendable
from bot.platforms.discord.markup.literal import write_literal
from bot.platforms.discord.markup.reader import BLOCK_START, ends_there, may_follow
from bot.platforms.discord.markup.tail import Tail
from bot.platforms.discord.markup.tree import Atom, Autolink, Code, Link, Node, PlainText, Style

NO_WIDTH = "\u200b"
"""Keeps two characters apart, and is not seen."""
_ESCAPED_SHRUG = "¯\\\\\\_(ツ)\\_/¯"
_TICKS = re.compile("`+")
_BARE_END = re.compile(r"\)?[.,:;\"']{0,4}(?:[ \n]|\Z)")
_BARE = re.compile(r"https?://\S{2,}")
_NO_BARE_END = tuple(".,:;\"')]")
_MASKED_URL = re.compile(r"(?:[^()\s\\<>]|\([^()\s\\<>]*\))++")
_COLONS = "ː˸։׃܃܄ःઃ᛬᠃᠉⁚∶ꓽ꞉︰：;;"
"""What Discord takes for a colon where it looks for an address in a label."""
_NO_LABEL = regex.compile(
    rf"[\[\]\\*_~|`<>@:/{_COLONS}\ufdd4]|\p{{Extended_Pictographic}}|\p{{Regional_Indicator}}|[\u20e3\ufe0f]"
)
_NO_CODE_LABEL = re.compile(r"[^ -~]|[\[\]\\`<@]|://|:\w+:")


def write(nodes: Sequence[Node], tail: Tail, line_end: str) -> None:
    """Write nodes; `line_end` is what a line's end is where they stand."""
    for node in reversed(nodes):
        if isinstance(node, PlainText):
            write_literal(node.text, tail, node.before, line_start=node.line_start, after_style=node.after_style)
        elif isinstance(node, Style):
            _write_style(node, tail, line_end)
        elif isinstance(node, Link):
            _write_link(node, tail, line_end)
        elif isinstance(node, Autolink):
            _write_address(node, tail)
        elif isinstance(node, Code):
            _write_code(node.text, tail)
        elif isinstance(node, Atom):
            # one of its underscores may begin something for Discord
            known = node.text != SHRUG or not tail.seen.underscore_end
            tail.put(node.text if known else _ESCAPED_SHRUG)
        else:
            tail.put_line_end(line_end)


def _write_style(style: Style, tail: Tail, line_end: str) -> None:
    """Write a style in the first way that Discord reads as meant; in none, its text goes out without it."""
    start = tail.mark()
    for marker in sorted(
        style.markers, key=lambda marker: (not may_follow(marker, tail.seen.head), _clings(marker, style))
    ):
        if not may_follow(marker, tail.seen.head):
            tail.put(NO_WIDTH)
        after = tail.seen.head[:2]
        tail.put(marker)
        inside = tail.mark()
        write(style.children, tail, line_end)
        if tail.seen.head.startswith(marker[0]):
            tail.put(NO_WIDTH)
        if ends_there(marker, tail.since(inside), after):
            tail.put(marker)
            return
        tail.back(start)
    write(style.children, tail, line_end)


def _clings(marker: str, style: Style) -> bool:
    """Return whether the marker would stand beside another one of its kind, so that both could be read otherwise."""
    edges = (style.children[0], style.children[-1])
    return any(isinstance(child, Style) and child.markers[0][0] == marker[0] for child in edges)


def _write_link(link: Link, tail: Tail, line_end: str) -> None:
    url = sendable(link.url)
    if _is_label(link.children) and _MASKED_URL.fullmatch(url) and not tail.seen.link_end_is_near:
        tail.put(f"]({url})")
        write(link.children, tail, line_end)
        tail.put("[")
        return
    tail.put(")")
    _write_address(Autolink(url, angled=True), tail)
    tail.put(" (")
    write(link.children, tail, line_end)


def _is_label(nodes: Sequence[Node]) -> bool:
    """Return whether Discord shows these as a link's label: escapes do not work there, and anything like an address, a
    mention or an emoji makes it show the whole link as it was written.
    """
    first = nodes[0] if nodes else None
    if isinstance(first, PlainText) and BLOCK_START.match(f"{first.text} "):
        return False
    return all(_is_plain(node) for node in nodes)


def _is_plain(node: Node) -> bool:
    if isinstance(node, PlainText):
        return _NO_LABEL.search(node.text) is None
    if isinstance(node, Code):
        return _NO_CODE_LABEL.search(node.text) is None
    return isinstance(node, Style) and all(_is_plain(child) for child in node.children)


def _write_address(address: Autolink, tail: Tail) -> None:
    """Write an address; between angle brackets if Discord would not see where it ends."""
    url = sendable(address.url)
    beyond = len(url) - len(url.rstrip(")")) - url.count("(")
    if beyond > 0:  # one of Discord's readers lets a parenthesis fall off that was not opened, brackets or no
        tail.put(")" * beyond)
        url = url[:-beyond]
    bare = _BARE.match(url) and not url.endswith(_NO_BARE_END) and _BARE_END.match(tail.seen.head)
    if address.angled or not bare or (tail.seen.head.startswith(")") and ("(" in url or ")" in url)):
        tail.put(f"<{url}>")
    else:
        tail.put(url)


def _write_code(text: str, tail: Tail) -> None:
    """Write a code span between one or two backticks: between three it would be a block."""
    runs = {len(run) for run in _TICKS.findall(text)}
    if {1, 2} <= runs:
        text, runs = re.sub("`(?=`)", f"`{NO_WIDTH}", text), {1}
    ticks = "``" if 1 in runs else "`"
    before, after = " " * text.startswith("`"), " " * text.endswith("`")
    if tail.seen.head.startswith("`"):
        tail.put(NO_WIDTH)
    tail.put(f"{ticks}{before}{text}{after}{ticks}")


def broken_fences(text: str) -> str:
    """Return text in which no three backticks stand together: between them is a character without width."""
    return re.sub("``(?=`)", f"``{NO_WIDTH}", text)
