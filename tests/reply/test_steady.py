"""What is shown where a message can only get longer: each text begins with the one before."""

import asyncio
import time
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reply_fakes import Chat, Growing, Plain, answer, away, reply_in, run
from reply_texts import PIECES, anything, proper, prose, sizes
from test_pages_properties import is_within, letters, loose_markers, steps

from bot.errors import PlatformError
from bot.events import Budget, Button
from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.slack.markup import SlackDialect
from bot.ports import Dialect
from bot.reply import Paginator, pages
from bot.reply.paging.steady import steady

_calm = {"deadline": None, "suppress_health_check": list(HealthCheck)}
short = settings(max_examples=60, **_calm)  # type: ignore[arg-type]
long = settings(max_examples=10_000, **_calm)  # type: ignore[arg-type]
dialects = st.sampled_from([SlackDialect(), SlackDialect(), DiscordDialect(), Plain(), Growing()])
BEHIND = 80


class AppendOnly(Chat):
    """A chat whose messages can only get longer while they grow, until it falls back to edits."""

    def __init__(self, dialect: Dialect, size: int, fall_back_after: int = 1000) -> None:
        super().__init__(size, edits=50, posts=50)
        self.dialect = dialect
        self.limits = replace(self.limits, append_only=True, ends=Budget("end:c", 3, 5.0))
        self.latency_s = 0.0
        self._left = fall_back_after

    def _show(self, *args: object, **kwargs: object) -> None:
        super()._show(*args, **kwargs)  # type: ignore[arg-type]
        self._left -= 1
        if self._left <= 0:
            self.limits = replace(self.limits, append_only=False, ends=None)


def check_sent(text: str, cuts: list[int], chat: AppendOnly, faults: list[PlatformError | None]) -> None:
    """The chat itself checks that each text it gets begins with the one before."""
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(text[at : at + cut])
        at += cut
    chat.faults = list(faults)
    run(answer(chat, [*pieces, text[at:]], every_s=0.3, most_pages=1000))
    if not isinstance(chat.dialect, DiscordDialect):  # which leaves out what Discord cannot show
        assert is_within(letters(text), letters("".join(chat.shown)))
    assert set(chat.growing.values()) <= {False}


def check_pages(text: str, cuts: list[int], size: int, dialect: Dialect) -> None:
    paginator = Paginator(dialect, size)
    at, frozen = 0, 0
    for cut in cuts:
        paginator.add(text[at : at + cut])
        at += cut
        shown = paginator.pages(steady=True)
        assert "".join(page.source for page in shown) == text[:at]
        assert all(dialect.size(page.text) <= size for page in shown)
        assert len(shown) >= frozen
        frozen = len(shown)
    paginator.add(text[at:])
    whole = paginator.pages(done=True)
    assert "".join(page.source for page in whole) == text
    assert all(dialect.size(page.text) <= size for page in whole)


def check_prose(text: str, cuts: list[int], size: int) -> None:
    """A reader is never far behind, sees no half markup, and nothing that was shown is taken back or moves."""
    paginator = Paginator(SlackDialect(), size)
    at, before = 0, [""]
    for cut in cuts:
        paginator.add(text[at : at + cut])
        at += cut
        shown = [page.text for page in paginator.pages(steady=True)] or [""]
        assert shown[len(before) - 1].startswith(before[-1])
        assert not any(map(loose_markers, shown))
        assert len(letters(text[:at])) - len(letters("".join(shown))) <= BEHIND
        before = shown
    paginator.add(text[at:])
    assert paginator.pages(done=True)[len(before) - 1].text.startswith(before[-1]) or not text


chats = st.builds(AppendOnly, dialects, sizes, st.integers(1, 30))
faults = st.lists(st.one_of(st.none(), st.none(), st.builds(away), st.builds(lambda: (away(), "landed"))), max_size=8)


@short
@example("<" * 49 + "Pailn ", [52, 1, 1, 1], AppendOnly(SlackDialect(), 200), [])  # too long only as it is written
@given(anything, steps, chats, faults)
def test_each_text_begins_with_the_one_before_and_in_the_end_all_is_there(
    text: str, cuts: list[int], chat: AppendOnly, faults: list[PlatformError | None]
) -> None:
    check_sent(text, cuts, chat, faults)
    check_pages(text, cuts, chat.limits.page_size, chat.dialect)


acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("write"), st.sampled_from(["Some words. ", "word", "\n\n", "**bold** ", "```\nx\n", "more " * 30])
        ),
        st.tuples(st.just("set_activity"), st.sampled_from(["searching…", "reading…", ""])),
        st.tuples(st.just("wait"), st.floats(0, 3)),
        st.tuples(st.just("wait"), st.floats(0, 3)),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=25,
)


@short
@given(
    acts, st.sampled_from([Chat(200), AppendOnly(Plain(), 200), AppendOnly(Plain(), 200, 6)]), faults, st.integers(1, 4)
)
def test_whatever_is_done_on_the_way_the_end_is_right(
    acts: list[tuple[str, Any]], kind: Chat, faults: list[PlatformError | None], most_pages: int
) -> None:
    async def main() -> str:
        async with reply_in(chat, most_pages=most_pages) as reply:
            text = ""
            for act, what in acts:
                if act == "wait":
                    await asyncio.sleep(what)
                elif act == "restart":
                    reply.restart()
                    text = ""
                else:
                    getattr(reply, act)(what)
                    text += what if act == "write" else ""
            await reply.finish(buttons=(Button.RETRY,))
        return text

    chat = deepcopy(kind)
    chat.faults = list(faults)
    text = run(main())
    shown = "".join(chat.shown)
    if chat.files:
        assert [data for _, data in chat.files.values()] == [text.encode()]
    elif text.strip():
        assert is_within("".join(text.split()), "".join(shown.split()))
    else:
        assert shown == "*Claude returned no text.*"
    texts = [message for message in chat.messages if message not in chat.files]
    assert [chat.buttons[message] for message in texts] == [*[()] * (len(texts) - 1), (Button.RETRY,)]
    assert not any(chat.growing[message] for message in texts)


@short
@given(prose, st.lists(st.integers(1, 30), max_size=60), st.integers(200, 900))
def test_in_prose_the_reader_is_never_more_than_a_line_behind(text: str, cuts: list[int], size: int) -> None:
    check_prose(text, cuts, size)


@short
@given(proper, st.integers(0, 10_000))
def test_no_half_markup_is_shown_for_good(text: str, upto: int) -> None:
    text = text[: upto % (len(text) + 1)]
    assert loose_markers(text[: steady(text)]) == []


@pytest.mark.long
@long
@given(anything, steps, chats, faults)
def test_each_text_begins_with_the_one_before_in_very_many_texts(
    text: str, cuts: list[int], chat: AppendOnly, faults: list[PlatformError | None]
) -> None:
    check_sent(text, cuts, chat, faults)
    check_pages(text, cuts, chat.limits.page_size, chat.dialect)


@pytest.mark.long
@long
@given(prose, st.lists(st.integers(1, 30), max_size=60), st.integers(200, 900))
def test_the_reader_is_never_more_than_a_line_behind_in_very_many_texts(text: str, cuts: list[int], size: int) -> None:
    check_prose(text, cuts, size)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Some wor", "Some "),
        ("Some **bold te", "Some "),
        ("Some **bold text** and", "Some **bold text** "),
        ("Some `co", "Some "),
        ("See [the docs](https://exa", "See "),
        ("Title\n==", "Title\n"),
        ("Text\n\n-", "Text\n\n"),
        ("- item o", "- item "),
        ("Text\n\n- ite", "Text\n\n"),
        ("> quoted\n> wo", "> quoted\n"),
        ("# Head", ""),
        ("# Head\n", "# Head\n"),
        ("Code:\n\n```py\n", "Code:\n\n"),
        ("Code:\n\n```py\nx = 1\ny =", "Code:\n\n```py\nx = 1\n"),
        ("Code:\n\n```py\nx = 1\n```", "Code:\n\n```py\nx = 1\n"),
        ("Table:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "Table:\n\n"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\n", "| a | b |\n|---|---|\n| 1 | 2 |\n\n"),
        ("漢字かな", "漢字か"),
        ("漢字。*in ", "漢字。"),
    ],
)
def test_only_what_stays_as_it_is_is_shown(written: str, shown: str) -> None:
    assert written[: steady(written)] == shown


@pytest.mark.parametrize("piece", [*PIECES, "*a ", "**a* ", "[a ", "<a", "`a ``b ", "[a](b "])
def test_no_text_takes_long(piece: str) -> None:
    start_s = time.process_time()
    steady(piece * (8000 // len(piece)))
    assert time.process_time() - start_s < 2


def test_a_page_does_not_end_before_what_was_shown_of_it() -> None:
    text = "A short paragraph.\n\n" * 7 + "And then a very long one with many words " * 5
    chat = AppendOnly(Plain(), 200)
    run(answer(chat, [word + " " for word in text.split(" ")], every_s=0.2))
    assert "".join(chat.shown).split() == text.split()
    for number in range(len(chat.messages)):
        sent = [t for _, kind, what, t in chat.calls if kind != "attach" and what.endswith(f".{number}")]
        assert all(later.startswith(earlier) for earlier, later in pairwise(sent))


def test_what_is_going_on_is_not_shown_where_text_can_only_be_added() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.set_activity("searching…")
            await asyncio.sleep(1)
            assert chat.calls == []
            reply.write("Here is what I found. ")
            await asyncio.sleep(1)
            reply.set_activity("reading…")
            await asyncio.sleep(1)
            await reply.finish()

    chat = AppendOnly(Plain(), 2000)
    run(main())
    assert set(chat.kinds("post", "edit", "end")) == {"Here is what I found.", "Here is what I found. "}


def test_a_post_whose_answer_was_lost_is_taken_for_what_it_said() -> None:
    text = "- [ ] task\n- [x] done\n" * 4
    chat = AppendOnly(DiscordDialect(), 200)
    chat.faults = [(away(), "landed")]
    run(answer(chat, [text[at : at + 5] for at in range(0, len(text), 5)], every_s=0.3))
    assert chat.shown == [pages(text, DiscordDialect(), 200)[0].text]


def test_a_link_defined_after_it_was_shown_is_right_in_the_end() -> None:
    text = "See [the docs][d] for more. And the rest of it.\n\n[d]: https://example.org/docs\n"
    chat = AppendOnly(SlackDialect(), 2000)
    run(answer(chat, [word + " " for word in text.split(" ")], every_s=0.3))
    assert chat.shown == [pages(text + " ", SlackDialect(), 2000)[0].text]
