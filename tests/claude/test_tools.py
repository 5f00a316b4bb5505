"""Tools that Claude asks for: each use gets one result, and nothing a tool does can harm the chat."""

import asyncio
import sys
import threading
from dataclasses import dataclass

import pytest

from bot.claude import (
    AsyncChat,
    Message,
    contents,
    find_block,
    mk_funcres,
    mk_tool_choice,
    mk_toolres,
    mk_toolres_async,
)
from bot.simulator.claude import Reply


def use(name, identity="toolu_1", /, **given) -> dict:
    return {"type": "tool_use", "id": identity, "name": name, "input": given}


def asking(*uses) -> Message:
    return Message(role="assistant", stop_reason="tool_use", content=list(uses))


def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


def fails(a: int) -> int:
    """Fail."""
    raise KeyError(f"no\nsuch {a}")


async def slow(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


async def results(*uses, ns, timeout_s=5.0):
    _, answer = await mk_toolres_async(asking(*uses), ns, timeout_s=timeout_s)
    return answer["content"]


@pytest.mark.parametrize("ns", [{"add": add}, [add], [fails, add]])
def test_functions_are_found_by_their_exact_name(ns):
    answer, told = mk_toolres(asking(use("add", a=2, b=3)), ns=ns)
    assert answer["role"] == "assistant"
    assert told == {"role": "user", "content": [mk_funcres("toolu_1", 5)]}
    assert told["content"][0] == {"type": "tool_result", "tool_use_id": "toolu_1", "content": "5"}


def test_methods_of_an_object_are_found_but_nothing_private():
    class Till:
        def total(self, a: int) -> int:
            """Sum up."""
            return a

        def _open(self) -> str:
            return "money"

    _, told = mk_toolres(asking(use("total", a=1), use("_open", "toolu_2"), use("a.b", "toolu_3")), obj=Till())
    assert [result.get("is_error", False) for result in told["content"]] == [False, True, True]


def test_an_answer_without_tools_is_one_message():
    assert mk_toolres(Message(content=[{"type": "text", "text": "Hi"}]), ns=[add]) == [
        {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}
    ]


async def test_every_use_is_answered_once_whatever_it_is():
    told = await results(
        use("add", "a", a=1),
        use("add", "b", a="x"),
        use("add", "c", a=1, nonsense=2),
        use("nothing", "d"),
        use("fails", "e", a=3),
        use("add.real", "f"),
        use("slow", "g", seconds=60),
        ns=[add, fails, slow],
        timeout_s=0.1,
    )
    assert [result["tool_use_id"] for result in told] == list("abcdefg")
    assert [result.get("is_error", False) for result in told] == [False] + [True] * 6
    text = {result["tool_use_id"]: result["content"] for result in told}
    assert text["a"] == "2"
    assert text["b"].startswith("add was not called: a: Input should be a valid integer")
    assert text["d"] == "There is no tool named 'nothing'"
    assert text["e"] == "KeyError: 'no\\nsuch 3'"
    assert text["g"] == "slow took longer than 0.1 seconds"
    assert not any("\n" in line or "Traceback" in line for line in text.values())


async def test_async_tools_run_at_once_and_sync_ones_off_the_event_loop():
    threads = []
    all_run, all_block = asyncio.Barrier(6), threading.Barrier(3)

    async def meets(number: int) -> int:
        """Wait until all others run, too."""
        await all_run.wait()
        return number

    def blocks(number: int) -> int:
        """Block until the event loop, which is free, lets go."""
        threads.append(threading.current_thread())
        all_block.wait(120)
        return number

    async def let_go() -> None:
        await all_run.wait()
        await asyncio.to_thread(all_block.wait, 120)

    letting_go = asyncio.create_task(let_go())
    uses = [use("meets", f"s{n}", number=n) for n in range(5)] + [use("blocks", f"b{n}", number=n) for n in range(2)]
    told = await results(*uses, ns=[meets, blocks])
    await letting_go
    assert [result["content"] for result in told] == [*"01234", *"01"]
    assert threading.main_thread() not in threads


async def test_a_tool_may_raise_anything_and_time_out_by_itself():
    def stops() -> int:
        """Stop."""
        raise StopIteration("enough")

    async def gives_up() -> int:
        """Give up."""
        raise TimeoutError("the shop did not answer")

    told = await results(use("stops", "a"), use("gives_up", "b"), ns=[stops, gives_up])
    assert [result["content"] for result in told] == [
        "RuntimeError: StopIteration: enough",
        "TimeoutError: the shop did not answer",
    ]


class Untold:
    def __str__(self) -> str:
        raise OSError("no text")


@dataclass
class Picky:
    """Never fine."""

    a: int

    def __post_init__(self) -> None:
        raise KeyError("never")


async def test_a_tool_cannot_end_the_program_nor_the_chat():
    def leaves() -> None:
        """Leave."""
        sys.exit(3)

    async def cancelled() -> None:
        """Give up."""
        raise asyncio.CancelledError("gone")

    def untold() -> Untold:
        """Say nothing."""
        return Untold()

    untold.__annotations__.clear()
    uses = [use("leaves", "a"), use("cancelled", "b"), use("untold", "c"), use("Picky", "d", a=1)]
    told = await results(*uses, ns=[leaves, cancelled, untold, Picky])
    assert [result["content"] for result in told] == [
        "SystemExit: 3",
        "CancelledError: gone",
        "OSError: no text",
        "Picky cannot be called: KeyError: 'never'",
    ]
    assert all(result["is_error"] for result in told)
    _, now = mk_toolres(asking(uses[0], uses[2]), ns=[leaves, untold])
    assert [result["content"] for result in now["content"]] == ["SystemExit: 3", "OSError: no text"]


async def test_a_turn_that_is_cancelled_while_a_tool_runs_leaves_no_trace(c, claude):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        """Wait."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    claude.script(Reply(blocks=[use("waits")]))
    chat = AsyncChat(cli=c, tools=[waits])
    turn = asyncio.create_task(chat("Wait"))
    await begun.wait()
    turn.cancel()
    await asyncio.wait([turn])
    assert turn.cancelled()
    assert ended.is_set()
    assert chat.h == []
    assert chat.use.output_tokens > 0
    assert chat.use.estimated_output_tokens == 0


def test_an_async_function_in_the_sync_way_is_a_clear_error():
    with pytest.raises(TypeError, match="mk_toolres_async"):
        mk_toolres(asking(use("slow", seconds=1)), ns=[slow])


def test_a_tool_can_give_text_numbers_images_and_blocks(png):
    assert mk_funcres("x", 7)["content"] == "7"
    assert mk_funcres("x", None)["content"] == "None"
    assert mk_funcres("x", {"a": 1})["content"] == "{'a': 1}"
    assert mk_funcres("x", png)["content"][0]["source"]["media_type"] == "image/png"
    blocks = [{"type": "text", "text": "a"}]
    assert mk_funcres("x", blocks)["content"] == blocks
    assert mk_funcres("x", blocks[0])["content"] == blocks
    assert mk_funcres("x", b"\x00\x01")["content"] == "b'\\x00\\x01'"


@pytest.mark.parametrize(
    ("chosen", "choice"),
    [
        ("sums", {"type": "tool", "name": "sums"}),
        (True, {"type": "any"}),
        (False, {"type": "auto"}),
        (None, {"type": "auto"}),
        ("none", {"type": "none"}),
        ({"type": "none"}, {"type": "none"}),
    ],
)
def test_a_tool_choice_is_a_name_a_yes_or_the_apis_own_words(chosen, choice):
    assert mk_tool_choice(chosen) == choice


@pytest.mark.parametrize("broken", ['{"a": 1, "b"', "[1]", "nonsense"])
async def test_an_input_that_is_cut_off_is_answered_with_an_error_and_not_run(c, claude, broken):
    ran = []

    def add(a: int = 0, b: int = 0) -> int:
        """Add."""
        ran.append(a + b)
        return a + b

    claude.script(Reply(blocks=[{"type": "tool_use", "name": "add", "input": broken}], stop_reason="max_tokens"))
    chat = AsyncChat(cli=c, tools=[add])
    answer = await chat("Add")
    assert find_block(answer, "tool_use").input == {}
    (result,) = chat.h[-1]["content"]
    assert result["is_error"] is True
    assert "cut off" in result["content"]
    assert ran == []
    await chat()
    assert [message["role"] for message in chat.h] == ["user", "assistant", "user", "assistant"]


async def test_an_input_of_which_nothing_came_is_cut_off_too(c, claude):
    def now() -> str:
        """Tell the time."""
        return "noon"

    # what the API sends if max_tokens is reached right after the tool's name, and when a tool takes no arguments
    claude.script(
        Reply(blocks=[{"type": "tool_use", "name": "now", "input": ""}], stop_reason="max_tokens"),
        Reply(blocks=[{"type": "tool_use", "name": "now", "input": ""}], stop_reason="tool_use"),
    )
    chat = AsyncChat(cli=c, tools=[now])
    await chat("When?")
    assert chat.h[-1]["content"][0]["is_error"] is True
    await chat("Again")
    assert chat.h[-1]["content"][0]["content"] == "noon"


async def test_a_prompt_and_waiting_tool_results_are_one_message(c, claude):
    claude.script(Reply(blocks=[use("add", a=1)]), Reply(text="Two, and hello"))
    chat = AsyncChat(cli=c, tools=[add])
    await chat("Add")
    answer = await chat("And greet me")
    assert contents(answer) == "Two, and hello"
    assert claude.count == 2
    assert [m["role"] for m in chat.h] == ["user", "assistant", "user", "assistant"]
    assert [block["type"] for block in chat.h[2]["content"]] == ["tool_result", "text"]


async def test_tools_that_a_history_left_unanswered_are_answered_with_an_error(c, claude):
    hist = [{"role": "user", "content": "Add"}, {"role": "assistant", "content": [use("add", a=1)]}]
    chat = AsyncChat(cli=c, tools=[add], hist=hist)
    await chat("Never mind")
    result, text = claude.requests[-1].body["messages"][-1]["content"]
    assert (result["tool_use_id"], result["is_error"]) == ("toolu_1", True)
    assert text["text"] == "Never mind"
