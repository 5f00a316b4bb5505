"""No text is dear to render: the CPU time of one is in proportion to its length, whatever is repeated in it."""

import time

import pytest

from bot.platforms.discord import DiscordDialect

DIALECT = DiscordDialect()
MOST_US = 100.0
"""CPU time a character."""

REPEATED = [
    "*a ", "**a ", "***a ", "*a **", "_a ", "__a ", "*a_", "*_", "[*", "_*", "![", "*a* ", " *a", "**a**b", "*a**b*",
    "*", "***", "___", "~~", "~~a ", "~a", "~~*a*~~", "|", "||a ", "`", "`a` ", "``a ", "```", "*a`*`", "**a `**` ",
    "~~a `~~` ", "**a *b ~~c", "*a **b ~~c `*` `**` `~~` d~~ e** f* ", "_a_b ", "_é", "é_", "*é*",
    "日本", "**注", "：**",
    "a_b", "[", "[[", "]]", "](", "[]", "[a]", "[a](", "[a](b", "[a](https://e.co) ", "![a](https://e.co) ",
    "🥺",
    "![a![b]", "**[a](u)**", "[a]: u\n", "[a]: https://e.co\n", "<", "<a:", "<https://e.co> ", "<@1>", "https://",
    "https://e.co/a_b ", "https://e.co(", "https://e.co/)", "http://**", "_a https://e.co/_ ", "\\", "\\*", "\\a",
    "&amp;", "&#42;", ":_a_:", "::", "> ", ">", ">>> a\n", "> a\n", "# a\n", "#", "#### *a* _b_\n", "1. a\n", "1. ",
    "0. a\n", "- - a\n", "- ", "- a\n", "  - a\n", "```\na\n```\n", "````\n```\n", "```md\n```py\n```\n", "    a\n",
    "| a | b |\n", "|---", "| a |\n|---|\n", "a\n---\n", "---\n", "\n", " ", "a", "a b ", "<b>", "</b>\n",
]  # fmt: skip
NESTED = [
    ("![", "](u)"),
    ("[a", "](https://e.co)"),
    ("*a ", "b*"),
    ("**a ", "b**"),
    ("*a **b ~~c ", "d~~ e** f*"),
    ("(", ")"),
]


def check(text: str) -> None:
    """Render a text as often as others may have taken the processor, and hold its best time to the limit."""
    for _ in range(3):
        start = time.process_time()
        DIALECT.render(text)
        if (spent_s := time.process_time() - start) <= MOST_US / 1e6 * len(text):
            return
    pytest.fail(f"{spent_s * 1e6 / len(text):.0f} µs a character")


@pytest.mark.parametrize("piece", REPEATED)
def test_a_piece_that_is_repeated(piece: str) -> None:
    check(piece * (8_000 // len(piece)))


@pytest.mark.parametrize(("opening", "closing"), NESTED)
def test_a_piece_that_is_nested(opening: str, closing: str) -> None:
    count = 8_000 // len(opening + closing)
    check(opening * count + closing * count)


@pytest.mark.long
@pytest.mark.parametrize("piece", REPEATED)
def test_a_piece_that_is_repeated_over_64_000_characters(piece: str) -> None:
    check(piece * (64_000 // len(piece)))
