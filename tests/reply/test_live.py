"""The live reply against a chat with limits, latency and faults, in virtual time."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import TURN, WORDS, Chat, Log, answer, away, run

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, StoreError, Unreachable
from bot.events import AnswerMessage, MessageKey
from bot.reply import LiveReply, Pacer, pages


def test_the_text_grows_in_one_message_and_ends_whole() -> None:
    chat, log = Chat(), Log()
    run(answer(chat, log=log))
    assert chat.shown == ["".join(WORDS)]
    assert [kind for _, kind, _, _ in chat.calls].count("post") == 1
    assert len(chat.calls) > 4
    assert log.rows == [
        ("posting", AnswerMessage(0, "ab12cd34.0")),
        ("posted", AnswerMessage(0, "ab12cd34.0", "id-ab12cd34.0")),
    ]


def test_every_state_sent_is_a_beginning_of_the_text() -> None:
    chat = Chat()
    run(answer(chat))
    assert all("".join(WORDS).startswith(text) for _, _, _, text in chat.calls)


def test_the_first_post_waits_for_a_few_words_and_not_for_the_pace() -> None:
    chat = Chat()
    run(answer(chat, ["H", "ello", " there,", " my", " friend", " of", " old"], every_s=0.02))
    at_s, _, _, text = chat.calls[0]
    assert text.startswith("Hello there, my")
    assert at_s - 1000 <= 0.14


def test_a_slow_beginning_is_shown_after_300_ms_unless_it_is_one_letter() -> None:
    chat = Chat()
    run(answer(chat, ["Yes", ", it is."], every_s=2))
    assert chat.calls[0][0] - 1000 == pytest.approx(0.3)
    chat = Chat()
    run(answer(chat, ["I", " think so"], every_s=2))
    assert chat.calls[0][3] == "I think so"


def test_a_long_answer_goes_on_in_further_messages() -> None:
    chat, log = Chat(size=200), Log()
    run(answer(chat, log=log))
    expected = [page.text for page in pages("".join(WORDS), chat.dialect, 200)]
    assert chat.shown == expected
    assert len(expected) > 1
    assert [part.idempotency_key for kind, part in log.rows if kind == "posting"] == [
        f"ab12cd34.{i}" for i in range(len(expected))
    ]


def test_the_last_edit_goes_out_within_the_limit() -> None:
    chat = Chat()
    chat.enforced = {"edit": (5, 5.0), "post": (5, 5.0)}
    run(answer(chat))
    assert chat.refused == 0
    assert chat.calls[-1][0] - 1006 < 1.5


def test_many_replies_share_one_scope_without_a_refusal() -> None:
    async def main() -> None:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(answer(chat, pacer=pacer, idempotency_key=f"m{number}"))

    chat = Chat(edits=50, posts=50, per_s=60.0)
    chat.enforced = {"edit": (50, 60.0), "post": (50, 60.0)}
    run(main())
    assert chat.refused == 0
    assert chat.shown == ["".join(WORDS)] * 12


def test_row_40_a_hundred_replies_share_the_edits_of_a_workspace_and_all_end_whole() -> None:
    replies, edits = 100, 50

    async def main() -> float:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            for number in range(replies):
                group.create_task(answer(chat, pacer=pacer, idempotency_key=f"m{number}"))
        return asyncio.get_running_loop().time()

    chat = Chat(edits=edits, posts=replies, per_s=60.0)
    chat.enforced = {"edit": (edits, 60.0), "post": (replies, 60.0)}
    ended_s = run(main())
    assert chat.refused == 0
    assert chat.shown == ["".join(WORDS)] * replies
    assert ended_s - 1006 < 1.2 * replies


def test_a_refused_call_pauses_everybody_in_the_scope_once() -> None:
    async def main() -> None:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(answer(chat, pacer=pacer, idempotency_key=f"m{number}"))

    chat = Chat(edits=50, posts=50, per_s=60.0)
    chat.faults = [*[None] * 8, RateLimited("Slow down.", retry_after_s=7.0)]
    run(main())
    refused_s, kind, _, _ = chat.calls[8]
    later = [at_s for at_s, other, _, _ in chat.calls[9:] if other == kind and at_s > refused_s + 0.1]
    assert min(later) >= refused_s + 7.0
    assert chat.shown == ["".join(WORDS)] * 4


def test_a_post_whose_response_was_lost_is_looked_for_and_not_posted_twice() -> None:
    chat, log = Chat(), Log()
    chat.faults = [(away(), "landed")]
    run(answer(chat, log=log))
    assert chat.may_exist == [False, True]
    assert chat.shown == ["".join(WORDS)]
    assert [kind for kind, _ in log.rows] == ["posting", "posted"]


def test_a_found_message_with_older_text_is_brought_up_to_date() -> None:
    chat = Chat()
    chat.faults = [(away(), "landed")]
    run(answer(chat, ["All that there is to say."], every_s=5))
    assert chat.shown == ["All that there is to say."]


def test_an_edit_whose_response_was_lost_is_repeated() -> None:
    chat = Chat()
    chat.faults = [None, (away(), "landed"), away()]
    run(answer(chat))
    assert chat.shown == ["".join(WORDS)]


def test_a_platform_that_stays_away_is_given_up_only_after_the_answer_is_whole() -> None:
    async def main() -> None:
        async with LiveReply(chat, Pacer(), log=Log(), turn=TURN, idempotency_key="m") as reply:
            reply.write("Some words of an answer")
            await asyncio.sleep(300)
            assert reply.broken is None
            with pytest.raises(Unreachable):
                await reply.finish()
            assert isinstance(reply.broken, Unreachable)

    chat = Chat()
    chat.faults = [away() for _ in range(100)]
    run(main())
    assert chat.calls[-1][0] - 1300 > 60


@pytest.mark.parametrize("error", [Gone("It is gone."), Forbidden("Not here.")])
def test_a_message_that_is_gone_ends_all_calls_and_is_told_at_the_end(error: PlatformError) -> None:
    async def main() -> None:
        async with LiveReply(chat, Pacer(), log=Log(), turn=TURN, idempotency_key="m") as reply:
            for word in WORDS:
                reply.write(word)
                await asyncio.sleep(0.1)
            assert reply.broken is error
            with pytest.raises(type(error)):
                await reply.finish("It broke off.")

    chat = Chat()
    chat.faults = [None, None, error]
    run(main())
    assert len(chat.calls) == 3


def test_leaving_early_stops_and_leaves_what_was_shown() -> None:
    async def main() -> None:
        async with LiveReply(chat, Pacer(), log=Log(), turn=TURN, idempotency_key="m") as reply:
            reply.write("Some words of an answer")
            await asyncio.sleep(3)
            reply.write(" that nobody sees")

    chat = Chat()
    run(main())
    assert chat.shown == ["Some words of an answer"]


def test_a_broken_store_is_told_and_not_swallowed() -> None:
    class Broken(Log):
        async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
            raise StoreError("The disk is full.", f"{turn} {part}")

    with pytest.raises(StoreError):
        run(answer(Chat(), log=Broken()))


def test_a_restart_edits_the_messages_that_are_there() -> None:
    chat, log = Chat(), Log()
    chat.messages = {"id-ab12cd34.0": "What the process before had shown of"}
    run(
        answer(
            chat, ["A new answer, and a short one."], parts=[AnswerMessage(0, "ab12cd34.0", "id-ab12cd34.0")], log=log
        )
    )
    assert chat.shown == ["A new answer, and a short one."]
    assert log.rows == []


def test_a_restart_looks_for_a_message_whose_post_was_not_confirmed() -> None:
    chat, log = Chat(), Log()
    chat.messages, chat.ids = {"id-m.0": "Old text"}, {"m.0": "id-m.0"}
    run(answer(chat, ["A new answer, and a short one."], parts=[AnswerMessage(0, "m.0")], log=log, idempotency_key="m"))
    assert chat.may_exist == [True]
    assert chat.shown == ["A new answer, and a short one."]
    assert log.rows == [("posted", AnswerMessage(0, "m.0", "id-m.0"))]


def test_messages_a_shorter_answer_no_longer_needs_are_deleted() -> None:
    chat = Chat()
    chat.messages = {f"id-m.{i}": "old" for i in range(3)}
    run(
        answer(
            chat,
            ["Short it is."],
            parts=[AnswerMessage(i, f"m.{i}", f"id-m.{i}") for i in range(3)],
            idempotency_key="m",
        )
    )
    assert chat.shown == ["Short it is."]


def test_the_note_is_the_last_paragraph_with_its_markup_escaped() -> None:
    chat = Chat()
    run(answer(chat, ["An answer."], note="I could not read my_file_*1*.png."))
    assert chat.shown == ["An answer.\n\n*I could not read my\\_file\\_\\*1\\*.png.*"]


def test_a_note_that_does_not_fit_gets_a_message_of_its_own() -> None:
    chat = Chat(size=200)
    run(answer(chat, ["x" * 60 + " "] * 3, note="Claude reached its limit."))
    assert chat.shown[-1] == "*Claude reached its limit.*"
    assert len(chat.shown) == 2


def test_an_answer_without_text_shows_the_note_or_says_so() -> None:
    chat = Chat()
    run(answer(chat, [], note="It broke off."))
    assert chat.shown == ["*It broke off.*"]
    chat = Chat()
    run(answer(chat, [" \n"]))
    assert chat.shown == ["*Claude returned no text.*"]


def test_a_second_finish_replaces_the_note() -> None:
    async def main() -> None:
        async with LiveReply(chat, Pacer(), log=Log(), turn=TURN, idempotency_key="m") as reply:
            reply.write("An answer.")
            await reply.finish()
            await reply.finish("Our fault.")

    chat = Chat()
    run(main())
    assert chat.shown == ["An answer.\n\n*Our fault.*"]


def test_a_mark_too_long_for_the_platforms_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 21"):
        run(answer(Chat(), idempotency_key="m" * 22))


faults = st.lists(
    st.one_of(
        st.none(),
        st.builds(away),
        st.builds(lambda: (away(), "landed")),
        st.builds(lambda s: RateLimited("Slow down.", retry_after_s=s), st.floats(0, 20)),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(faults, st.sampled_from([200, 2000]), st.floats(0, 0.5), st.integers(0, 3))
def test_whatever_fails_the_reader_ends_with_the_whole_text_once(
    failing: list[object], size: int, latency_s: float, old: int
) -> None:
    chat = Chat(size=size)
    chat.faults, chat.latency_s = failing, latency_s
    chat.messages = {f"id-m.{i}": "old" for i in range(old)}
    run(answer(chat, parts=[AnswerMessage(i, f"m.{i}", f"id-m.{i}") for i in range(old)], idempotency_key="m"))
    expected = [page.text for page in pages("".join(WORDS), chat.dialect, size)]
    assert chat.shown == expected
