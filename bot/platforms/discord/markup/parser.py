"""The parser: markdown-it-py's CommonMark with tables and strikethrough. Five things differ, so that nothing is lost.

HTML is text, as it is for Discord's readers. Quotes and lists deeper than eight are text. A line of dashes under text
is no table. Emphasis may touch the letters and the punctuation of scripts that are written without spaces. What is
beyond the bounds of a paragraph (`bounds`), or a longer run of markers, is text.
"""

from collections.abc import Callable
from functools import lru_cache
from unicodedata import category

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block, reference
from markdown_it.rules_block.table import getLine
from markdown_it.rules_inline import StateInline, image, link, strikethrough
from markdown_it.rules_inline.state_inline import Delimiter

from bot.platforms.discord.markup.bounds import DEEPEST_BRACKETS, bounds_of
from bot.reply.markdown.blocks import barred_table
from bot.reply.markdown.inline import LONGEST_RUN, SPACELESS

BlockRule = Callable[[StateBlock, int, int, bool], bool]

_DEEPEST = 16
"""In the parser's levels: a list has two, a quote one. Discord's lists end at eleven; the parser drops what is deeper
than its limit, and recurses."""


class _Parser(MarkdownIt):
    """Addresses are written as Claude wrote them: not encoded anew, and none is refused."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - markdown-it's name
        return link

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - markdown-it's name
        return True


def make_parser() -> MarkdownIt:
    """Return the parser. Links and pictures by reference carry `meta["label"]`; link definitions are tokens too; a
    table row has its line in `meta["line"]`.
    """
    options = {"html": False, "maxNesting": 20, "store_labels": True, "inline_definitions": True}
    parser = _Parser("commonmark", options).enable(["table", "strikethrough"])
    parser.disable("text_join")  # it hides what was an escape or an entity
    parser.block.ruler.at("blockquote", _bounded(blockquote), {"alt": ["paragraph", "reference", "blockquote", "list"]})
    parser.block.ruler.at("list", _bounded(list_block), {"alt": ["paragraph", "reference", "blockquote"]})
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", _reference)
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.inline.ruler.at("strikethrough", _strikethrough)
    parser.inline.ruler.at("link", _link)
    parser.inline.ruler.at("image", _image)
    return parser


def _bounded(rule: BlockRule) -> BlockRule:
    def bounded(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's form
        return state.level < _DEEPEST and rule(state, start, end, silent)

    return bounded


def _reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as above
    """Leave out footnotes (`[^1]: …`): they are text."""
    return not state.src.startswith("[^", state.bMarks[start] + state.tShift[start]) and reference(
        state, start, end, silent
    )


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as above
    first = len(state.tokens)
    if not barred_table(state, start, end, silent):
        return False
    for token in state.tokens[first:]:
        if token.type == "tr_open" and token.map:
            token.meta["line"] = getLine(state, token.map[0])
    return True


def _link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as above
    if state.src[state.pos] != "[" or state.pos not in bounds_of(state.src).labels:
        return False
    return link(state, silent)


def _image(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as above
    """Read a picture. Its label is read as a text of its own, which may hold pictures: down to a depth."""
    depth = int(state.env.get("pictures", 0))
    if not state.src.startswith("![", state.pos) or depth >= DEEPEST_BRACKETS:
        return False
    if state.pos + 1 not in bounds_of(state.src).labels:
        return False
    state.env["pictures"] = depth + (not silent)
    try:
        return image(state, silent)
    finally:
        state.env["pictures"] = depth


def _strikethrough(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as above
    if silent or state.src[state.pos] != "~" or state.pos >= bounds_of(state.src).markers_end:
        return False
    return strikethrough.tokenize(state, silent)


def _emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as above
    marker, start = state.src[state.pos], state.pos
    if silent or marker not in "*_":
        return False
    scanned = state.scanDelims(start, marker == "*")
    if scanned.length > LONGEST_RUN or start >= bounds_of(state.src).markers_end:
        state.pending += marker * scanned.length
        state.pos += scanned.length
        return True
    opens, closes = _between_spaceless(state, scanned.length) or (scanned.can_open, scanned.can_close)
    for _ in range(scanned.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(ord(marker), scanned.length, len(state.tokens) - 1, end=-1, open=opens, close=closes)
        )
    state.pos += scanned.length
    return True


def _between_spaceless(state: StateInline, length: int) -> tuple[bool, bool] | None:
    """Return whether a run opens and closes emphasis if a script without spaces touches it, or None.

    `**注意：**请看` is meant, and shown, as bold, though CommonMark does not see it (commonmark-spec issue 650).
    """
    start, end = state.pos, state.pos + length
    before, after = state.src[start - 1 : start] or " ", state.src[end : min(end + 1, state.posMax)] or " "
    if before.isascii() and after.isascii():
        return None
    (before_free, before_word), (after_free, after_word) = _kind(before), _kind(after)
    if not (before_free or after_free):
        return None
    left = not after.isspace() and (after_word or not before_word or before_free)
    right = not before.isspace() and (before_word or not after_word or after_free)
    if state.src[start] == "*":
        return left, right
    return left and (not right or not before_word), right and (not left or not after_word)


@lru_cache(maxsize=4096)
def _kind(character: str) -> tuple[bool, bool]:
    """Return whether a character's script is written without spaces, and whether it is part of a word."""
    word = character.isalnum() or not (character.isspace() or is_punctuation(character))
    return SPACELESS.match(character) is not None, word


def is_punctuation(character: str) -> bool:
    """Return whether a character is punctuation or a symbol (CommonMark, 2.1)."""
    return category(character)[0] in "PS"
