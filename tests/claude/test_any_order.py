"""Whatever is asked, answered and broken, in whatever order: the history stays one that the API takes, and goes on."""

import asyncio
import base64
import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.claude import AsyncChat, AsyncClient, ClaudeError, InvalidRequest, mk_sdk
from bot.simulator.claude import Reply, SimulatedClaude

EXAMPLES, LONG = 15, 10_000
pytestmark = pytest.mark.filterwarnings("ignore::bot.claude.warn.ClaudeWarning")


def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


def uses(*given) -> list[dict]:
    return [{"type": "tool_use", "name": "add", "input": one} for one in given]


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
TEXT = {"type": "text", "text": "Some words of an answer"}
THOUGHT = {"type": "thinking", "thinking": "Hm."}
ANSWERS = st.sampled_from(
    [
        {"text": "Fine."},
        {"blocks": [THOUGHT, TEXT]},
        {"blocks": [{"type": "text", "text": ""}], "stop_reason": "end_turn"},
        {"blocks": [THOUGHT], "stop_reason": "max_tokens"},
        {"blocks": [THOUGHT, TEXT, *uses({"a": 1}, {"a": "x"})]},
        {"blocks": uses('{"a": 1, '), "stop_reason": "max_tokens"},
        {"blocks": [TEXT, SEARCH], "stop_reason": "pause_turn"},
        {"blocks": [TEXT], "stop_reason": "refusal"},
        {"text": "Cut off here", "cut_after": 1},
        {"text": "Cut off here", "error_after": 1},
        {"text": "Cut off here", "end_after": 2},
        {"status": 400},
    ]
)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def leave(chat: AsyncChat) -> None:
    async for _ in await chat("Tell me", stream=True):
        break


async def cancel(chat: AsyncChat) -> None:
    task = asyncio.create_task(chat("Tell me"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


ACTIONS = {
    "ask": lambda chat: chat("A question"),
    "go on": lambda chat: chat(),
    "loop": lambda chat: chat.toolloop("A question", max_steps=2).finish(),
    "image": lambda chat: chat(["", base64.b64decode(PNG)]),
    "prefill": lambda chat: chat("Tell me", prefill="Well, ", thinking=True),
    "force": lambda chat: chat("Add", tool_choice="add"),
    "empty": lambda chat: chat(""),
    "leave": leave,
    "cancel": cancel,
}


async def act(chat: AsyncChat, action: str) -> AsyncChat:
    if action in ACTIONS:
        await ACTIONS[action](chat)
        return chat
    return AsyncChat(cli=chat.c, tools=chat.tools, sp=chat.sp, hist=json.loads(json.dumps(chat.h)), cache=True)


async def scenario(steps: list[tuple[str, dict, dict]]) -> None:
    async with SimulatedClaude(enforce_thinking_prefix=True) as claude:
        sdk = mk_sdk(api_key=claude.api_key, base_url=claude.base_url)
        answers = [answer for _, *pair in steps for answer in pair]
        claude.otherwise = lambda _: Reply(**answers.pop(0)) if answers else Reply(text="Still here.")
        chat = AsyncChat(cli=AsyncClient("claude-sonnet-5-5", cli=sdk), tools=[add], sp="Help.", cache=True)
        for action, *_ in steps:
            before = json.dumps(chat.h)
            try:
                chat = await act(chat, action)
            except ClaudeError as error:
                if isinstance(error, InvalidRequest):  # scripted, and not because of what was sent
                    assert str(error) == "The simulation was told to refuse this request."  # noqa: PT017
                assert json.dumps(chat.h) == before
            except ValueError:
                assert action in ("go on", "empty")
                assert json.dumps(chat.h) == before
            roles = [message["role"] for message in chat.h]
            assert ("user", "user") not in pairwise(roles)
        answers.clear()
        before = chat.use.input_tokens
        assert (await chat("Are you there?")).text == "Still here."
        assert chat.use.input_tokens > before
        await sdk.close()


STEPS = given(st.lists(st.tuples(st.sampled_from([*ACTIONS, "store"]), ANSWERS, ANSWERS), max_size=7))
CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=CHECKS)
@STEPS
def test_a_chat_goes_on_whatever_happens_to_it(steps):
    asyncio.run(scenario(steps))


@pytest.mark.long
@settings(max_examples=LONG, deadline=None, suppress_health_check=CHECKS)
@STEPS
def test_a_chat_goes_on_whatever_happens_to_it_long(steps):
    asyncio.run(scenario(steps))
