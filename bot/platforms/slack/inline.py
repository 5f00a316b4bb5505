"""What of Claude's Markdown Slack must not get as it was written, inside one paragraph, heading or table cell.

The parser is markdown-it-py's own; the rules wrapped here only note where in the text a construct stood, which the
library does not tell. Everything else in the text can then stay as it was written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, autolink, escape, image, link
from markdown_it.token import Token

Rule = Callable[[StateInline, bool], bool]

_IN_ANGLES = re.compile(r"\s*<([^<>\n]*)>")
_DEFINED_IN_ANGLES = re.compile(r"\]:\s*(?:>\s*)*<([^<>\n]*)>")
_IN_URL = str.maketrans({" ": "%20", "(": "%28", ")": "%29"})


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


def make_parser() -> MarkdownIt:
    """Return a parser for CommonMark with tables and strikethrough, in which HTML is text.

    Its inline tokens for images, links, autolinks and escapes carry `meta["span"]`: the first and the last-but-one
    position in the text they stand in; images and links also `meta["label_end"]`.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable("text_join")  # it merges escapes into the text around them
    parser.inline.ruler.at("autolink", _spotted(autolink))
    parser.inline.ruler.at("escape", _spotted(escape))
    parser.inline.ruler.at("image", _spotted(image, label_at=1))
    parser.inline.ruler.at("link", _spotted(link, label_at=0))
    return parser


def _spotted(rule: Rule, label_at: int | None = None) -> Rule:
    """Return a rule that notes where it matched. `label_at`: where the `[` of a label is, from there on."""

    def spot(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's form of a rule
        start, first, label_end = state.pos, len(state.tokens), -1
        bracket = start if label_at is None else start + label_at
        if label_at is not None and not silent and state.src[bracket : bracket + 1] == "[":
            label_end = state.md.helpers.parseLinkLabel(state, bracket, not label_at)
        if not rule(state, silent):
            return False
        # the first new token may be the text before the construct
        for token in [token for token in state.tokens[first:] if token.type != "text"][:1]:
            token.meta |= {"span": (start, state.pos), "label_end": label_end}
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
            if _holds_image(children[index + 1 :]) and content[token.meta["label_end"] + 1] == "(":
                edits += [Edit(start, start + 1, ""), Edit(token.meta["label_end"], token.meta["label_end"] + 1, " ")]
        elif content[start + 1 : start + 2] in {"<", ">", "&"}:
            edits.append(Edit(start, start + 1, ""))
    return edits


def _holds_image(rest: Sequence[Token]) -> bool:
    """Say whether there is an image in the link that was opened before these tokens; links do not nest."""
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
