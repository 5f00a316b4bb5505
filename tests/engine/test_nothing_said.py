"""Questions without words: the bot is called to what is there."""

from pathlib import Path

import pytest
from engine_room import ADA, GRACE, MOD, Chat, Room, key, message, room
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.answer.prompt.user_message import before_turn
from bot.engine.sentences import DELETED
from bot.events import Button, Incoming, Said, Upload
from bot.simulator.claude import Reply, SimulatedClaude

NOTHING = ["", " ", "?!", "…", "👋", ":tada:", "[Sticker: Wave]", "\u200b", "\u2060\ufeff", ":+1: :a-b_c:"]
FILE = Upload("7", "notes.txt", "https://files/notes.txt", "text/plain", 5)


def said(number: int, text: str, **more: object) -> Said:
    return Said(GRACE, text, message_id=str(number), **more)  # type: ignore[arg-type]


def about(prompt: str) -> str:
    assert prompt.count("<about>") == 1
    return prompt[prompt.index("<about>") : prompt.index("</about>")]


@pytest.mark.parametrize("text", NOTHING)
def test_a_mention_a_sign_an_emoji_and_a_sticker_have_no_words(text: str) -> None:
    assert not message(1, text).has_words


@pytest.mark.parametrize("text", ["?a", "7", "да", "什么", ":tada: now", "a:b", "[Sticker: Wave] why"])
def test_a_word_in_any_script_and_a_number_are_words(text: str) -> None:
    assert message(1, text).has_words


@pytest.mark.parametrize("text", NOTHING)
async def test_a_question_without_words_is_answered_and_told_as_it_is(here: Room, text: str) -> None:
    await here.say(100, text)
    await here.ended(100, "delivered")
    [told] = here.claude.requests[-1].body["messages"]
    assert told["content"][-1]["text"] == f'<message from="Ada" id="{ADA.id}">\n{text}\n</message>'


async def test_a_call_without_words_is_about_the_talk_before_it(here: Room) -> None:
    here.chat.before = [said(1, "The build is red"), Said(MOD, "Since noon", message_id="2")]
    await here.say(100, "", in_thread=False)
    await here.ended(100, "delivered")
    assert about(here.prompt()).index("The build is red") < about(here.prompt()).index("Since noon")
    assert "<context>" not in here.prompt()


async def test_a_question_with_words_has_the_talk_before_it_as_background(here: Room) -> None:
    here.chat.before = [said(1, "The build is red")]
    await here.say(100, "What is 2 + 2?")
    await here.ended(100, "delivered")
    assert "The build is red" in here.prompt().split("</context>")[0]
    assert "<about>" not in here.prompt()


@pytest.mark.parametrize("text", ["", "Is she right?"])
async def test_what_is_replied_to_is_what_the_question_is_about(here: Room, text: str) -> None:
    here.chat.before = [said(1, "Good morning"), said(2, "Use a queue here")]
    await here.say(100, text, reply_to="2")
    await here.ended(100, "delivered")
    assert "Use a queue here" in about(here.prompt())
    assert "Good morning" in here.prompt().split("</context>")[0]


async def test_in_a_followed_thread_it_is_about_what_was_said_to_others_and_nothing_is_told_twice(here: Room) -> None:
    await here.say(100, "The first question")
    await here.ended(100, "delivered")
    here.chat.before = [said(100, "The first question"), Said(ADA, "…", by_bot=True, message_id="101"), said(102, "Hm")]
    await here.say(103, "")
    await here.ended(103, "delivered")
    assert "Hm" in about(here.prompt())
    assert "The first question" not in about(here.prompt())
    here.chat.before.append(said(104, "So?"))
    await here.say(105, "!")
    await here.ended(105, "delivered")
    told = here.claude.requests[-1].body["messages"][-1]
    assert ("So?" in str(told), "Hm" in str(told)) == (True, False)


async def test_an_older_answer_that_is_replied_to_is_told_again(here: Room) -> None:
    here.claude.script(Reply(text="Use a queue."))
    await here.say(100, "What should I use?")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    here.chat.before = [Said(ADA, "Use a queue.", by_bot=True, message_id=answer)]
    await here.say(101, "", reply_to=answer)
    await here.ended(101, "delivered")
    assert 'from="you"' in about(here.prompt())


async def test_a_file_alone_is_answered_and_its_talk_is_what_it_is_about(here: Room) -> None:
    here.chat.files[FILE.url] = b"hello"
    here.chat.before = [said(1, "Does this look right to you?")]
    await here.say(100, "", uploads=(FILE,))
    await here.ended(100, "delivered")
    assert "Does this look right" in about(here.prompt())
    assert "notes.txt" in here.prompt().split("</about>")[1]


async def test_what_the_asker_said_just_before_is_what_a_bare_call_is_about(here: Room) -> None:
    await here.say(99, "Why is the build red?", in_thread=False, mentions_bot=False)
    here.chat.before = [said(98, "Oh no"), Said(ADA, "Why is the build red?", message_id="99")]
    await here.say(100, "", in_thread=False)
    await here.ended(100, "delivered")
    assert here.prompt().count("Why is the build red?") == 1
    assert about(here.prompt()).index("Oh no") < about(here.prompt()).index("Why is")


async def test_a_bare_call_that_was_answered_is_answered_again_by_retry(here: Room) -> None:
    here.claude.script(Reply(text="Hello there."), Reply(text="Hello once more."))
    await here.say(100, "")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    assert await here.press(Button.RETRY, answer) == ""
    await here.chat.until(lambda: "once more" in here.chat.shown[answer].text)
    await here.ended(100, "delivered")
    assert DELETED not in here.chat.texts


async def test_a_bare_call_whose_answer_was_cut_by_a_restart_is_answered(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    chat = Chat()
    claude.script(Reply(pieces=["The first half, and", " more."], stall_after=1), Reply(text="The whole of it."))
    async with room(tmp_path, claude, chat) as here:
        await here.say(100, "")
        await chat.until(lambda: any("first half" in text for text in chat.texts))
    async with room(tmp_path, claude, chat) as here:
        await here.ended(100, "delivered")
    assert "The whole of it." in chat.lines[0]
    assert not any(DELETED in text for text in chat.texts)


async def test_only_what_was_deleted_is_called_deleted(here: Room) -> None:
    here.claude.script(Reply(pieces=["The first half, and", " more."], stall_after=1))
    await here.say(100, "")
    await here.chat.until(lambda: any("first half" in text for text in here.chat.texts))
    await here.delete(100)
    await here.chat.until(lambda: DELETED in here.chat.lines[0])
    await here.ended(100, "stopped")
    turn = await here.store.turns.find(key("100"))
    assert turn is not None
    assert turn.asked == ()


@given(
    texts=st.lists(st.sampled_from(["", "!", "words"]), min_size=1, max_size=3),
    replies=st.lists(st.sampled_from(["", "1", "2", "77"]), min_size=3, max_size=3),
    ids=st.lists(st.sampled_from(["1", "2", "3", "10"]), unique=True),
    told=st.sets(st.sampled_from(["1", "2", "3"])),
)
def test_each_line_is_told_once_or_not_at_all_if_the_history_has_it(
    texts: list[str], replies: list[str], ids: list[str], told: set[str]
) -> None:
    asked: list[Incoming] = [message(100 + n, text, reply_to=replies[n]) for n, text in enumerate(texts)]
    history = [{"role": "user", "content": [{"type": "text", "text": "", "line": one} for one in sorted(told)]}]
    before = before_turn(asked, [Said(GRACE, "", message_id=one) for one in ids], history if told else [])
    lines = [*before.background, *(line for lines in before.about.values() for line in lines)]
    replied = {question.reply_to for question in asked}
    assert {line.message_id for line in lines} == {one for one in ids if one not in told or one in replied}
    assert len(before.background) == len({line.message_id for line in before.background})
    if not any(question.has_words for question in asked):
        assert not before.background or replied & set(ids)
