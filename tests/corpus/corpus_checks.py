"""What must hold for an answer that was cut into pages, whichever platform they are for."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.slack.markup import SlackDialect
from bot.platforms.slack.read.mrkdwn import unescape
from bot.ports import Dialect
from bot.reply import Page, Paginator, pages

PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_MARK = re.compile(r"T(\d+)")
_TICKED = re.compile(r"\[[xX]\](?=[ \t])")
_DISCORD_CODE = re.compile(r"\\[^\w\s]|```.+?```|(`+).*?[^`]\1(?!`)", re.DOTALL)
"""What Discord's client takes for a code block or a code span, in the order it looks for them."""


_DISCORD_PAIRS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (r"\*\*((?:\\.|[^\\])+?)\*\*(?!\*)", r"(?<!\*)\*(?=\S)([^*]+)(?<=\S)\*(?!\*)", r"~~(.+?)~~(?!_)")
)


@dataclass(frozen=True)
class Target:
    """A platform's dialect and the size of its pages."""

    name: str
    dialect: Dialect
    size: int


DISCORD = Target("discord", DiscordDialect(), 2000)
SLACK = Target("slack", SlackDialect(), 8000)


def check(text: str, steps: Iterable[int], target: Target) -> list[Page]:
    """Let a text arrive in pieces of these lengths, and the rest at once; check every state; return the last one."""
    paginator = Paginator(target.dialect, target.size)
    frozen: list[Page] = []
    at = 0
    for step in steps:
        if at >= len(text):
            break
        paginator.add(text[at : at + step])
        at += step
        growing = paginator.pages()
        assert growing[: len(frozen)] == frozen
        check_state(growing, text[:at], target, known=len(frozen))
        frozen = growing[:-1]
    paginator.add(text[at:])
    whole = paginator.pages(done=True)
    assert whole[: len(frozen)] == frozen
    assert whole == pages(text, target.dialect, target.size)
    check_state(whole, text, target)
    check_words(text, [read(page.text, target) for page in whole])
    return whole


def check_state(shown: Sequence[Page], text: str, target: Target, *, known: int = 0) -> None:
    """Check what would be on the screen; the first `known` pages were checked before. A last page may be blank yet."""
    assert "".join(page.source for page in shown) == text
    for number, page in enumerate(shown[known:], known):
        assert page.source
        assert target.dialect.size(page.text) <= target.size
        assert page.text.strip() or number == len(shown) - 1 or not words(page.source)
        assert not open_code(page.text, target), page.text[-200:]


def open_code(text: str, target: Target) -> bool:
    """Say whether a reader of what follows a message's end would see it as a part of its last code block."""
    if target is DISCORD:
        return "```" in _DISCORD_CODE.sub("", text)
    tokens = PARSER.parse(read(text, target) + "\n\nprobe")
    return not any(token.type == "inline" and token.content.endswith("probe") for token in tokens[-9:])


def read(text: str, target: Target) -> str:
    """Return a message's text as its readers get it: without the entities that Slack's are sent with."""
    return unescape(text) if target is SLACK else text


def check_words(text: str, shown: Sequence[str]) -> None:
    """Check that all letters and digits a reader of the Markdown would see are shown, in order, and each mark once."""
    there = "".join(letters(page) for page in shown)
    missing = first_missing(letters(words(text)), there)
    assert missing is None, f"missing from {missing!r}"
    marks = _MARK.findall(" ".join(shown))
    assert marks == _MARK.findall(text)


def first_missing(wanted: str, there: str) -> str | None:
    """Return the rest of `wanted` from its first character that is not in `there`, in its order; None: all is."""
    at = 0
    for index, character in enumerate(wanted):
        at = there.find(character, at) + 1
        if not at:
            return wanted[index : index + 80]
    return None


def letters(text: str) -> str:
    """Return a text's letters and digits; entities are the characters they stand for."""
    return "".join(filter(str.isalnum, html.unescape(text)))


def words(markdown: str) -> str:
    """Return the text a reader of CommonMark sees, HTML being text and a ticked box having a sign of its own."""
    return _TICKED.sub("", "\n".join(_seen(PARSER.parse(markdown))))


def _seen(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type in {"inline", "image"}:
            yield "".join(_seen(token.children or []))
        elif token.type in {"text", "text_special", "code_inline", "fence", "code_block"}:
            yield token.content
        elif token.type in {"softbreak", "hardbreak"}:
            yield "\n"


def loose(text: str) -> str:
    """Return the first markers of bold, struck or code in which Discord's readers would see no meaning, or ""."""
    plain = _DISCORD_CODE.sub("", text)
    for pair in _DISCORD_PAIRS:
        plain = pair.sub(r"\1", plain)
    found = re.search(r".{0,40}(?:\*\*|~~|``).{0,40}", plain)
    return found[0] if found else ""
