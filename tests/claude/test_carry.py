"""What today's models refuse and the library replaces: prefill, a forced tool, temperature, effort."""

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.claude import AsyncChat, AsyncClient, ClaudeWarning, contents, get_schema, mk_sdk, mk_tool_choice
from bot.claude.messages.prefill import PrefillJoiner
from bot.simulator.claude import Reply, SimulatedClaude

CURRENT, OLD = "claude-sonnet-5-5", "claude-sonnet-4-5"
ADAMS = "According to Douglas Adams,"


def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


async def streamed(stream) -> list[str]:
    return [piece async for piece in stream]


@pytest.mark.parametrize("prefill", [ADAMS, ADAMS + " "])
async def test_an_older_model_continues_the_prefill_itself(client, claude, prefill):
    claude.script(Reply(text=" it is 42."))
    stream = await client(OLD)("Meaning?", prefill=prefill, stream=True)
    assert await streamed(stream) == [prefill, " it", " is", " 42."]
    assert contents(stream.value) == prefill + " it is 42."
    assert claude.requests[-1].body["messages"][-1] == {"role": "assistant", "content": ADAMS}


@pytest.mark.parametrize(
    ("prefill", "written", "joined"),
    [
        (ADAMS, " it is 42.", f"{ADAMS} it is 42."),
        (ADAMS, f"{ADAMS} it is 42.", f"{ADAMS} it is 42."),
        (ADAMS, f"\n{ADAMS}\n\nit is 42.", f"{ADAMS}\n\nit is 42."),
        (f"{ADAMS} ", f"{ADAMS} it is 42.", f"{ADAMS} it is 42."),
        (ADAMS, "According to nobody.", f"{ADAMS}According to nobody."),
        (ADAMS, "According", f"{ADAMS}According"),
        (ADAMS, ADAMS, ADAMS),
    ],
)
async def test_a_current_model_is_asked_to_begin_so_and_the_text_is_joined_alike(c, claude, prefill, written, joined):
    chat = AsyncChat(cli=c)
    claude.script(Reply(text=written), Reply(text=written))
    stream = await chat("Meaning?", prefill=prefill, stream=True)
    with pytest.warns(ClaudeWarning, match="prefill"):
        got = await streamed(stream)
    assert got[0] == prefill
    assert all(got)
    assert "".join(got) == joined == stream.text == stream.value.text
    assert contents(chat.h[-1]) == joined.strip()
    sent = claude.requests[-1].body["messages"]
    assert sent[-1]["role"] == "user"
    assert ADAMS in sent[-1]["content"][-1]["text"]
    assert chat.h[0]["content"] == [{"type": "text", "text": "Meaning?"}]
    assert contents(await c("Meaning?", prefill=prefill)) == joined.strip()


async def test_an_answer_without_text_gets_no_prefill(client, claude):
    claude.script(Reply(blocks=[{"type": "tool_use", "name": "add", "input": {"a": 1}}]))
    answer = await client(OLD)("Add", prefill="I", tools=[add])
    assert [block.type for block in answer.content] == ["tool_use"]


PIECES = st.lists(st.sampled_from(["According", " to", " ", "\n", "Douglas", " Adams,", "x", ADAMS, ""]), max_size=8)


@settings(max_examples=150, deadline=None)
@given(PIECES, st.sampled_from([ADAMS, ADAMS + " ", "A", " x"]))
def test_joining_in_pieces_is_joining_at_once_and_loses_nothing(pieces, prefill):
    once, by_piece = (PrefillJoiner(prefill, may_repeat=True) for _ in range(2))
    text = "".join(pieces)
    whole = once.feed(text) + once.rest()
    assert "".join(by_piece.feed(piece) for piece in pieces) + by_piece.rest() == whole
    if text.lstrip().startswith(prefill.strip()):
        assert prefill.strip() + whole.lstrip() == prefill.strip() + text.lstrip()[len(prefill.strip()) :].lstrip()
    else:
        assert whole == text


@pytest.mark.parametrize("choice", ["add", True, mk_tool_choice("add"), {"type": "any"}])
async def test_a_forced_tool_is_forced_where_it_can_be_and_asked_for_where_not(client, claude, choice):
    old, current = client(OLD), client(CURRENT)
    await old("Add 2 and 3", tools=[add], tool_choice=choice)
    assert claude.requests[-1].body["tool_choice"] == mk_tool_choice(choice)
    with pytest.warns(ClaudeWarning, match="forced"):
        await current("Add 2 and 3", tools=[get_schema(add)], tool_choice=choice)
    body = claude.requests[-1].body
    assert body["tool_choice"] == {"type": "auto"}
    assert "tool" in body["messages"][-1]["content"][-1]["text"]


async def test_thinking_over_a_request_in_words_is_not_sent_again():
    """The words are in no history: an account that checks what thinking belongs to would refuse it."""
    thought = {"type": "thinking", "thinking": ""}
    async with SimulatedClaude(enforce_thinking_prefix=True) as strict:
        own = mk_sdk(api_key=strict.api_key, base_url=strict.base_url)
        chat = AsyncChat(cli=AsyncClient(CURRENT, cli=own), tools=[add])
        strict.script(Reply(blocks=[thought, {"type": "tool_use", "name": "add", "input": {"a": 1}}]), Reply(text="2"))
        with pytest.warns(ClaudeWarning):
            await chat("Add", tool_choice="add")
        assert contents(await chat()) == "2"
        await own.close()


async def test_each_replacement_is_warned_about_once(c):
    async def ask_thrice() -> None:
        for _ in range(3):
            await c("Hi", temp=0.5, prefill="I", effort="low")

    with pytest.warns(ClaudeWarning) as told:
        await ask_thrice()
    assert sorted(str(warning.message).split(" takes no ")[1].split("; ")[0] for warning in told) == [
        "prefill",
        "temperature",
    ]


async def test_temperature_is_sent_only_where_it_is_taken(client, claude):
    for model, taken in ((OLD, True), ("claude-opus-4-6", True), ("claude-opus-4-7", False), (CURRENT, False)):
        c = client(model)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            await c("Hi", temp=0)
        body, headers = claude.requests[-1].body, claude.requests[-1].headers
        assert ("temperature" in body) is taken
        assert headers["anthropic-version"] == ("2023-06-01" if taken else "2026-10-21")
        assert len(told) == (not taken)
        await c("Hi")
        assert claude.requests[-1].headers["anthropic-version"] == "2026-10-21"


async def test_a_chats_temperature_holds_until_a_call_has_its_own(client, claude):
    chat = AsyncChat(cli=client(OLD), temp=0.7)
    await chat("Hi")
    await chat("Hi", temp=0)
    assert [json.loads(json.dumps(r.body["temperature"])) for r in claude.requests] == [0.7, 0]


async def test_the_seeds_default_temperature_says_nothing_where_none_is_taken(client, claude):
    for model, sent in ((OLD, 0), (CURRENT, None)):
        chat = AsyncChat(cli=client(model), temp=0)
        assert chat.temp == 0
        await chat("Hi")
        assert claude.requests[-1].body.get("temperature") == sent
    await AsyncChat(cli=client(OLD))("Hi")
    assert "temperature" not in claude.requests[-1].body
    with pytest.warns(ClaudeWarning, match="temperature"):
        await AsyncChat(cli=client(CURRENT), temp=0.3)("Hi")


async def test_a_model_that_thinks_gets_no_temperature(client, claude):
    chat = AsyncChat(cli=client(OLD))
    await chat("Hi", thinking=True)
    assert "temperature" not in claude.requests[-1].body
    with pytest.warns(ClaudeWarning, match="while it thinks"):
        await chat("Hi", thinking=True, temp=0.5)


async def test_a_model_that_thinks_is_asked_for_a_prefill_and_a_tool(client, claude):
    c = client(OLD)
    with pytest.warns(ClaudeWarning, match="while it thinks"):
        await c("Add 1", tools=[add], tool_choice="add", prefill="I", thinking=True)
    body = claude.requests[-1].body
    assert body["tool_choice"] == {"type": "auto"}
    assert [block["text"][:6] for block in body["messages"][-1]["content"]] == ["Add 1", "Answer", "Begin "]


async def test_effort_is_sent_only_where_it_is_taken(client, claude):
    await client(CURRENT)("Hi", effort="low")
    assert claude.requests[-1].body["output_config"] == {"effort": "low"}
    with pytest.warns(ClaudeWarning, match="effort"):
        await client("claude-haiku-4-5")("Hi", effort="low")
    assert "output_config" not in claude.requests[-1].body


async def test_a_tool_choice_without_tools_is_a_clear_error(c, claude):
    with pytest.raises(ValueError, match="no tools"):
        await c("Hi", tool_choice="add")
    assert claude.count == 0
