"""Buttons, the line that says what is going on, and answers that begin anew."""

import asyncio
from dataclasses import replace

import pytest
from reply_fakes import WORDS, Chat, Log, answer, reply_in, run

from bot.errors import Gone
from bot.events import AnswerMessage, Budget, Button
from bot.reply import pages

STOP = (Button.STOP,)


def test_the_stop_button_stands_below_the_newest_message_and_others_below_the_finished_one() -> None:
    class Watched(Chat):
        def _show(self, *args: object, **kwargs: object) -> None:
            super()._show(*args, **kwargs)  # type: ignore[arg-type]
            seen.append(list(self.buttons.values()))

    seen: list[list[tuple[Button, ...]]] = []
    chat = Watched(size=200)
    run(answer(chat, buttons=(Button.RETRY, Button.CONTINUE)))
    assert list(chat.buttons.values()) == [(), (), (Button.RETRY, Button.CONTINUE)]
    assert {shown[-1] for shown in seen[:-1]} == {STOP, ()}
    assert sum(shown[-1] == STOP for shown in seen) > len(seen) - 2 - len(chat.messages)
    assert all(shown[:-1] == [()] * (len(shown) - 1) for shown in seen)


def test_a_page_that_is_full_is_edited_for_the_last_time_once_and_loses_its_button_by_that() -> None:
    with_button, without = Chat(size=200), Chat(size=200)
    run(answer(with_button))
    run(answer(without, stoppable=False))
    assert [call[:3] for call in with_button.calls] == [call[:3] for call in without.calls]
    assert set(without.buttons.values()) == {()}


def test_every_message_is_said_to_be_whole_exactly_once() -> None:
    chat, ended = Chat(size=200), list[str]()

    class Ends(Chat):
        def _show(self, message_id: str, *args: object, growing: bool) -> None:
            super()._show(message_id, *args, growing=growing)  # type: ignore[arg-type]
            ended.extend([] if growing else [message_id])

    chat = Ends(size=200)
    run(answer(chat))
    assert ended == list(chat.messages)
    assert set(chat.growing.values()) == {False}


def test_an_answer_that_is_whole_before_it_is_shown_is_posted_as_that() -> None:
    chat = Chat()
    run(answer(chat, ["All of it."], every_s=0, buttons=(Button.RETRY,)))
    assert [kind for _, kind, _, _ in chat.calls] == ["post"]
    assert (chat.growing, chat.buttons) == ({"id-ab12cd34.0": False}, {"id-ab12cd34.0": (Button.RETRY,)})


def ending_chat(calls: int, **kwargs: int) -> Chat:
    chat = Chat(**kwargs)
    chat.limits = replace(chat.limits, ends=Budget("end:c", calls, 60.0))
    return chat


def test_where_ends_are_counted_apart_text_goes_out_before_them() -> None:
    chat = ending_chat(20)
    run(answer(chat, buttons=(Button.RETRY,)))
    *_, (_, before, _, text), (_, last, _, again) = chat.calls
    assert (before, last) == ("edit", "end")
    assert text == again == "".join(WORDS)
    assert list(chat.buttons.values()) == [(Button.RETRY,)]


def test_scarce_ends_delay_no_text() -> None:
    chat = ending_chat(1, size=200)
    run(answer(chat, [*WORDS, *WORDS]))
    written_s = 1000 + len(WORDS) * 2 * 0.1
    ends = [(at_s, what) for at_s, kind, what, _ in chat.calls if kind == "end"]
    seen_s = max(at_s for at_s, kind, _, _ in chat.calls if kind != "end")
    assert sorted(what for _, what in ends) == sorted(chat.messages)
    assert [at_s for at_s, _ in ends[1:]] == pytest.approx([ends[0][0] + 60.1 * n for n in range(1, len(ends))], abs=1)
    assert seen_s < written_s + 2
    assert chat.shown == [page.text for page in pages("".join(WORDS * 2), chat.dialect, 200)]
    assert set(chat.growing.values()) == {False}


def test_an_end_that_waits_gives_way_to_new_text() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.write("word " * 42)
            await asyncio.sleep(5)
            reply.write("and so on " * 30)
            await asyncio.sleep(5)
            reply.write("and a sudden end")
            await asyncio.sleep(2)
            assert chat.shown[-1].endswith("and a sudden end")
            await reply.finish()

    chat = ending_chat(1, size=200)
    run(main())


def test_what_is_going_on_stands_below_the_text_until_there_is_more_of_that() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.write("Let me look for that.")
            await asyncio.sleep(2)
            reply.set_activity("searching the web…")
            await asyncio.sleep(2)
            reply.set_activity("reading [3] pages…")
            await asyncio.sleep(2)
            reply.write(" Found")
            await asyncio.sleep(2)
            reply.set_activity("thinking…")
            await asyncio.sleep(2)
            reply.set_activity("")
            await asyncio.sleep(2)
            reply.set_activity("and the end")
            await reply.finish()

    chat = Chat()
    run(main())
    first, second = "Let me look for that.", "Let me look for that. Found"
    assert chat.kinds("post", "edit") == [
        first,
        f"{first}\n\n*searching the web…*",
        f"{first}\n\n*reading \\[3\\] pages…*",
        second,
        f"{second}\n\n*thinking…*",
        second,
        second,
    ]


def test_what_is_going_on_is_a_first_post_when_nothing_else_was_for_300_ms() -> None:
    async def main(first_s: float) -> None:
        async with reply_in(chat) as reply:
            reply.set_activity("waiting for a place…")
            await asyncio.sleep(first_s)
            reply.set_activity("")
            await asyncio.sleep(2)
            reply.write("Here is the answer.")
            await asyncio.sleep(2)
            await reply.finish()

    chat = Chat()
    run(main(0.2))
    assert chat.kinds("post", "edit") == ["Here is the answer."] * 2
    chat = Chat()
    run(main(2))
    assert chat.calls[0][0] - 1000 == pytest.approx(0.3)
    assert chat.kinds("post", "edit") == ["*waiting for a place…*", "*…*", *["Here is the answer."] * 2]


def test_a_line_that_was_never_shown_hurries_no_first_word() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.set_activity("waiting for a place…")
            await asyncio.sleep(0.2)
            reply.write("No")
            await asyncio.sleep(0.2)
            reply.write(", and that is all.")
            await reply.finish()

    chat = Chat()
    run(main())
    assert chat.kinds("post", "edit") == ["No, and that is all."]


def test_a_line_that_does_not_fit_below_a_full_page_is_left_out() -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.write("w" * 195)
            await asyncio.sleep(2)
            reply.set_activity("searching the web…")
            await asyncio.sleep(2)

    chat = Chat(size=200)
    run(main())
    assert chat.kinds("post", "edit") == ["w" * 195]


@pytest.mark.parametrize("append_only", [False, True])
def test_an_answer_that_begins_anew_does_so_in_the_messages_that_are_there(*, append_only: bool) -> None:
    async def main() -> None:
        async with reply_in(chat) as reply:
            reply.write("Words of the first try. " * 12)
            await asyncio.sleep(3)
            before = chat.shown
            reply.restart()
            await asyncio.sleep(3)
            assert chat.shown == before
            reply.write("The second try " * 12)
            await asyncio.sleep(2)
            assert chat.shown == before
            reply.write("is longer than the first one. " * 5)
            await asyncio.sleep(5)
            assert "first try" not in "".join(chat.shown)
            await reply.finish()

    chat = Chat(size=200)
    chat.limits = replace(chat.limits, append_only=append_only)
    run(main())
    assert "".join(chat.shown).split() == ("The second try " * 12 + "is longer than the first one. " * 5).split()
    assert {chat.growing[message] for message in chat.messages} == {False}


def test_a_message_that_was_deleted_since_an_earlier_attempt_is_replaced() -> None:
    chat = Chat()
    chat.messages = {"id-m.0": "old"}
    chat.faults = [Gone("It is gone.")]
    log = Log()
    run(
        answer(
            chat,
            ["A new answer, and a short one."],
            parts=[AnswerMessage(0, "m.0", "id-m.0")],
            idempotency_key="m",
            log=log,
        )
    )
    del chat.messages["id-m.0"]
    assert log.parts == {0: AnswerMessage(0, "-m.0"), 1: AnswerMessage(1, "m.1", "id-m.1")}
    assert chat.shown == ["A new answer, and a short one."]
    assert list(chat.messages) == ["id-m.1"]


def test_a_message_that_was_deleted_is_replaced_also_while_more_text_comes() -> None:
    async def main() -> None:
        async with reply_in(chat, parts=[AnswerMessage(0, "m.0", "id-m.0")], shown="The whole") as reply:
            reply.write("The whole text that an earlier process had written. ")
            for number in range(40):
                reply.write(f"word{number} ")
                await asyncio.sleep(0.03)
            await reply.finish()

    chat = Chat()
    chat.faults = [Gone("It is gone.")]
    run(main())
    assert chat.shown[-1].split()[-41:] == ["written.", *(f"word{number}" for number in range(40))]


def test_a_readable_beginning_is_posted_at_once() -> None:
    async def main() -> int:
        async with reply_in(chat) as reply:
            await asyncio.sleep(1)
            reply.write("The answer is this: ")
            for rounds in range(5):
                if chat.calls:
                    return rounds
                await asyncio.sleep(0)
        raise AssertionError("nothing was posted")

    chat = Chat()
    assert run(main()) <= 2
