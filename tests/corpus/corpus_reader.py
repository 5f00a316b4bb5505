"""A small reader of Discord's messages: a row of patterns, tried at each place in this order, as its clients do it.

Written from what two independent readers and Discord's help pages say; they are asked themselves in the long run.
It is slow, and that does not matter: it reads what was made to be short.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from corpus_meant import Shown, visible


@dataclass(frozen=True)
class _Place:
    """Where a piece of text stands. `fresh`: only spaces stand before it in its line."""

    styles: frozenset[str] = frozenset()
    fresh: bool = True
    quoted: bool = False
    lists: int = 0
    label: bool = False

    def styled(self, style: str) -> "_Place":
        return replace(self, styles=self.styles | {style})


_BLOCKS = {
    "small": re.compile(r"-# +(?!-#)([^\n]+)\n?"),
    "heading": re.compile(r"(#{1,3})\s+(?!#)([^\n]*)\n?"),
    "quote": re.compile(r"(?: *> [^\n]*(?:\n|\Z))+"),
    "long_quote": re.compile(r" *>>> (.*)", re.DOTALL),
    "list": re.compile(
        r"(?: *(?:[*-]|\d+\.) +(?:\n(?! ?(?:[*-]|\d+\.) ))?[^\n]*(?:\n {2}[^\n]*)*(?:\n ?(?=(?:[*-]|\d+\.) )|\n|\Z))+"
    ),
}
_ITEM = re.compile(r" *([*-]|\d+\.)( +)((?:\n(?! ?(?:[*-]|\d+\.) ))?[^\n]*(?:\n {2}[^\n]*)*)\n?")
_PIECES = {
    "spoiler": re.compile(r"\|\|(.+?)\|\|", re.DOTALL),
    "block": re.compile(r"```(?:[\w+.\-#]*\n)?(.*?[^\n].*?)```", re.DOTALL),
    "escape": re.compile(r"\\([^A-Za-z0-9\s])"),
    "angled": re.compile(r"<([^: >]+:/[^ >]+)>"),
    "address": re.compile(r"(?:https?|steam)://[^\s<]+[^<.,:;\"'\]\s]"),
    "link": re.compile(
        r"\[((?:\[[^\]]*\]|[^\[\]])*[^\[]*)\]\(\s*<?((?:\([^)]*\)|[^\s\\]|\\[^\n])*?)>?(?:\s+['\"].*?['\"])?\s*\)",
        re.DOTALL,
    ),
    "italic": re.compile(
        r"\*(?=\S)(?P<star>(?:\*\*|\\.|\s+(?:\\.|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)|_((?:__|\\.|[^\\_])+?)_(?![A-Za-z0-9_])",
        re.DOTALL,
    ),
    "bold": re.compile(r"\*\*((?:\\.|[^\\])+?)\*\*(?!\*)", re.DOTALL),
    "underlined": re.compile(r"__((?:\\.|[^\\])+?)__(?!_)", re.DOTALL),
    "mention": re.compile(r"<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::[tTdDfFR])?|/[^<>\n]+:\d+|id:[a-z-]+)>|:\w+:"),
    "struck": re.compile(r"~~(.+?)~~(?!_)", re.DOTALL),
    "code": re.compile(r"(`+)(.*?[^`])\1(?!`)", re.DOTALL),
}
_IN_LABELS = ("spoiler", "italic", "bold", "underlined", "mention", "struck", "code")
_SHRUG = "¯\\_(ツ)_/¯"


def seen(message: str) -> Shown:
    """Return what people see of a message."""
    return _read(message.strip(), _Place())


def _read(text: str, place: _Place) -> Shown:
    shown: Shown = []
    at, fresh = 0, place.fresh
    while at < len(text):
        if text.startswith(_SHRUG, at):
            shown += visible(_SHRUG, place.styles)
            at += len(_SHRUG)
            continue
        here = replace(place, fresh=fresh)
        kind, match = _first(text, at, here)
        if match is None:
            shown += visible(text[at], place.styles)
        else:
            shown += _shown(kind, match, here)
        at = match.end() if match else at + 1
        fresh = text[at - 1] == "\n" or (fresh and match is None and text[at - 1] == " ")
    return shown


def _first(text: str, at: int, place: _Place) -> tuple[str, re.Match[str] | None]:
    if place.fresh and not place.label:
        for kind, pattern in _BLOCKS.items():
            strict = kind in {"small", "heading"} and at > 0 and text[at - 1] != "\n"
            barred = (place.lists and kind == "heading") or (place.quoted and "quote" in kind) or place.lists > 10
            if not strict and not barred and (match := pattern.match(text, at)):
                return kind, match
    for kind, pattern in _PIECES.items():
        if place.label and kind not in _IN_LABELS:
            continue
        if match := pattern.match(text, at):
            return _longest(text, at, kind, match) if kind in {"italic", "bold", "underlined"} else (kind, match)
    return "", None


def _longest(text: str, at: int, kind: str, match: re.Match[str]) -> tuple[str, re.Match[str]]:
    for other in ("bold", "underlined"):
        longer = _PIECES[other].match(text, at)
        if longer and longer.end() > match.end():
            kind, match = other, longer
    return kind, match


def _shown(kind: str, match: re.Match[str], place: _Place) -> Shown:
    if kind == "list":
        return list(_items(match[0], place))
    if kind == "link":
        return _link(match, place)
    if kind in {"quote", "long_quote"}:
        inside = match[1] if match.lastindex else re.sub(r"^ *> ", "", match[0], flags=re.MULTILINE)
        return _read(inside, replace(place.styled("quote"), quoted=True))
    if kind == "heading":
        return _read(match[2].rstrip().rstrip("#"), place.styled(f"h{len(match[1])}"))
    return _piece(kind, match, place)


def _piece(kind: str, match: re.Match[str], place: _Place) -> Shown:
    inside = next((group for group in reversed(match.groups()) if group), match[0])
    if kind in {"block", "code"}:
        return visible(inside, place.styles | {"code"})
    if kind in {"mention", "address"}:
        return visible(match[0], place.styles)
    if kind in {"escape", "angled"}:
        return visible(inside, place.styles)
    return _read(inside, place.styled(kind))


def _link(match: re.Match[str], place: _Place) -> Shown:
    """Read a masked link; where Discord does not make one of it, it shows all of it as it was written."""
    label, url = match[1], match[2]
    told = re.search(r"[^\s\u200b]", label) and not re.search(r"https?:/|<[@#:/t]|```|[\U0001f000-\U0001ffff]", label)
    if not told or not re.match(r"(?:https?|discord):", url):
        return visible(match[0], place.styles)
    return _read(label, replace(place, label=True))


def _items(text: str, place: _Place) -> Iterator[tuple[str, frozenset[str]]]:
    number: int | None = None
    for index, match in enumerate(_ITEM.finditer(text)):
        if index == 0 and match[1] not in "*-":
            number = max(int(match[1][:-1]), 1)
        yield ("•" if number is None else f"{number + index}.", place.styles)
        inside = re.sub(rf"^ {{1,{len(match[1] + match[2])}}}", "", match[3], flags=re.MULTILINE)
        yield from _read(inside, replace(place, fresh=True, lists=place.lists + 1))
