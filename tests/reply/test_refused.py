"""What a reply does about calls that the platform refuses for good."""

import asyncio

import pytest
from reply_fakes import Chat, answer, reply_in, run

from bot.errors import Forbidden, Rejected
from bot.events import Button

TEXT = "".join(f"word{number} " for number in range(60))


def test_a_message_whose_edits_are_rejected_gives_way_to_the_whole_answer_at_its_end() -> None:
    chat = Chat()
    chat.refuses["edit"] = Rejected("No.")
    run(answer(chat, buttons=[Button.RETRY]))
    assert chat.shown == [TEXT]
    assert [chat.buttons[message] for message in chat.messages] == [(Button.RETRY,)]
    assert len(chat.kinds("edit")) == 1


def test_a_reply_that_is_refused_keeps_what_was_shown_and_says_why() -> None:
    chat = Chat()

    async def refused() -> None:
        async with reply_in(chat) as reply:
            reply.write("The first words are here. ")
            while not chat.messages:
                reply.write("And more. ")
                await asyncio.sleep(0.1)
            chat.faults = [Forbidden("No.")]
            reply.write("What nobody reads.")
            with pytest.raises(Forbidden):
                await reply.finish()
            await reply.give_up("It was not taken.", buttons=[Button.RETRY])

    run(refused())
    [shown] = chat.shown
    assert shown.startswith("The first words are here.")
    assert shown.endswith("*It was not taken.*")
    assert "What nobody reads" not in shown
    assert list(chat.buttons.values()) == [(Button.RETRY,)]


def test_where_no_edit_is_allowed_any_more_the_sentence_is_a_new_message_in_place_of_the_old_one() -> None:
    chat = Chat()

    async def refused() -> None:
        async with reply_in(chat) as reply:
            reply.write("The first words are here. " * 4)
            await asyncio.sleep(5.0)
            chat.refuses["edit"] = Forbidden("No.")
            with pytest.raises(Forbidden):
                await reply.finish("Never seen.")
            await reply.give_up("It was not taken.")

    run(refused())
    [shown] = chat.shown
    assert shown.endswith("*It was not taken.*")
    assert [chat.buttons[message] for message in chat.messages] == [()]


def test_a_reply_of_which_nothing_was_taken_is_the_sentence_alone() -> None:
    chat = Chat()
    chat.faults = [Rejected("No.")]

    async def refused() -> None:
        async with reply_in(chat) as reply:
            reply.write("The first words are here. " * 4)
            with pytest.raises(Rejected):
                await reply.finish()
            await reply.give_up("It was not taken.")

    run(refused())
    assert chat.shown == ["*It was not taken.*"]
