"""What Discord would show otherwise than CommonMark means it, inside one paragraph, heading or table cell.

The parser is markdown-it-py's own; the rules wrapped here only note where in the text a construct stood, which the
library does not tell. Everything else in the text can then stay as it was written, byte for byte.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, backtick, emphasis, entity, escape, image, link, newline
from markdown_it.token import Token

Rule = Callable[[StateInline, bool], bool]

LOOSE = "\ufdd0"
"""Put before a `*` or `_` that means nothing: a noncharacter, which no text has."""
_PAIRED = re.compile(
    r"\*\*(?:\\.|[^\\])+?\*\*(?!\*)|__(?:\\.|[^\\])+?__(?!_)"
    r"|_(?:__|\\.|[^\\_])+?_\b|\*(?=\S)(?:\*\*|\\.|\s+(?:\\.|[^\s*\\]|\*\*)|[^\s*\\])+?\*(?!\*)",
    re.DOTALL,
)
"""What Discord's client makes bold, underlined or italic, wherever it begins."""
_ADDRESS = re.compile(r"<[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>]*>")
_ESCAPED = frozenset("\\`*_~|[]<")
"""What a decoded entity must not start in Discord's Markdown."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


def make_parser() -> MarkdownIt:
    """Return a parser for CommonMark with tables and strikethrough, whose inline tokens carry `meta["span"]`:
    the first and the last-but-one position in the `content` of the inline token they belong to.

    A link's `link_open` also has `meta["label_end"]`, and `meta["label"]` if it names a reference.
    """
    parser = MarkdownIt("commonmark", {"store_labels": True}).enable(["table", "strikethrough"])
    # They merge entities, escapes and delimiters that mean nothing into the text around them.
    parser.disable(["text_join", "fragments_join"])
    rules = {"image": image, "entity": entity, "escape": escape, "newline": newline, "backticks": backtick}
    for name, rule in rules.items():
        parser.inline.ruler.at(name, _spotted(rule))
    parser.inline.ruler.at("link", _spotted_link)
    parser.inline.ruler.at("emphasis", _spotted_emphasis)
    return parser


def _spotted(rule: Rule) -> Rule:
    def spot(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's form of a rule
        start, first = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent:
            _note(state.tokens[first:], span=(start, state.pos))
        return True

    return spot


def _spotted_link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as above
    if silent or state.src[state.pos] != "[":
        return link(state, silent)
    start, first = state.pos, len(state.tokens)
    label_end = state.md.helpers.parseLinkLabel(state, start, True)
    if not link(state, silent):
        return False
    opening = next(token for token in state.tokens[first:] if token.type == "link_open")
    _note([opening], span=(start, state.pos), label_end=label_end)
    return True


def _spotted_emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as above
    start = state.pos
    if not emphasis.tokenize(state, silent):
        return False
    count = state.pos - start
    for offset, token in enumerate(state.tokens[-count:]):
        _note([token], span=(start + offset, start + offset + 1))
    return True


def _note(tokens: Sequence[Token], **meta: Any) -> None:
    for token in tokens:
        for key, value in meta.items():
            token.meta.setdefault(key, value)


def inline_edits(children: Sequence[Token], content: str, *, bold: bool = False) -> list[Edit]:
    """Return what must change in `content`, the text of an inline token with these children.

    `bold`: the text will stand between `**`, so that strong emphasis in it is dropped.
    """
    edits: list[Edit] = []
    for index, token in enumerate(children):
        if token.type == "image":
            start, end = token.meta["span"]
            edits.append(Edit(start, end, shown_link(plain_text(token.children or []), str(token.attrs["src"]))))
        elif token.type == "link_open" and token.markup != "autolink":
            edits += _link_edits(token, children[index + 1 :], content)
        elif token.type == "text_special" and token.info == "entity":
            edits += _entity_edits(token)
        elif token.type == "hardbreak" and content[token.meta["span"][0]] == "\\":
            start = token.meta["span"][0]
            edits.append(Edit(start, start + 1, ""))
    loose = (token.meta["span"][0] for token in children if _is_loose(token, content))
    edits += [Edit(at, at, LOOSE) for at in loose]
    return edits + _strong_edits(children, 1 if bold else 0) + _backtick_edits(children, content)


def _is_loose(token: Token, content: str) -> bool:
    """Say whether a token is a `*` or `_` that means nothing.

    `**` is left alone, and what touches letters beyond ASCII: `**注意：**请看` is meant, and shown by Discord, as bold,
    though CommonMark does not see it.
    """
    if token.type != "text" or token.content not in {"*", "_"} or "span" not in token.meta:
        return False
    at = token.meta["span"][0]
    around = content[max(0, at - 1) : at] + content[at + 1 : at + 2]
    return around.isascii() and not (token.content == "*" and "*" in around)


def escape_loose(text: str) -> str:
    """Return rendered text in which what stands behind a `LOOSE` is escaped if Discord would pair it, and no `LOOSE`.

    Discord pairs `*` and `_` across paragraphs and code blocks, and `_` also within words.
    """
    if LOOSE not in text:
        return text
    first, *others = text.split(LOOSE)
    rest = ""
    for other in reversed(others):
        rest = other + rest
        if _PAIRED.match(rest):
            rest = "\\" + rest
    return first + rest


def shown_link(label: str, url: str) -> str:
    """Return a label and its address as Discord shows both: `<…>` keeps a web address whole and unfurls nothing."""
    address = f"<{url}>" if is_web(url) else f"({url})" if url else ""
    if not label.strip():
        return address or label
    return f"{label} ({address})" if is_web(url) else f"{label} {address}".rstrip()


def is_web(url: str) -> bool:
    """Say whether Discord makes a link of an address: only of http and https (reference/message formatting)."""
    return url.lower().startswith(("http://", "https://"))


def _link_edits(opening: Token, rest: Sequence[Token], content: str) -> list[Edit]:
    (start, end), label_end = opening.meta["span"], opening.meta["label_end"]
    url, reference = str(opening.attrs["href"]), "label" in opening.meta
    if not is_web(url) or (reference and not resolves(opening)):
        return []  # an address Discord does not link, or a footnote: shown as it was written
    label = content[start + 1 : label_end]
    inner = _until(rest, "link_close")
    if any(token.type == "image" for token in inner):
        words = [plain_text((token.children or []) if token.type == "image" else [token]) for token in inner]
        return [Edit(start, end, shown_link("".join(words), url))]
    if label.strip() == url:
        return [Edit(start, end, f"<{url}>")]
    if "://" in label:  # an address as label breaks the link, and could be another one than it leads to
        return [Edit(start, start + 1, ""), Edit(label_end, end, f" (<{url}>)")]
    if not label.strip():
        return [Edit(start, end, f"<{url}>")]
    return [Edit(label_end + 1, end, f"(<{url}>)")] if reference else []


def resolves(token: Token) -> bool:
    """Say whether a link or picture names a reference (`[text][1]`) whose address is put in its place."""
    label, url = token.meta.get("label", ""), str(token.attrs.get("href", ""))
    return bool(label) and not label.startswith("^") and (token.type == "image" or is_web(url))


def _until(tokens: Sequence[Token], kind: str) -> list[Token]:
    found: list[Token] = []
    for token in tokens:
        if token.type == kind:
            break
        found.append(token)
    return found


def _entity_edits(token: Token) -> list[Edit]:
    if not token.content.isprintable() and token.content != "\u00a0":
        return []
    start, end = token.meta["span"]
    return [Edit(start, end, f"\\{token.content}" if token.content in _ESCAPED else token.content)]


def _strong_edits(children: Sequence[Token], depth: int) -> list[Edit]:
    """Discord underlines what stands between `__`; and `**` in `**` would end it."""
    edits: list[Edit] = []
    opened: list[str | None] = []
    for token in children:
        if token.type == "strong_open":
            new = "" if depth + len(opened) else "**"
            opened.append(new if token.markup == "__" or not new else None)
            at = token.meta["span"][0] - 1
        elif token.type == "strong_close":
            at = token.meta["span"][0]
        else:
            continue
        change = opened[-1] if token.type == "strong_open" else opened.pop()
        if change is not None:
            edits.append(Edit(at, at + 2, change))
    return edits


def _backtick_edits(children: Sequence[Token], content: str) -> list[Edit]:
    """Escape the backticks that are no code: Discord pairs them across paragraphs, and three open a code block."""
    kept = [match.span() for match in _ADDRESS.finditer(content)]
    edits: list[Edit] = []
    for token in children:
        if token.type == "code_inline" or token.info == "escape":
            kept.append(token.meta["span"])
            edits += _long_code_edits(token, content)
        elif "label_end" in token.meta:
            kept.append((token.meta["label_end"], token.meta["span"][1]))
    loose = (found.start() for found in re.finditer("`", content))
    return edits + [Edit(at, at, "\\") for at in loose if not any(start <= at < end for start, end in kept)]


def _long_code_edits(token: Token, content: str) -> list[Edit]:
    """A code span between three or more backticks is a code block for Discord, which ends at the next three."""
    (start, end), size = token.meta["span"], len(token.markup)
    if token.type != "code_inline" or size < 3:
        return []
    inside = re.compile("`{3,}").finditer(content, start + size, end - size)
    broken = [Edit(run.start(), run.end(), broken_fences(run[0])) for run in inside]
    return [Edit(start, start + size, "```"), *broken, Edit(end - size, end, "```")]


def broken_fences(text: str) -> str:
    """Return text in which no three backticks stand together: between them is a character without width."""
    return re.sub("``(?=`)", "``\u200b", text)


def plain_text(children: Sequence[Token]) -> str:
    """Return what a person reads in these tokens, without marks, for a place where Discord renders none.

    Web addresses stand behind their labels in brackets; `<br>` is a line break.
    """
    words: list[str] = []
    links: list[tuple[str, int]] = []
    for token in children:
        if token.type in {"text", "text_special", "code_inline"}:
            words.append(token.content)
        elif token.type == "html_inline":
            words.append("\n" if token.content.lower().replace(" ", "") in {"<br>", "<br/>"} else token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            words.append(" ")
        elif token.type == "image":
            words.append(f"{token.content} ({token.attrs['src']})".strip())
        elif token.type == "link_open":
            links.append((str(token.attrs["href"]), len(words)))
        elif token.type == "link_close":
            url, since = links.pop()
            if is_web(url) and "".join(words[since:]) != url:
                words.append(f" ({url})")
    return "".join(words)
