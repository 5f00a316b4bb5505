"""What holds for any text, any cutting into pieces and any page size from 200."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from reply_fakes import Growing, Plain
from reply_texts import anything, proper, sizes

from bot.ports import Dialect
from bot.reply import Page, Paginator, pages
from bot.reply.paging.heal import heal

_calm = {"deadline": None, "suppress_health_check": list(HealthCheck)}
short = settings(max_examples=100, **_calm)  # type: ignore[arg-type]
long = settings(max_examples=10_000, **_calm)  # type: ignore[arg-type]
dialects = st.sampled_from([Plain(), Growing()])
steps = st.lists(st.integers(1, 90), max_size=30)
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def check(text: str, steps: list[int], size: int, dialect: Dialect) -> None:
    frozen: list[Page] = []
    paginator = Paginator(dialect, size)
    at = 0
    for step in steps:
        paginator.add(text[at : at + step])
        at += step
        growing = paginator.pages()
        assert "".join(page.source for page in growing) == text[:at]
        assert growing[: len(frozen)] == frozen
        frozen = growing[:-1]
        check_pages(growing, size, dialect)
    paginator.add(text[at:])
    whole = paginator.pages(done=True)
    assert whole[: len(frozen)] == frozen
    assert whole == pages(text, dialect, size)
    assert "".join(page.source for page in whole) == text
    check_pages(whole, size, dialect)
    for page in whole:
        assert page.source
        assert is_within(letters(page.source), letters(page.text))


def check_pages(shown: list[Page], size: int, dialect: Dialect) -> None:
    for page in shown:
        assert dialect.size(page.text) <= size
        if isinstance(dialect, Plain):
            assert ends_outside_code(page.text)


def ends_outside_code(text: str) -> bool:
    last = _PARSER.parse(text + "\n\nprobe")
    return any(token.type == "inline" and token.content.endswith("probe") for token in last[-6:])


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def is_within(few: str, many: str) -> bool:
    """Say whether all of `few` is in `many`, in its order."""
    rest = iter(many)
    return all(letter in rest for letter in few)


def loose_markers(markdown: str) -> list[str]:
    """Return the pieces of plain text in which a reader would see markup that means nothing."""
    inlines = [token for token in _PARSER.parse(markdown) if token.type == "inline"]
    texts = [child.content for token in inlines for child in token.children or [] if child.type == "text"]
    return [text for text in texts if any(mark in text for mark in ("*", "`", "~~", "](", "|--"))]


@short
@given(anything, steps, sizes, dialects)
def test_pages_fit_join_to_the_text_and_never_change(text: str, steps: list[int], size: int, dialect: Dialect) -> None:
    check(text, steps, size, dialect)


@short
@given(proper, st.integers(200, 400), st.integers(0, 10_000))
def test_no_page_and_no_state_on_the_way_shows_half_markup(text: str, size: int, upto: int) -> None:
    assert [loose for page in pages(text, Plain(), size) for loose in loose_markers(page.text)] == []
    assert loose_markers(heal(text[: upto % (len(text) + 1)])) == []


@pytest.mark.long
@long
@given(anything, steps, sizes, dialects)
def test_pages_hold_for_very_many_texts(text: str, steps: list[int], size: int, dialect: Dialect) -> None:
    check(text, steps, size, dialect)


@pytest.mark.long
@long
@given(proper, st.integers(200, 400), st.integers(0, 10_000))
def test_no_half_markup_shows_in_very_many_texts(text: str, size: int, upto: int) -> None:
    assert [loose for page in pages(text, Plain(), size) for loose in loose_markers(page.text)] == []
    assert loose_markers(heal(text[: upto % (len(text) + 1)])) == []
