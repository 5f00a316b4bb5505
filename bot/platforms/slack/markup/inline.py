"""What of Claude's Markdown Slack must not get as it was written, inside one paragraph, heading or table cell.

The parser is markdown-it-py's own; the rules wrapped here only note where in the text a construct stood, which the
library does not tell. Everything else in the text can then stay as it was written.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, autolink, escape, image, link
from markdown_it.token import Token

Rule = Callable[[StateInline, bool], bool]

_IN_ANGLES = re.compile(r"\s*<([^<>\n]*)>")
_DEFINED_IN_ANGLES = re.compile(r"\]:\s*(?:>\s*)*<([^<>\n]*)>")
_MAY_NEED_EDITS = re.compile(r"<|!\[|\\[>&]")
_MOST_NESTED = 4
"""Brackets nested more deeply are plain characters: each level costs one more reading of what is inside."""
_MOST_BRACKETS = 320
"""A message with more is read for links only up to there: nobody writes one, and each costs a search for its end."""
_IN_URL = str.maketrans({" ": "%20", "(": "%28", ")": "%29"})


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


def may_need_edits(text: str) -> bool:
    """Return whether there can be anything in a text that Slack must not get as it was written."""
    return _MAY_NEED_EDITS.search(text) is not None


def make_parser() -> MarkdownIt:
    """Return a parser for CommonMark with tables and strikethrough, in which HTML is text. What needs no edits is not
    read further than to its blocks.

    Its inline tokens for images, links, autolinks and escapes carry `meta["span"]`: the first and the last-but-one
    position in the text they stand in; images and links also `meta["label_end"]`.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable("text_join")  # it merges escapes into the text around them
    spotter = MarkdownIt("commonmark", {"html": False, "maxNesting": _MOST_NESTED}).enable("strikethrough")
    spotter.inline.ruler.at("autolink", _spotted(autolink))
    spotter.inline.ruler.at("escape", _spotted(escape))
    spotter.inline.ruler.at("image", _spotted(image, label_at=1))
    spotter.inline.ruler.at("link", _spotted(link, label_at=0))

    def only_where_needed(state: StateCore) -> None:
        room = _MOST_BRACKETS
        for token in state.tokens:
            if token.type != "inline" or not may_need_edits(token.content):
                continue
            room -= token.content.count("[") + token.content.count("<")
            if room >= 0:
                token.children = []
                spotter.inline.parse(token.content, spotter, state.env, token.children)

    parser.core.ruler.at("inline", only_where_needed)
    return parser


def _spotted(rule: Rule, label_at: int | None = None) -> Rule:
    """Return a rule that notes where it matched. `label_at`: where the `[` of a label is, from there on."""

    def spot(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's form of a rule
        start, first = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        # the first new token may be the text before the construct
        token = next((token for token in islice(state.tokens, first, None) if token.type != "text"), None)
        if token is not None and not silent:
            token.meta["span"] = (start, state.pos)
            if label_at is not None:
                token.meta["label_end"] = state.md.helpers.parseLinkLabel(state, start + label_at, not label_at)
        return True

    return spot


def inline_edits(children: Sequence[Token], content: str) -> list[Edit]:
    r"""Return what must change in `content`, the text of an inline token with these children.

    - `![alt](url)` becomes a link: no picture is fetched by itself;
    - `[![alt](url)](page)` becomes `[alt](url) (page)`, as links do not nest;
    - `<https://…>` and `[label](<url>)` lose their angle brackets, which Slack reads as its own links;
    - `\<`, `\>`, `\&` lose their backslash: the character itself will be an entity.
    """
    edits: list[Edit] = []
    for index, token in enumerate(children):
        if "span" not in token.meta:
            continue
        start, end = token.meta["span"]
        if token.type == "image":
            edits += [Edit(start, start + 1, ""), *_without_angles(content, token.meta["label_end"], end)]
            label = content[start + 2 : token.meta["label_end"]]
            inner = inline_edits(token.children or [], label)
            edits += [Edit(start + 2 + edit.start, start + 2 + edit.end, edit.text) for edit in inner]
        elif token.markup == "autolink":
            runs_on = content[end : end + 1].isalnum() or content[end : end + 1] == "/"
            edits += [Edit(start, start + 1, ""), Edit(end - 1, end, " " if runs_on else "")]
        elif token.type == "link_open":
            edits += _without_angles(content, token.meta["label_end"], end)
            if _holds_image(islice(children, index + 1, None)) and content[token.meta["label_end"] + 1] == "(":
                edits += [Edit(start, start + 1, ""), Edit(token.meta["label_end"], token.meta["label_end"] + 1, " ")]
        elif content[start + 1 : start + 2] in {"<", ">", "&"}:
            edits.append(Edit(start, start + 1, ""))
    return edits


def _holds_image(rest: Iterable[Token]) -> bool:
    """Return whether there is an image in the link that was opened before these tokens; links do not nest."""
    inside = takewhile(lambda token: token.type != "link_close", rest)
    return any(token.type == "image" for token in inside)


def _without_angles(content: str, label_end: int, end: int) -> list[Edit]:
    """Unwrap the `<url>` of an inline link or image whose label's `]` is at `label_end`."""
    if content[label_end + 1 : label_end + 2] != "(":
        return []
    found = _IN_ANGLES.match(content, label_end + 2, end)
    return [] if found is None else [_unwrapped(found)]


def definition_edits(source: str, start: int, end: int) -> list[Edit]:
    """Unwrap the `<url>` of a link reference definition that stands between two positions of the source."""
    found = _DEFINED_IN_ANGLES.search(source, start, end)
    return [] if found is None else [_unwrapped(found)]


def _unwrapped(found: re.Match[str]) -> Edit:
    return Edit(found.start(1) - 1, found.end(1) + 1, found[1].translate(_IN_URL))
