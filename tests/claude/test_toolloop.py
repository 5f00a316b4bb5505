"""The loop that asks until no tool is asked for any more."""

import pytest

from bot.claude import AsyncChat, End, ToolResult, contents
from bot.simulator.claude import Reply


def use(name, identity="toolu_1", /, **given) -> dict:
    return {"type": "tool_use", "id": identity, "name": name, "input": given}


def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


def fails(a: int) -> int:
    """Fail."""
    raise KeyError(f"no such {a}")


async def test_the_loop_goes_on_until_no_tool_is_asked_for(c, claude):
    claude.script(
        Reply(blocks=[{"type": "text", "text": "First."}, use("add", "toolu_1", a=1)]),
        Reply(blocks=[use("add", "toolu_2", a=2), use("fails", "toolu_3", a=2)]),
        Reply(text="Done."),
    )
    chat = AsyncChat(cli=c, tools=[add, fails])
    stream = chat.toolloop("Add things")
    assert "".join([piece async for piece in stream]) == "First.\n\nDone."
    assert contents(stream.value) == "Done."
    assert [m["role"] for m in chat.h] == ["user", "assistant"] * 3
    assert stream.usage == chat.use
    assert claude.count == 3


async def test_the_loop_tells_of_each_step(c, claude):
    claude.script(Reply(blocks=[use("add", a=1)]), Reply(text="Two"))
    chat = AsyncChat(cli=c, tools=[add])
    events = [event async for event in chat.toolloop("Add").events()]
    assert [e.content for e in events if isinstance(e, ToolResult)] == ["2"]
    assert [e.message.stop_reason for e in events if isinstance(e, End)] == ["tool_use", "end_turn"]
    assert contents(await chat.toolloop("And now without")) == contents(chat.h[-1])


async def test_a_chat_that_has_what_the_finished_requests_added_goes_on_where_another_one_stopped(c, claude):
    claude.script(Reply(blocks=[use("add", "toolu_1", a=1)]), Reply(blocks=[use("add", "toolu_2", a=2)]))
    whole = AsyncChat(cli=c, tools=[add])
    claude.otherwise = Reply(text="Done.")
    ends = [event async for event in whole.toolloop("Add things").events() if isinstance(event, End)]
    added = [message for end in ends for message in end.added]
    assert [{"role": "user", "content": [{"type": "text", "text": "Add things"}]}, *added] == whole.h
    for known in range(1, len(ends)):
        before = [whole.h[0], *[message for end in ends[:known] for message in end.added]]
        resumed = AsyncChat(cli=c, tools=[add], hist=before)
        claude.script(*[Reply(blocks=[use("add", "toolu_2", a=2)])] * (len(ends) - 1 - known))
        assert contents(await resumed.toolloop()) == "Done."
        assert resumed.h == whole.h


async def test_a_refused_request_adds_nothing(c, claude):
    claude.script(Reply(text="No", stop_reason="refusal"))
    chat = AsyncChat(cli=c, tools=[add])
    [end] = [event async for event in chat.toolloop("Add").events() if isinstance(event, End)]
    assert (end.added, chat.h) == ((), [])


async def test_a_loop_that_takes_too_long_ends_with_an_answer(c, claude):
    claude.otherwise = lambda body: (
        Reply(text="So far: 2")
        if body.get("tool_choice") == {"type": "none"}
        else Reply(blocks=[use("add", f"toolu_{len(body['messages'])}", a=1)])
    )
    chat = AsyncChat(cli=c, tools=[add])
    answer = await chat.toolloop("Add for ever", max_steps=2, final_prompt="Say what you have.")
    assert contents(answer) == "So far: 2"
    assert claude.count == 3
    assert [m["role"] for m in chat.h] == ["user", "assistant"] * 3
    assert chat.h[-2]["content"][-1] == {"type": "text", "text": "Say what you have."}
    unfinished = AsyncChat(cli=c, tools=[add])
    await unfinished.toolloop("Add", max_steps=1, final_prompt="")
    assert unfinished.h[-1]["content"][0]["type"] == "tool_result"
    with pytest.raises(ValueError, match="max_steps"):
        unfinished.toolloop("Add", max_steps=0)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_loop_can_be_ended_by_a_function(c, claude, kind):
    asked = []

    def enough(message) -> bool:
        asked.append(message)
        return len(asked) < 2

    async def enough_async(message) -> bool:
        return enough(message)

    claude.script(*[Reply(blocks=[use("add", f"toolu_{n}", a=n)]) for n in range(2)], Reply(text="Stopped"))
    chat = AsyncChat(cli=c, tools=[add])
    answer = await chat.toolloop("Add", cont_func=enough if kind == "sync" else enough_async)
    assert contents(answer) == "Stopped"
    assert len(asked) == 2


async def test_a_loop_that_fails_leaves_the_history_as_before_and_counts_everything(c, claude):
    chat = AsyncChat(cli=c, tools=[add])
    await chat("Hi")
    before, used = list(chat.h), chat.use
    claude.script(Reply(blocks=[use("add", a=1)], usage={"input_tokens": 100}), Reply(status=400))
    with pytest.raises(Exception, match="refuse"):
        await chat.toolloop("Add")
    assert chat.h == before
    assert chat.use.input_tokens == used.input_tokens + 100


@pytest.mark.parametrize("said", ["", "I write it."])
async def test_a_tool_input_that_never_fits_costs_two_requests(c, claude, said):
    """What does not fit into an answer twice will not fit the third time."""
    words = [{"type": "text", "text": said}] if said else []
    claude.otherwise = lambda _: Reply(blocks=[*words, use("add", f"toolu_{claude.count}", a="9" * 4000)])
    chat = AsyncChat(cli=c, tools=[add])
    answer = await chat.toolloop("Add a large number", maxtok=50)
    assert (claude.count, answer.stop_reason) == (2, "max_tokens")
    assert [m["role"] for m in chat.h] == ["user", "assistant", "user", "assistant"]
    assert "does not fit" in str(chat.h[-1])
    claude.otherwise = None
    await chat("Never mind")
    assert claude.requests[-1].body["messages"][:4] == chat.h[:4]


async def test_a_tool_input_that_fits_the_second_time_is_used(c, claude):
    claude.script(
        Reply(blocks=[use("add", "toolu_1", a="9" * 4000)]), Reply(blocks=[use("add", "toolu_2", a=1)]), Reply(text="2")
    )
    chat = AsyncChat(cli=c, tools=[add])
    assert contents(await chat.toolloop("Add", maxtok=50)) == "2"


async def test_a_forced_tool_is_forced_once_and_not_for_ever(client, claude):
    c = client("claude-sonnet-4-5")
    chat = AsyncChat(cli=c, tools=[add])
    claude.script(Reply(blocks=[use("add", a=1)]), Reply(text="Two"))
    await chat.toolloop("Add", tool_choice="add")
    assert [r.body.get("tool_choice") for r in claude.requests] == [{"type": "tool", "name": "add"}, None]


async def test_a_paused_turn_is_continued_by_a_call_without_prompt_or_by_the_loop(c, claude):
    search = {"type": "web_search_20250305", "name": "web_search"}
    paused = Reply(
        blocks=[
            {"type": "text", "text": "I search."},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        ],
        stop_reason="pause_turn",
    )
    rest = Reply(
        blocks=[
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            {"type": "text", "text": "Found."},
        ]
    )
    for way in ("call", "loop"):
        claude.script(paused, rest)
        chat = AsyncChat(cli=c, tools=[search])
        if way == "call":
            assert (await chat("Search")).stop_reason == "pause_turn"
            answer = await chat()
        else:
            answer = await chat.toolloop("Search")
        assert contents(answer) == "Found."
        assert [m["role"] for m in chat.h] == ["user", "assistant", "assistant"]
        await chat("Thanks")
        assert claude.requests[-1].body["messages"][:3] == chat.h[:3]
    claude.script(paused, Reply(text="Fine"))
    left = AsyncChat(cli=c, tools=[search])
    await left("Search")
    await left("Stop searching")
    assert [b["type"] for b in claude.requests[-1].body["messages"][1]["content"]] == ["text"]
