"""Answers too long for the chat, files, and what a restart makes of both."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import WORDS, Chat, Log, answer, away, reply_in, run

from bot.errors import Forbidden, Gone, PlatformError, RateLimited
from bot.events import AnswerMessage, Button
from bot.reply import pages

LONG = WORDS * 4
WHOLE = "".join(LONG)
IN_FILE = "*This answer is too long to read here; the whole of it is in the file answer.md.*"
GOES_ON = "*The answer goes on; the whole of it will come as a file.*"
REPORT = ("report.csv", b"a,b\n1,2\n")


def attached(chat: Chat) -> list[tuple[str, bytes]]:
    return [chat.files[message] for message in chat.messages if message in chat.files]


def test_an_answer_too_long_to_read_is_a_file_after_its_first_pages() -> None:
    chat, log = Chat(size=600), Log()
    run(answer(chat, LONG, most_pages=2, note="Stopped.", buttons=(Button.RETRY,), log=log, idempotency_key="m"))
    first, last = chat.shown
    assert last.endswith(f"\n\n{IN_FILE}\n\n*Stopped.*")
    assert WHOLE.startswith(first + last.removesuffix(f"\n\n{IN_FILE}\n\n*Stopped.*"))
    assert attached(chat) == [("answer.md", WHOLE.encode())]
    assert list(chat.buttons.values()) == [(), (Button.RETRY,)]
    (before, part), (after, known) = log.rows[-2:]
    assert (before, after) == ("posting", "posted")
    assert (part.index, part.file, part.message_id) == (2, "answer.md", "")
    assert known == AnswerMessage(2, part.idempotency_key, f"id-{part.idempotency_key}", "answer.md")
    assert len(part.idempotency_key) <= 25
    assert part.idempotency_key.endswith(".2")


def test_while_it_goes_on_beyond_the_last_page_a_line_there_says_so() -> None:
    chat = Chat(size=300)
    run(answer(chat, LONG, most_pages=2))
    assert sum(text.endswith(f"\n\n{GOES_ON}") for text in chat.kinds("post", "edit")) == 1


def test_text_beyond_the_last_page_costs_no_calls_and_no_work() -> None:
    async def main() -> None:
        async with reply_in(chat, most_pages=1) as reply:
            reply.write("Words and words. " * 100)
            await asyncio.sleep(3)
            calls = len(chat.calls)
            for _ in range(100):
                reply.write("And more words. ")
                await asyncio.sleep(0.1)
            assert len(chat.calls) == calls
            await reply.finish()

    chat = Chat(size=300)
    run(main())
    assert attached(chat) == [("answer.md", b"Words and words. " * 100 + b"And more words. " * 100)]


def test_an_answer_of_exactly_so_many_pages_is_no_file() -> None:
    chat = Chat(size=300)
    run(answer(chat, ["word " * 55, "end " * 30], most_pages=2))
    assert len(chat.shown) == 2
    assert attached(chat) == []


@pytest.mark.parametrize("refusal", [Forbidden("Not here."), PlatformError("No.")])
def test_if_the_file_is_refused_the_remaining_pages_are_posted(refusal: PlatformError) -> None:
    chat = Chat(size=300)
    chat.refuses = {"attach": refusal}
    run(answer(chat, LONG, most_pages=2, note="Stopped.", buttons=(Button.RETRY,)))
    assert attached(chat) == []
    assert "".join(chat.shown) == f"{WHOLE}\n\n*Stopped.*"
    assert list(chat.buttons.values()) == [*[()] * (len(chat.shown) - 1), (Button.RETRY,)]


def test_files_stay_when_an_answer_is_finished_once_more() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.write("Here it is.")
            await reply.finish(files=[REPORT])
            await reply.finish("Our fault.")

    chat = Chat()
    run(main())
    assert chat.shown == ["Here it is.\n\n*Our fault.*"]
    assert attached(chat) == [REPORT]


def test_a_file_larger_than_the_place_takes_is_not_tried() -> None:
    chat = Chat()
    run(answer(chat, ["Here it is."], files=[("big.bin", b"x" * 10_000_001), REPORT]))
    assert chat.kinds("attach") == ["report.csv"]
    assert chat.shown == ["Here it is.\n\n*The file big.bin could not be attached here.*"]


def test_files_come_after_the_text_each_written_down() -> None:
    chat, log = Chat(), Log()
    run(answer(chat, ["Here it is."], files=[REPORT, ("b.txt", b"b")], log=log))
    assert list(chat.messages.values()) == ["Here it is.", "report.csv", "b.txt"]
    assert [(part.index, part.file) for kind, part in log.rows if kind == "posted"] == [
        (0, ""),
        (1, "report.csv"),
        (2, "b.txt"),
    ]


def test_a_file_that_is_refused_is_named_below_the_text_and_the_others_come() -> None:
    chat = Chat()
    chat.faults = [None, Forbidden("Not here.")]
    run(answer(chat, ["Here it is."], every_s=0, files=[REPORT, ("b.txt", b"b")], note="A note."))
    assert chat.shown == ["Here it is.\n\n*A note.*\n\n*The file report.csv could not be attached here.*"]
    assert attached(chat) == [("b.txt", b"b")]


def test_a_place_that_takes_text_but_never_answers_for_files_gets_a_sentence() -> None:
    chat = Chat()
    chat.refuses = {"attach": away()}
    run(answer(chat, ["Here it is."], files=[REPORT]))
    assert chat.shown == ["Here it is.\n\n*The file report.csv could not be attached here.*"]


def test_a_file_whose_post_was_not_confirmed_is_looked_for() -> None:
    chat = Chat()
    chat.faults = [None, (away(), "landed"), RateLimited("Slow down.", retry_after_s=3.0)]
    run(answer(chat, ["Here it is."], every_s=0, files=[REPORT]))
    assert chat.may_exist == [False, False, True, True]
    assert attached(chat) == [REPORT]


def test_the_place_is_gone_for_files_too() -> None:
    chat = Chat()
    chat.refuses = {"attach": Gone("It is gone.")}
    with pytest.raises(Gone):
        run(answer(chat, ["Here it is."], files=[REPORT]))


def parts_of(log: Log, *, confirmed: int) -> list[AnswerMessage]:
    """The parts as the store has them when only so many were confirmed."""
    rows = {part.index: part for kind, part in log.rows if kind == "posting"}
    rows |= {part.index: part for kind, part in log.rows[: 2 * confirmed] if kind == "posted"}
    return list(rows.values())


@pytest.mark.parametrize("confirmed", range(5))
def test_a_restart_brings_each_file_once(confirmed: int) -> None:
    chat, log = Chat(size=300), Log()
    run(answer(chat, LONG, most_pages=2, files=[REPORT], log=log))
    before = dict(chat.messages)
    chat.calls.clear()
    run(
        answer(chat, ["".join(LONG)], every_s=0, most_pages=2, files=[REPORT], parts=parts_of(log, confirmed=confirmed))
    )
    assert chat.messages == before
    assert len(chat.kinds("attach")) == min(2, 4 - confirmed)


def test_files_of_an_earlier_answer_are_deleted_even_if_they_have_the_same_name() -> None:
    chat, log = Chat(), Log()
    run(answer(chat, ["Here it is."], files=[REPORT, ("old.txt", b"old")], log=log))
    run(answer(chat, ["Corrected."], files=[("report.csv", b"new")], parts=list(log.parts.values()), log=log))
    assert chat.shown == ["Corrected."]
    assert attached(chat) == [("report.csv", b"new")]


def test_a_page_may_follow_where_an_earlier_answer_had_a_file() -> None:
    chat, log = Chat(size=300), Log()
    run(answer(chat, ["Here it is."], files=[REPORT], log=log, idempotency_key="m"))
    run(answer(chat, WORDS, parts=list(log.parts.values()), idempotency_key="m"))
    assert chat.shown == [page.text for page in pages("".join(WORDS), chat.dialect, 300)]
    assert attached(chat) == []


def test_an_answer_may_become_shorter_and_longer_again_and_have_its_file_back() -> None:
    chat, log = Chat(size=300), Log()
    for words, files in ((WORDS, [REPORT]), (WORDS[:20], []), (WORDS, [REPORT])):
        run(answer(chat, words, files=files, parts=list(log.parts.values()), log=log, idempotency_key="m"))
        assert "".join(chat.shown) == "".join(words)
        assert attached(chat) == files
    assert chat.may_exist == [False] * len(chat.may_exist)


def test_a_message_that_may_not_be_deleted_does_not_fail_the_answer() -> None:
    chat = Chat()
    chat.messages = {f"id-m.{i}": "old" for i in range(2)}
    chat.refuses = {"delete": Forbidden("Messages are kept here.")}
    run(
        answer(
            chat,
            ["Short it is."],
            parts=[AnswerMessage(i, f"m.{i}", f"id-m.{i}") for i in range(2)],
            idempotency_key="m",
        )
    )
    assert chat.shown == ["Short it is.", "old"]


faults = st.lists(
    st.one_of(
        st.none(),
        st.builds(away),
        st.builds(lambda: (away(), "landed")),
        st.builds(lambda s: RateLimited("Slow down.", retry_after_s=s), st.floats(0, 20)),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(faults, st.integers(1, 5), st.lists(st.sampled_from(["", "old.txt"]), max_size=5), st.integers(0, 2))
def test_whatever_fails_nothing_claude_gave_is_lost_or_doubled(
    failing: Sequence[object], most_pages: int, old: list[str], files: int
) -> None:
    chat = Chat(size=300)
    chat.faults = list(failing)
    parts = [AnswerMessage(i, f"m.{i}", f"id-m.{i}", file) for i, file in enumerate(old)]
    chat.messages = {part.message_id: "old" for part in parts}
    chat.files = {part.message_id: ("old.txt", b"old") for part in parts if part.file}
    given_files = [REPORT, ("b.txt", b"b")][:files]
    run(answer(chat, LONG[:150], parts=parts, idempotency_key="m", most_pages=most_pages, files=given_files))
    text = "".join(LONG[:150])
    whole = [page.text for page in pages(text, chat.dialect, 300)]
    if len(whole) <= most_pages and f"\n\n{IN_FILE}" not in chat.shown[-1]:
        assert "".join(chat.shown) == text
        assert attached(chat) == given_files
    else:
        assert text.startswith("".join(chat.shown).removesuffix(f"\n\n{IN_FILE}"))
        assert attached(chat) == [("answer.md", text.encode()), *given_files]
