"""Tokens, the prompt cache, and the list of models."""

import anthropic
import pytest

from bot.simulator.claude import Reply, SimulatedClaude

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG = "The rules of the house. " * 400  # 2400 tokens


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


async def test_counting_says_what_usage_says(client, ask):
    given = {"system": "Be kind.", "messages": [user("Hello"), assistant("Hi"), user("How are you?")]}
    counted = await client.messages.count_tokens(model="claude-sonnet-5-5", **given)
    assert (await ask(**given)).usage.input_tokens == counted.input_tokens
    again = await client.messages.count_tokens(model="claude-sonnet-5-5", **given)
    assert again == counted


async def test_counting_refuses_what_asking_refuses_and_is_no_call(client, claude):
    claude.script(Reply(text="kept"))
    with pytest.raises(anthropic.BadRequestError, match="text content blocks must be non-empty"):
        await client.messages.count_tokens(model="claude-sonnet-5-5", messages=[user([{"type": "text", "text": ""}])])
    assert claude.count == 0
    assert claude.requests[0].path == "/v1/messages/count_tokens"


async def test_nothing_is_cached_without_a_breakpoint_or_below_the_minimum(ask):
    for _ in range(2):
        assert (await ask(system=LONG)).usage.cache_creation_input_tokens == 0
        assert (await ask(system="short", cache_control=MARK)).usage.cache_creation_input_tokens == 0


async def test_a_growing_conversation_reads_what_it_wrote(client, ask):
    messages = [user("one")]
    first = (await ask(system=LONG, messages=messages, cache_control=MARK)).usage
    assert (first.input_tokens, first.cache_read_input_tokens) == (0, 0)
    assert first.cache_creation_input_tokens == first.cache_creation.ephemeral_5m_input_tokens > 2000
    messages += [assistant("a"), user("two")]
    second = (await ask(system=LONG, messages=messages, cache_control=MARK)).usage
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert 0 < second.cache_creation_input_tokens < 20
    counted = await client.messages.count_tokens(model="claude-sonnet-5-5", system=LONG, messages=messages)
    total = second.input_tokens + second.cache_creation_input_tokens + second.cache_read_input_tokens
    assert total == counted.input_tokens


async def test_a_breakpoint_on_the_system_prompt_is_shared_and_keeps_its_hour(ask):
    system = [{"type": "text", "text": LONG, "cache_control": HOUR}]
    first = (await ask("one", system=system, cache_control=MARK)).usage
    assert first.cache_creation.ephemeral_1h_input_tokens == 2400
    assert 0 < first.cache_creation.ephemeral_5m_input_tokens < 10
    other = (await ask("something else", system=system)).usage
    assert (other.cache_read_input_tokens, other.cache_creation_input_tokens) == (2400, 0)
    assert other.input_tokens > 0


async def test_the_cache_is_lost_when_anything_before_changes(ask):
    await ask("one", system=LONG, cache_control=MARK)
    for change in (
        {"system": LONG + "!"},
        {"model": "claude-haiku-5-5"},
        {"tools": [{"name": "look", "input_schema": {"type": "object"}}]},
    ):
        usage = (await ask("one", **{"system": LONG, "cache_control": MARK, **change})).usage
        assert usage.cache_read_input_tokens == 0
    assert (await ask("one", system=LONG, cache_control=MARK)).usage.cache_read_input_tokens > 2000
    other_effort = await ask("one", system=LONG, cache_control=MARK, output_config={"effort": "low"})
    assert other_effort.usage.cache_read_input_tokens == 0


async def test_small_conversations_are_cached_if_the_minimum_is_taken_away(connect):
    async with SimulatedClaude(cache_minimum_tokens=0) as claude:
        client = connect(claude)
        given = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [user("Hello")], "cache_control": MARK}
        assert (await client.messages.create(**given)).usage.cache_creation_input_tokens == 6
        assert (await client.messages.create(**given)).usage.cache_read_input_tokens == 6


async def test_usage_in_a_stream_tells_the_cache_at_once(client):
    given = {"model": "claude-sonnet-5-5", "max_tokens": 100, "system": LONG, "messages": [user("one")]}
    async with await client.messages.create(**given, cache_control=MARK, stream=True) as stream:
        events = [event async for event in stream]
    assert events[0].message.usage.cache_creation.ephemeral_5m_input_tokens > 2000
    assert events[0].message.usage.output_tokens == 1
    assert events[-2].usage.cache_creation_input_tokens > 2000
    assert events[-2].usage.output_tokens > 1


async def test_max_tokens_0_fills_the_cache_and_writes_nothing(ask):
    message = await ask("one", system=LONG, cache_control=MARK, max_tokens=0)
    assert (message.content, message.stop_reason) == ([], "max_tokens")
    assert (await ask("one", system=LONG, cache_control=MARK)).usage.cache_read_input_tokens > 2000


async def test_an_answer_ends_where_the_context_does(ask):
    message = await ask("x" * 4 * 199_900 + " long", model="claude-haiku-4-5", max_tokens=20_000)
    assert message.stop_reason == "model_context_window_exceeded"
    assert message.usage.output_tokens < 100


async def test_models_are_listed_page_by_page(client):
    page = await client.models.list(limit=5)
    assert len(page.data) == 5
    assert page.has_more
    ids = [model.id async for model in client.models.list(limit=5)]
    assert len(ids) == len(set(ids)) > 20
    assert ids[:5] == [model.id for model in page.data]
    before = await client.models.list(limit=3, before_id=ids[10])
    assert [model.id for model in before.data] == ids[7:10]
    with pytest.raises(anthropic.BadRequestError, match="limit"):
        await client.models.list(limit=0)
    with pytest.raises(anthropic.BadRequestError, match="after_id"):
        await client.models.list(after_id="nobody")


async def test_a_model_tells_its_limits_and_abilities(client):
    sonnet = await client.models.retrieve("claude-sonnet-5-5")
    assert (sonnet.max_input_tokens, sonnet.max_tokens, sonnet.line) == (1_000_000, 128_000, "sonnet")
    types = sonnet.capabilities.thinking.types
    assert (types.adaptive.supported, types.between_tools.supported) == (True, True)
    assert (types.disabled.supported, types.enabled.supported) == (False, False)
    haiku = await client.models.retrieve("claude-haiku-4-5")
    assert haiku.max_tokens == 64_000
    assert haiku.capabilities.thinking.types.enabled.supported
    assert not haiku.capabilities.effort.supported
    old = await client.models.retrieve("claude-sonnet-4-5")
    assert (old.lifecycle, old.retires_at.year) == ("deprecated", 2026)
    with pytest.raises(anthropic.NotFoundError, match="gpt-9"):
        await client.models.retrieve("gpt-9")


async def test_every_listed_model_answers_as_its_capabilities_say(client):
    async for model in client.models.list(limit=1000):
        thinking = model.capabilities.thinking.types
        for kind in ("adaptive", "between_tools", "disabled", "enabled"):
            given = {"type": kind, **({"budget_tokens": 1024} if kind == "enabled" else {})}
            body = {"model": model.id, "max_tokens": 2000, "messages": [user("Hello")], "thinking": given}
            try:
                await client.post("/v1/messages", body=body, cast_to=object)
            except anthropic.BadRequestError:
                assert not getattr(thinking, kind).supported, (model.id, kind)
            else:
                assert getattr(thinking, kind).supported, (model.id, kind)
