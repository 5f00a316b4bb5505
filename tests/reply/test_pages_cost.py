"""What pages cost, whatever is written: the work is bounded for each look, each page and the whole answer."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import Plain
from reply_texts import REPEATED, anything, sizes

from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.slack.markup import SlackDialect
from bot.ports import Dialect
from bot.reply import Paginator, pages
from bot.reply.markdown.inline import MOST_OPEN, scan
from bot.reply.paging.page_end import Work, finish

_RENDERS_A_PAGE = 12
_MOST_CPU_S, _MOST_CPU_AT_ONCE_S = 100e-6, 0.05


class Counting(Plain):
    """Counts what is rendered."""

    def __init__(self) -> None:
        self.calls = self.characters = 0

    def render(self, markdown: str) -> str:
        self.calls += 1
        self.characters += len(markdown)
        return markdown


def of(piece: str, length: int) -> str:
    return piece * (length // len(piece))


def paged(text: str, step: int, paginator: Paginator) -> int:
    """Let a text arrive in pieces of a length; return how often it was looked at."""
    for at in range(0, len(text), step):
        paginator.add(text[at : at + step])
        paginator.pages()
    paginator.pages(done=True)
    return len(range(0, len(text), step)) + 1


@pytest.mark.parametrize("piece", REPEATED)
@pytest.mark.parametrize("step", [450, 3000])
def test_a_page_is_rendered_about_ten_times_and_its_looks(piece: str, step: int) -> None:
    dialect = Counting()
    paginator = Paginator(dialect, 600)
    looks = paged(of(piece, 3000), step, paginator)
    shown = paginator.pages(done=True)
    assert dialect.calls - looks <= _RENDERS_A_PAGE * len(shown)
    assert dialect.characters <= (_RENDERS_A_PAGE * len(shown) + looks) * 2 * 600


@pytest.mark.parametrize("piece", REPEATED)
def test_every_page_makes_progress(piece: str) -> None:
    text = of(piece, 3000)
    shown = Paginator(Plain(), 600)
    shown.add(text)
    assert len(shown.pages(done=True)) <= len(text) / (600 / 4) + 1


@settings(deadline=None)
@given(anything, sizes)
def test_a_page_takes_a_quarter_of_its_room_in_new_text(text: str, size: int) -> None:
    for page in pages(text, Plain(), size)[:-1]:
        lines = page.source.count("\n") + page.source.count("\r")
        assert len(page.source) >= size // 4 or lines > 100


def test_a_table_with_much_padding_is_one_message_if_it_is_shown_short() -> None:
    rows = "".join(f"| {n} {' ' * 700} | value {' ' * 700} |\n" for n in range(8))
    (page,) = pages(f"| a {' ' * 700} | b |\n|{'-' * 700}|---|\n{rows}", DiscordDialect(), 2000)
    assert page.text.count("value") == 8


def test_open_markers_beyond_a_few_are_characters() -> None:
    assert len(scan("*a " * MOST_OPEN).opened) == MOST_OPEN
    assert scan("*a " * (MOST_OPEN + 1)).opened == []
    assert scan("*" * 7 + "a").opened == []
    assert scan("*a* " * 300 + "*a").opened == []


def test_what_is_opened_and_never_closed_inside_of_a_pair_means_nothing() -> None:
    assert scan("~~a *b c~~ d").opened == []
    assert [mark for _, mark in scan("~~a **b *c").opened] == ["~~", "**", "*"]


def test_nothing_beyond_the_pages_that_are_shown_is_rendered() -> None:
    dialect = Counting()
    paginator = Paginator(dialect, 600, most=2)
    paginator.add("Some words of an answer. " * 80)
    shown = paginator.pages()
    assert paginator.is_beyond
    before = dialect.calls
    for _ in range(100):
        paginator.add("Some words of an answer. ")
        assert paginator.pages()[:2] == shown[:2]
    assert paginator.pages(done=True)[:2] == shown[:2]
    assert dialect.calls == before
    assert paginator.text == "Some words of an answer. " * 180
    paginator.most = None
    whole = Paginator(Plain(), 600)
    whole.add(paginator.text)
    assert paginator.pages(done=True) == whole.pages(done=True)


def test_a_page_of_very_short_lines_ends_before_it_has_too_many() -> None:
    paginator = Paginator(Plain(), 8000)
    paginator.add("a\n\n" * 800 + "- a\n" * 800)
    lines = [page.source.count("\n") for page in paginator.pages(done=True)]
    assert max(lines) <= 401
    assert lines[5:8] == [199] * 3, "an item costs the work of two lines"


def test_a_page_that_grows_past_its_room_keeps_what_it_showed_until_the_next_begins() -> None:
    class Wide(Plain):
        def size(self, rendered: str) -> int:
            return len(rendered) + 9 * rendered.count("&")

    text = "Words of an answer. " * 10 + "& " * 20 + "and so on. " * 30
    paginator = Paginator(Wide(), 400)
    before = ""
    for at in range(0, len(text), 10):
        paginator.add(text[at : at + 10])
        first = paginator.pages()
        if len(first) > 1:
            break
        assert first[0].text.startswith(before.rstrip())
        before = first[0].text


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(REPEATED),
    st.sampled_from([(DiscordDialect(), 2000), (SlackDialect(), 8000)]),
    st.sampled_from([8, None]),
    st.integers(1000, 64_000),
    st.booleans(),
)
def test_no_text_costs_much_cpu(
    piece: str, platform: tuple[Dialect, int], most: int | None, step: int, steady: bool
) -> None:
    text = of(piece, 64_000)
    paginator = Paginator(*platform, most=most)
    with collected_elsewhere():
        spent = [0.0]
        for at in range(0, len(text), step):
            paginator.add(text[at : at + step])
            spent += slices(paginator.work(steady=steady))
        spent += slices(paginator.work(done=True))
    assert sum(spent) / len(text) <= _MOST_CPU_S
    assert max(spent) <= _MOST_CPU_AT_ONCE_S


def slices(work: Work[object]) -> Iterator[float]:
    """Yield the CPU seconds of each part of some work, after which others may go on."""
    ended = False
    while not ended:
        begun_s = time.thread_time()
        ended = next(work, None) is None and work.gi_frame is None
        yield time.thread_time() - begun_s


@contextmanager
def collected_elsewhere() -> Iterator[None]:
    """Keep the collector of garbage out of the figures: it collects what the whole suite has left."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_work_can_be_left_at_any_point_and_is_taken_up_again() -> None:
    text = "Some **words** of an answer. " * 200
    paginator = Paginator(Plain(), 600)
    paginator.add(text)
    for left_after in range(1, 30):
        work = paginator.work(done=True)
        for _ in zip(range(left_after), work, strict=False):
            pass
        work.close()
    whole = Paginator(Plain(), 600)
    whole.add(text)
    assert finish(paginator.work(done=True)) == whole.pages(done=True)
