"""What people see on Discord is what CommonMark means: every character, and no style that is not meant.

A small reader of Discord's messages says what they see (`corpus_reader`); in the long run, and where it can be had
quickly, a parser that others wrote is asked too (`corpus_parser`).
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from corpus_answers import KINDS, answers
from corpus_markdown import BLOCK_MARKS, PIECES, WORDS, blocks, sequences, texts
from corpus_meant import Shown, meant, without_lists_and_quotes
from corpus_parser import shown, trees
from corpus_reader import seen
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms.discord import DiscordDialect
from bot.reply import pages

DIALECT = DiscordDialect()
Judge = Callable[[Sequence[str]], list[str]]


def wrong(markdown: str, read: Callable[[str], Shown] = seen) -> str:
    """Return what a reader would see wrongly of a text that was rendered, or ""."""
    means = meant(markdown)
    if not means.shown and not means.addresses:
        return ""  # nothing is to be seen
    rendered = DIALECT.render(markdown)
    found = means.differs(read(rendered))
    return f"{markdown!r} → {rendered!r}: {found}" if found else ""


def all_wrong(markdowns: Iterable[str]) -> list[str]:
    return [found for markdown in markdowns if (found := wrong(markdown))]


@pytest.fixture
def parser(pytestconfig: pytest.Config) -> Judge:
    """Return a function that asks the other parser about many texts: what it sees wrongly of each."""
    patience_s = 300.0 if "long" in str(pytestconfig.option.markexpr).replace("not long", "") else 20.0
    folder = Path(pytestconfig.cache.mkdir("discord-markdown-parser"))

    def ask(markdowns: Sequence[str]) -> list[str]:
        rendered = [DIALECT.render(markdown) for markdown in markdowns]
        found = []
        for markdown, sent, tree in zip(markdowns, rendered, trees(rendered, folder, patience_s), strict=True):
            means = meant(markdown).without_lists_and_quotes()
            difference = means.differs(without_lists_and_quotes(shown(tree)))
            if difference and (means.shown or means.addresses):
                found.append(f"{markdown!r} → {sent!r}: {difference}")
        return found

    return ask


def test_all_sequences_of_two_pieces_are_seen_as_they_are_meant() -> None:
    assert all_wrong(sequences(2)) == []


def test_random_texts_are_seen_as_they_are_meant() -> None:
    assert all_wrong(texts(7, 400)) == []


def test_random_blocks_are_seen_as_they_are_meant() -> None:
    assert all_wrong(blocks(7, 400)) == []


def test_few_styles_are_given_up() -> None:
    markdowns = texts(11, 1000)
    assert sum(meant(text).loses_style(seen(DIALECT.render(text))) for text in markdowns) <= 3


@pytest.mark.parametrize("name", KINDS)
def test_long_answers_are_seen_as_they_are_meant(name: str) -> None:
    assert wrong(answers()[name]) == ""


@settings(max_examples=200)
@given(st.lists(st.sampled_from([word for word in WORDS if word[-1] != "."]), min_size=1).map(" ".join))
def test_text_without_styles_that_was_rendered_stays_the_same_when_it_is_rendered_again(text: str) -> None:
    once = DIALECT.render(text)
    if not any(styles for _, styles in meant(text).shown):
        assert DIALECT.render(once) == once


def test_the_parser_sees_what_is_meant(parser: Judge) -> None:
    assert parser([*texts(7, 400), *blocks(7, 200), *sequences(2)]) == []


MARKDOWN = st.lists(st.sampled_from([*PIECES, *WORDS, *BLOCK_MARKS, "\n\n", "```\n", "```py\n", "- "]), max_size=25)


@settings(max_examples=200, deadline=None)
@given(MARKDOWN.map("".join))
def test_whatever_is_written_is_seen_as_it_is_meant(text: str) -> None:
    assert wrong(text) == ""


@pytest.mark.parametrize("name", KINDS)
def test_each_page_of_a_long_answer_is_seen_as_it_is_meant(name: str) -> None:
    """A page that begins in the middle of something shows the letters of its part, in their order, and no marker."""
    text = answers()[name]
    whole = letters(meant(text).shown)
    on_pages = "".join(letters(seen(page.text)) for page in pages(text, DIALECT, 700))
    assert in_order(whole, on_pages)


def letters(shown_there: Shown) -> str:
    return "".join(character for character, _ in shown_there if character.isalnum())


def in_order(wanted: str, there: str) -> bool:
    rest = iter(there)
    return all(letter in rest for letter in wanted)


@pytest.mark.long
def test_all_sequences_of_four_pieces_are_seen_as_they_are_meant(parser: Judge) -> None:
    every = list(sequences(4))
    assert all_wrong(every) == []
    assert parser(every) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", [7, 11])
def test_ten_thousand_random_texts_are_seen_as_they_are_meant(parser: Judge, seed: int) -> None:
    assert all_wrong(texts(seed, 10_000)) == []
    assert parser(texts(seed, 10_000)) == []
    assert all_wrong(blocks(seed, 10_000)) == []


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(MARKDOWN.map("".join))
def test_whatever_is_written_is_seen_as_it_is_meant_in_the_long_run(text: str) -> None:
    assert wrong(text) == ""
