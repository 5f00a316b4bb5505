"""Thinking blocks: when they come, and when they are taken back."""

import anthropic
import pytest

from bot.simulator.claude import Reply, SimulatedClaude

TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
SHOWN = {"type": "adaptive", "display": "summarized"}


def user(content):
    return {"role": "user", "content": content}


async def test_an_answer_shows_thinking_only_if_it_is_asked_for(ask):
    plain, shown = await ask(), await ask(thinking=SHOWN)
    assert [block.type for block in plain.content] == ["text"]
    assert [block.type for block in shown.content] == ["thinking", "text"]
    assert "turn 1" in shown.content[0].thinking
    assert shown.usage.output_tokens_details.thinking_tokens > 0


@pytest.mark.parametrize(
    ("model", "thinking", "seen"),
    [
        ("claude-sonnet-5-5", None, ""),
        ("claude-sonnet-5-5", {"type": "adaptive"}, ""),
        ("claude-sonnet-5-5", {"type": "between_tools"}, None),
        ("claude-opus-4-8", None, None),
        ("claude-opus-4-8", {"type": "adaptive"}, ""),
        ("claude-sonnet-4-6", {"type": "adaptive"}, "turn 1"),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 1024}, "turn 1"),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, ""),
        ("claude-haiku-4-5", {"type": "disabled"}, None),
    ],
)
async def test_a_simulation_told_to_think_does_so_as_the_model_would(connect, model, thinking, seen):
    async with SimulatedClaude(think=True) as claude:
        more = {} if thinking is None else {"thinking": thinking}
        async with connect(claude).messages.stream(
            model=model, max_tokens=2000, messages=[user("Hello")], **more
        ) as stream:
            message = await stream.get_final_message()
    thoughts = [block for block in message.content if block.type == "thinking"]
    assert len(thoughts) == (seen is not None)
    if thoughts:
        assert (thoughts[0].thinking == "") == (seen == "")
        assert (seen or "") in thoughts[0].thinking
        assert thoughts[0].signature


async def test_thinking_is_taken_back_unchanged_and_refused_if_its_text_was_changed(ask):
    first = await ask(thinking=SHOWN)
    messages = [user("Hello"), first.to_param(), user("And?")]
    await ask(messages=messages)
    changed = first.model_dump(exclude_none=True)["content"]
    changed[0]["thinking"] += "!"
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        await ask(messages=[user("Hello"), {"role": "assistant", "content": changed}, user("And?")])


async def test_another_simulations_thinking_is_refused(ask, connect):
    first = await ask(thinking=SHOWN)
    async with SimulatedClaude() as other:
        with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
            await connect(other).messages.create(
                model="claude-sonnet-5-5", max_tokens=100, messages=[user("Hello"), first.to_param(), user("And?")]
            )


@pytest.fixture
async def strict(connect):
    """Three turns with thinking, on an account that binds it to its transcript."""
    async with SimulatedClaude(enforce_thinking_prefix=True) as claude:
        client = connect(claude)

        async def asked(messages, **changes):
            given = {"model": "claude-sonnet-5-5", "max_tokens": 100, "thinking": SHOWN, "system": "Be kind."}
            return await client.messages.create(**{**given, **changes}, messages=messages)

        messages = []
        for question in ("one", "two", "three"):
            messages.append(user(question))
            messages.append((await asked(messages)).model_dump(exclude_none=True, include={"role", "content"}))
        yield asked, [*messages, user("four")]


def stripped(message):
    return {**message, "content": [block for block in message["content"] if block["type"] != "thinking"]}


async def test_bound_thinking_is_accepted_with_the_same_transcript(strict):
    asked, messages = strict
    await asked(messages)
    await asked([{**messages[0], "content": [{"type": "text", "text": "one"}]}, *messages[1:]])


async def test_bound_thinking_may_be_left_out_from_the_front_or_altogether(strict):
    asked, messages = strict
    await asked([stripped(m) if m["role"] == "assistant" else m for m in messages])
    await asked([messages[0], stripped(messages[1]), *messages[2:]])


BOUND = "bound to a different conversation"


async def test_bound_thinking_is_refused_when_anything_before_it_changed(strict):
    asked, messages = strict
    for changed in (
        [user("uno"), *messages[1:]],
        messages[2:],
        [*messages[:3], stripped(messages[3]), *messages[4:]],
    ):
        with pytest.raises(anthropic.BadRequestError, match=BOUND):
            await asked(changed)
    for more in ({"system": "Be rude."}, {"tools": [TOOL]}, {"model": "claude-opus-5-5"}):
        with pytest.raises(anthropic.BadRequestError, match=BOUND):
            await asked(messages, **more)
    await asked(messages, model="claude-sonnet-5")


async def test_fable_5_2_binds_thinking_for_every_account(ask):
    given = {"model": "claude-fable-5-2", "thinking": SHOWN}
    first = await ask("Hello", **given)
    await ask(messages=[user("Hello"), first.to_param(), user("And?")], **given)
    with pytest.raises(anthropic.BadRequestError, match=BOUND):
        await ask(messages=[user("Hullo"), first.to_param(), user("And?")], **given)


async def test_scripted_thinking_is_signed_and_stays_valid_through_a_tool_loop(ask, claude):
    claude.script(
        Reply(blocks=[{"type": "thinking", "thinking": "Look."}, {"type": "tool_use", "name": "look", "input": {}}])
    )
    given = {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [TOOL]}
    first = await ask(**given)
    result = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "seen"}
    await ask(messages=[user("Hello"), first.to_param(), user([result])], **given)
    without = {"role": "assistant", "content": [first.content[1].model_dump(exclude_none=True)]}
    with pytest.raises(anthropic.BadRequestError, match="Expected `thinking` or `redacted_thinking`"):
        await ask(messages=[user("Hello"), without, user([result])], **given)


async def test_redacted_thinking_passes_both_ways(ask, claude):
    claude.script(Reply(blocks=[{"type": "redacted_thinking", "data": "abc"}, {"type": "text", "text": "So."}]))
    first = await ask()
    assert first.content[0].data == "abc"
    await ask(messages=[user("Hello"), first.to_param(), user("And?")])
