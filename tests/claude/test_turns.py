"""A turn of a chat is committed whole or not at all, and a chat can always go on."""

import asyncio
import json

import pytest

from bot.claude import AsyncChat, InvalidRequest, Overloaded, StreamCut, contents, img_msg, mk_msgs
from bot.claude.messages.blocks import EMPTY_REPLY
from bot.simulator.claude import Reply


@pytest.fixture
async def chat(c, claude) -> AsyncChat:
    """A chat with one turn behind it."""
    made = AsyncChat(cli=c)
    claude.script(Reply(text="Hello"))
    await made("Hi")
    return made


def roles(chat) -> list[str]:
    return [message["role"] for message in chat.h]


async def test_after_an_error_the_history_is_as_before_and_the_usage_is_counted_and_marked(chat, claude):
    before, used = json.dumps(chat.h), chat.use
    claude.script(Reply(text="Half of an answer that is long enough", error_after=3, usage={"input_tokens": 70}))
    with pytest.raises(Overloaded) as caught:
        await chat("And?")
    assert caught.value.text_so_far == "Half of an"
    assert json.dumps(chat.h) == before
    assert chat.use.input_tokens == used.input_tokens + 70
    assert chat.use.estimated_output_tokens == round(len("Half of an") / 3.5)
    assert "~" in repr(chat.use)


async def test_a_cancelled_turn_leaves_no_trace_but_its_usage(chat, claude, c):
    before, used = json.dumps(chat.h), c.use.input_tokens
    claude.script(Reply(text="one two three four", gate=asyncio.Event(), gate_at=2))
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in await chat("And?", stream=True):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert json.dumps(chat.h) == before
    assert c.use.input_tokens > used
    assert c.use.estimated_output_tokens > 0
    assert (await claude.next_disconnect()).done == "disconnected"


async def test_a_stream_that_is_dropped_in_the_middle_leaves_no_trace_and_the_chat_goes_on(chat, claude):
    before = json.dumps(chat.h)
    claude.script(Reply(text="one two three", gate=asyncio.Event(), gate_at=2), Reply(text="Yes"))
    async for _ in await chat("And?", stream=True):
        break
    await claude.next_disconnect()
    assert json.dumps(chat.h) == before
    assert contents(await chat("Still there?")) == "Yes"
    assert claude.count == 3
    assert roles(chat) == ["user", "assistant"] * 2


async def test_a_stream_that_is_kept_but_not_read_on_is_closed_by_the_next_prompt(chat, claude):
    claude.script(Reply(text="one two three", gate=asyncio.Event(), gate_at=2), Reply(text="Yes"))
    left = await chat("And?", stream=True)
    async for _ in left:
        break
    assert contents(await chat("Still there?")) == "Yes"
    with pytest.raises(StreamCut, match="asked again"):
        await anext(left)
    assert left.value is None
    assert roles(chat) == ["user", "assistant"] * 2


async def test_a_stream_left_by_a_task_that_is_over_does_not_lock_the_chat_for_ever(client, claude):
    chat = AsyncChat(cli=client(stall_s=0.2))
    claude.script(Reply(text="one two three", gate=asyncio.Event(), gate_at=2), Reply(text="Yes"))
    left = await chat("And?", stream=True)
    assert await asyncio.wait_for(anext(left), 120) == "one"  # which reads it in a task of its own
    assert contents(await chat("Still there?")) == "Yes"
    with pytest.raises(StreamCut, match="asked again"):
        await anext(left)


async def test_a_stream_may_be_read_by_one_task_after_the_other(chat, claude):
    claude.script(Reply(text="one two three"), Reply(text="Yes"))
    stream = await chat("And?", stream=True)
    got = [await asyncio.wait_for(anext(stream), 120)]
    waiting = asyncio.create_task(chat("Still there?"))
    while (piece := await asyncio.wait_for(anext(stream, None), 120)) is not None:
        got.append(piece)
    assert "".join(got) == "one two three"
    assert contents(await waiting) == "Yes"


async def test_an_error_before_the_answer_leaves_the_history_as_before(chat, claude):
    before = json.dumps(chat.h)
    claude.script(Reply(status=400, error_message="no"))
    with pytest.raises(InvalidRequest):
        await chat("And?")
    assert json.dumps(chat.h) == before


async def test_a_prompt_that_is_always_refused_does_not_lock_the_chat(chat):
    broken = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            await chat([broken, "What is this?"])
    assert contents(await chat("Never mind")).startswith("**This is a simulation")
    assert roles(chat) == ["user", "assistant"] * 2


async def test_two_prompts_at_once_are_answered_one_after_the_other(c, claude):
    chat = AsyncChat(cli=c)
    gate = asyncio.Event()
    claude.script(Reply(text="for Alice", gate=gate), Reply(text="for Bob"))
    alice = asyncio.create_task(chat("Alice asks"))
    await claude.until(lambda: claude.count == 1)
    bob = asyncio.create_task(chat("Bob asks"))
    gate.set()
    assert [contents(await alice), contents(await bob)] == ["for Alice", "for Bob"]
    assert claude.count == 2
    assert [contents(message) for message in chat.h] == ["Alice asks", "for Alice", "Bob asks", "for Bob"]


async def test_chats_on_one_client_never_mix_up_their_answers(c, claude):
    chats = [AsyncChat(cli=c) for _ in range(8)]
    claude.otherwise = lambda body: Reply(text="about " + body["messages"][-1]["content"][0]["text"], piece_s=0.001)

    async def ask(chat: AsyncChat, number: int) -> None:
        for turn in range(3):
            async with await chat(f"{number}.{turn}", stream=True) as stream:
                async for _ in stream:
                    pass
            assert contents(stream.value) == f"about {number}.{turn}"

    async with asyncio.TaskGroup() as group:
        for number, chat in enumerate(chats):
            group.create_task(ask(chat, number))
    for number, chat in enumerate(chats):
        assert [contents(message) for message in chat.h[1::2]] == [f"about {number}.{turn}" for turn in range(3)]
        assert chat.use.output_tokens == sum(-(-len(f"about {number}.0") // 4) for _ in range(3))
    assert c.use.output_tokens == sum(chat.use.output_tokens for chat in chats)


async def test_an_empty_prompt_is_refused_before_the_request_and_changes_nothing(c, claude):
    chat = AsyncChat(cli=c)
    for empty in ("", "  \n", [], ["", " "], None):
        with pytest.raises(ValueError, match="nothing to answer"):
            await chat(empty)
    assert claude.count == 0
    assert chat.h == []


async def test_an_image_without_words_is_a_prompt(c, png):
    chat = AsyncChat(cli=c)
    await chat(["", img_msg(png)])
    assert [block["type"] for block in chat.h[0]["content"]] == ["image"]
    await chat(png)
    assert "Images seen so far in this conversation: 2" in contents(chat.h[-1])


@pytest.mark.parametrize("blocks", [[{"type": "text", "text": ""}], [{"type": "text", "text": " \n"}], []])
async def test_an_answer_without_words_leaves_a_chat_that_goes_on(chat, claude, blocks):
    claude.script(Reply(blocks=blocks, stop_reason="end_turn"))
    answer = await chat("Say nothing")
    assert contents(answer) == ""
    assert contents(chat.h[-1]) == EMPTY_REPLY
    assert contents(await chat("And now?"))
    assert roles(chat) == ["user", "assistant"] * 3


async def test_going_on_without_a_prompt_needs_a_continuation_prompt(chat, claude):
    with pytest.raises(ValueError, match="cont_pr"):
        await chat()
    chat.cont_pr = "Go on."
    claude.script(Reply(text="More"))
    assert contents(await chat()) == "More"
    assert contents(chat.h[-2]) == "Go on."


async def test_a_chat_needs_a_model_or_a_client_and_no_empty_continuation(c):
    with pytest.raises(ValueError, match="model"):
        AsyncChat()
    with pytest.raises(ValueError, match="cont_pr"):
        AsyncChat(cli=c, cont_pr="")


async def test_a_history_goes_through_json_and_continues(chat, c, claude, png):
    await chat([png, "What is this?"])
    stored = json.loads(json.dumps(chat.h))
    assert stored == chat.h
    again = AsyncChat(cli=c, hist=stored)
    await again("And what did I ask first?")
    assert claude.requests[-1].body["messages"][:-1] == stored
    assert "> Hi" in contents(again.h[-1])
    assert len(stored) == 4


async def test_roles_of_a_restored_history_are_kept_as_they_are(c, claude):
    stored = [{"role": role, "content": role} for role in ("user", "user", "assistant", "assistant")]
    chat = AsyncChat(cli=c, hist=stored)
    await chat("Go")
    assert [m["role"] for m in claude.requests[-1].body["messages"]] == [m["role"] for m in stored] + ["user"]
    for wrong in ({"role": "robot", "content": "x"}, {"role": "user", "content": [{"text": "x"}]}):
        with pytest.raises(ValueError, match="hist"):
            AsyncChat(cli=c, hist=[wrong])


async def test_a_history_may_be_of_texts_and_answers(c, claude):
    answer = await c("Hi")
    chat = AsyncChat(cli=c, hist=["Hi", answer, "Once more", json.loads(json.dumps(answer))])
    await chat("Go")
    assert [m["role"] for m in claude.requests[-1].body["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert all(set(message) == {"role", "content"} for message in chat.h)


async def test_what_already_waits_for_an_answer_is_joined_by_the_prompt_or_answered_alone(c, claude):
    waiting = [{"role": "user", "content": "First"}]
    joined, alone = AsyncChat(cli=c, hist=waiting), AsyncChat(cli=c, hist=waiting)
    await joined("Second")
    assert [block["text"] for block in joined.h[0]["content"]] == ["First", "Second"]
    await alone()
    assert contents(alone.h[0]) == "First"
    assert claude.count == 2
    assert waiting == [{"role": "user", "content": "First"}]


async def test_half_a_surrogate_pair_in_a_prompt_does_no_harm(chat, claude):
    await chat("\ud83d is half an emoji, \U0001f600 a whole one")
    sent = claude.requests[-1].body["messages"][-1]["content"][0]["text"]
    assert sent == "? is half an emoji, \U0001f600 a whole one"


async def test_a_prompt_that_is_no_json_is_an_error_before_the_request(c, claude):
    chat = AsyncChat(cli=c)
    with pytest.raises(TypeError, match="serializable"):
        await chat([{"type": "text", "text": "Hi", "when": object()}])
    assert claude.count == 0
    assert chat.h == []


async def test_a_refused_turn_is_not_kept_and_says_so(chat, claude):
    before = json.dumps(chat.h)
    claude.script(Reply(text="I", stop_reason="refusal", stop_details={"type": "refusal", "category": "cyber"}))
    answer = await chat("Something bad")
    assert answer.stop_reason == "refusal"
    assert json.dumps(chat.h) == before


async def test_the_clients_last_result_and_log_are_kept(client, claude):
    c = client(log=True)
    assert (c.result, c.stop_reason, c.stop_sequence) == (None, None, None)
    claude.script(Reply(text="one, two, three"))
    answer = await c("Count", stop=", three", sp="Brief.")
    assert c.result is answer
    assert (c.stop_reason, c.stop_sequence, contents(answer)) == ("stop_sequence", ", three", "one, two")
    (entry,) = c.log
    assert entry["system"] == "Brief."
    assert entry["messages"] == mk_msgs("Count")
    assert entry["result"] is answer
