"""It refuses what the real API refuses, as the real SDK's errors."""

import anthropic
import pytest
from anthropic import Omit

from bot.simulator.claude import Reply, SimulatedClaude

OLD = "claude-3-5-sonnet-20240620"
BEFORE = {"anthropic-version": "2023-06-01"}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
MARK = {"cache_control": {"type": "ephemeral"}}


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def text(words, **more):
    return {"type": "text", "text": words, **more}


MESSAGES = {
    "no message": ([], "at least one message"),
    "an empty text": ([user("")], "messages.0: user messages must have non-empty content"),
    "an empty list": ([user([])], "messages.0: user messages must have non-empty content"),
    "an empty block": ([user([text("")])], "text content blocks must be non-empty"),
    "only white space": ([user(" \n")], "must contain non-whitespace text"),
    "an empty answer in between": ([user("a"), assistant([]), user("b")], "except for the optional final assistant"),
    "an assistant first": ([assistant("a"), user("b")], 'must use the "user" role'),
    "an unknown role": ([{"role": "tool", "content": "a"}], 'Unexpected role "tool"'),
    "a system role on Sonnet": ([user("a"), {"role": "system", "content": "b"}], 'Unexpected role "system"'),
    "no role": ([{"content": "a"}], "messages.0.role: Field required"),
    "no content": ([{"role": "user"}], "messages.0.content: Field required"),
    "a number as content": ([user(3)], "messages.0.content: Input should be a valid list"),
    "an unknown block": ([user([{"type": "video"}])], "Input tag 'video'"),
    "a block without type": ([user([{"text": "a"}])], "messages.0.content.0.type: Field required"),
    "an image by an assistant": ([user("a"), assistant([{"type": "image"}]), user("b")], "Input tag 'image'"),
    "a document by an assistant": (
        [user("a"), assistant([{"type": "document", "source": {}}]), user("b")],
        "`document` blocks are not allowed in assistant messages",
    ),
    "citations of a user": ([user([text("a", citations=[{"type": "char_location"}])])], "citations are not allowed"),
    "an assistant last": ([user("a"), assistant("b")], "does not support assistant message prefill"),
    "an unanswered tool": ([user("a"), assistant([USE]), user("b")], "`tool_use` ids were found without `tool_result`"),
    "a tool at the end": ([user("a"), assistant([USE])], "`tool_use` ids were found without `tool_result`"),
    "text before the result": ([user("a"), assistant([USE]), user([text("so"), RESULT])], "ids were found without"),
    "a result too late": (
        [user("a"), assistant([USE]), user("b"), assistant("c"), user([RESULT])],
        "messages.1: `tool_use` ids were found without",
    ),
    "a result of nothing": ([user([RESULT])], "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
    "two results of one": ([user("a"), assistant([USE]), user([RESULT, RESULT])], "must have a single result"),
    "one id twice": (
        [user("a"), assistant([USE]), user([RESULT]), assistant([USE]), user([RESULT])],
        "`tool_use` ids must be unique",
    ),
    "a tool's input as text": (
        [user("a"), assistant([{**USE, "input": "{}"}]), user([RESULT])],
        "messages.1.content.0.tool_use.input: Input should be an object",
    ),
    "an id with a space": ([user("a"), assistant([{**USE, "id": "a b"}]), user([RESULT])], "should match pattern"),
    "an empty block in a result": (
        [user("a"), assistant([USE]), user([{**RESULT, "content": [text("")]}])],
        "text content blocks must be non-empty",
    ),
    "five breakpoints": ([user([text(str(n), **MARK) for n in range(5)])], "A maximum of 4 blocks with cache_control"),
    "a made-up thought": (
        [user("a"), assistant([{"type": "thinking", "thinking": "hm", "signature": "c2ln"}, text("b")]), user("c")],
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    "a signature that is no base64": (
        [user("a"), assistant([{"type": "thinking", "thinking": "hm", "signature": "?"}, text("b")]), user("c")],
        "Invalid `signature` in `thinking` block",
    ),
    "a thought without a signature": (
        [user("a"), assistant([{"type": "thinking", "thinking": "hm"}, text("b")]), user("c")],
        "thinking.signature: Field required",
    ),
}

PARAMETERS = {
    "temperature": ({"extra_body": {"temperature": 1}}, "temperature"),
    "top_p": ({"extra_body": {"top_p": 1}}, "top_p"),
    "top_k": ({"extra_body": {"top_k": 5}, "model": OLD}, "top_k"),
    "a temperature on a new model at the old version": (
        {"extra_body": {"temperature": 0}, "extra_headers": BEFORE},
        "`temperature` is deprecated for this model",
    ),
    "a temperature out of range": (
        {"extra_body": {"temperature": 1.5}, "extra_headers": BEFORE, "model": OLD},
        "range: 0..1",
    ),
    "a temperature in words": (
        {"extra_body": {"temperature": "hot"}, "extra_headers": BEFORE, "model": OLD},
        "valid number",
    ),
    "an unknown field": ({"extra_body": {"colour": "red"}}, "colour: Extra inputs are not permitted"),
    "an unknown version": ({"extra_headers": {"anthropic-version": "2020-01-01"}}, "is not a valid version"),
    "no version": ({"extra_headers": {"anthropic-version": ""}}, "anthropic-version: header is required"),
    "negative max_tokens": ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    "too many max_tokens": ({"max_tokens": 9000, "model": OLD}, "9000 > 8192"),
    "max_tokens in words": ({"extra_body": {"max_tokens": "1"}}, "max_tokens: Input should be a valid integer"),
    "max_tokens as true": ({"extra_body": {"max_tokens": True}}, "max_tokens: Input should be a valid integer"),
    "an empty stop sequence": ({"stop_sequences": [" "]}, "must contain non-whitespace"),
    "an empty system block": ({"system": [text("")]}, "system: text content blocks must be non-empty"),
    "an image as system": ({"system": [{"type": "image"}]}, "system.0.type"),
    "thinking disabled on Sonnet 5.5": ({"thinking": {"type": "disabled"}}, '"disabled" is not supported'),
    "thinking enabled on Sonnet 5.5": (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        '"enabled" is not supported by claude-sonnet-5-5',
    ),
    "thinking adaptive on Haiku 4.5": (
        {"thinking": {"type": "adaptive"}, "model": "claude-haiku-4-5"},
        '"adaptive" is not supported',
    ),
    "thinking on a model that cannot": (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "model": OLD},
        '"enabled" is not supported',
    ),
    "a small budget": (
        {"thinking": {"type": "enabled", "budget_tokens": 1000}, "model": "claude-haiku-4-5"},
        "greater than or equal to 1024",
    ),
    "a budget above max_tokens": (
        {"thinking": {"type": "enabled", "budget_tokens": 4000}, "model": "claude-haiku-4-5"},
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    "no budget": ({"thinking": {"type": "enabled"}, "model": "claude-haiku-4-5"}, "budget_tokens: Field required"),
    "an unknown display": ({"thinking": {"type": "adaptive", "display": "loud"}}, "thinking.adaptive.display"),
    "thinking off at high effort": (
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}, "model": "claude-opus-5"},
        'output_config.effort: "max" is not supported with',
    ),
    "between_tools at xhigh effort": (
        {"thinking": {"type": "between_tools"}, "output_config": {"effort": "xhigh"}},
        'output_config.effort: "xhigh" is not supported with',
    ),
    "effort on a model without": ({"output_config": {"effort": "low"}, "model": OLD}, '"low" is not supported by'),
    "an unknown effort": ({"output_config": {"effort": "huge"}}, "output_config.effort: Input should be"),
    "two tools of one name": ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
    "a tool without a schema": ({"tools": [{"name": "a"}]}, "tools.0.custom.input_schema: Field required"),
    "a tool with a bad name": ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name: String should match"),
    "a tool whose schema is no object": (
        {"tools": [{"name": "a", "input_schema": {"type": "string"}}]},
        "input_schema.type: Input should be 'object'",
    ),
    "a choice without tools": ({"tool_choice": {"type": "auto"}}, "may only be specified while providing tools"),
    "a choice of no tool": (
        {"tool_choice": {"type": "tool", "name": "b"}, "tools": [TOOL], "model": OLD},
        "Tool 'b' not found",
    ),
    "a forced tool while thinking": (
        {
            "tool_choice": {"type": "any"}, "tools": [TOOL], "model": "claude-haiku-4-5",
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        "Thinking may not be enabled when tool_choice forces tool use",
    ),
    "an unknown breakpoint": ({"cache_control": {"type": "eternal"}}, "cache_control.type"),
    "an unknown time to live": ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "cache_control.ephemeral.ttl"),
    "four breakpoints and the automatic one": (
        {"messages": [user([text(str(n), **MARK) for n in range(4)])], "cache_control": {"type": "ephemeral"}},
        "Found 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
async def test_messages_the_api_does_not_accept(ask, claude, name):
    messages, words = MESSAGES[name]
    with pytest.raises(anthropic.BadRequestError) as caught:
        await ask(messages=messages)
    assert words in caught.value.api_message
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id == claude.requests[0].request_id
    assert claude.requests[0].done == "failed"


@pytest.mark.parametrize("name", PARAMETERS)
async def test_parameters_the_api_does_not_accept(ask, name):
    changes, words = PARAMETERS[name]
    with pytest.raises(anthropic.BadRequestError) as caught:
        await ask(**changes)
    assert words in caught.value.api_message


@pytest.mark.parametrize(
    "model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-fable-5-2", "claude-mythos-5-2"]
)
@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "look"}])
async def test_the_newest_models_cannot_be_forced_to_use_a_tool(ask, model, choice):
    with pytest.raises(anthropic.BadRequestError, match="is not supported by"):
        await ask(model=model, tools=[TOOL], tool_choice=choice)


async def test_a_field_that_must_be_there_is_named(client):
    for missing in ("model", "messages", "max_tokens"):
        body = {"model": "claude-opus-5", "messages": [user("a")], "max_tokens": 10}
        del body[missing]
        with pytest.raises(anthropic.BadRequestError, match=f"{missing}: Field required"):
            await client.post("/v1/messages", body=body, cast_to=object)


@pytest.mark.parametrize("body", [[1, 2], "words"])
async def test_a_body_that_is_no_object_is_refused(client, body):
    with pytest.raises(anthropic.BadRequestError, match="should be an object"):
        await client.post("/v1/messages", body=body, cast_to=object)


async def test_broken_json_is_refused(client):
    with pytest.raises(anthropic.BadRequestError, match="not valid JSON"):
        await client.post("/v1/messages", content=b'{"model": ', cast_to=object)


async def test_another_key_is_refused_as_bearer_and_as_x_api_key(claude, connect):
    one = {"model": "claude-opus-5", "max_tokens": 10, "messages": [user("a")]}
    with pytest.raises(anthropic.AuthenticationError, match="Invalid bearer token"):
        await connect(claude, api_key="other").messages.create(**one)
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        await connect(claude, default_headers={"x-api-key": "other"}).messages.create(**one)
    with pytest.raises(anthropic.AuthenticationError, match="header is required"):
        await connect(claude).messages.create(**one, extra_headers={"authorization": Omit()})
    assert claude.count == 3


async def test_the_right_key_is_taken_as_x_api_key_too(claude, connect):
    client = connect(claude, api_key="ignored", default_headers={"x-api-key": claude.api_key})
    await client.messages.create(model="claude-opus-5", max_tokens=10, messages=[user("a")])


async def test_an_unknown_model_is_not_found_unless_it_was_added(ask, connect):
    with pytest.raises(anthropic.NotFoundError, match="model: gpt-9"):
        await ask(model="gpt-9")
    async with SimulatedClaude(extra_models=["gpt-9"]) as simulated:
        message = await connect(simulated).messages.create(model="gpt-9", max_tokens=10, messages=[user("a")])
    assert message.model == "gpt-9"


async def test_an_unknown_path_and_method_are_refused_in_the_same_shape(client):
    with pytest.raises(anthropic.NotFoundError) as caught:
        await client.get("/v1/nothing", cast_to=object)
    assert caught.value.type == "not_found_error"
    with pytest.raises(anthropic.APIStatusError) as wrong:
        await client.get("/v1/messages", cast_to=object)
    assert wrong.value.status_code == 405


async def test_a_request_over_32_mb_is_too_large(client):
    body = b'{"model": "' + b"x" * (32 * 1024 * 1024) + b'"}'
    with pytest.raises(anthropic.APIStatusError) as caught:
        await client.post("/v1/messages", content=body, cast_to=object)
    assert (caught.value.status_code, caught.value.type) == (413, "request_too_large")


async def test_a_prompt_longer_than_the_context_is_refused(ask):
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: 2000.. tokens > 200000 maximum"):
        await ask("x" * 800_000, model=OLD)


async def test_a_refused_request_uses_no_scripted_reply(ask, claude):
    claude.script(Reply(text="kept"))
    with pytest.raises(anthropic.BadRequestError):
        await ask("")
    assert (await ask("Hello")).content[0].text == "kept"
    assert [request.done for request in claude.requests] == ["failed", "finished"]


# What is close to a refusal and must be accepted.


async def test_sampling_is_accepted_at_the_old_version_on_models_that_take_it(ask):
    for model in (OLD, "claude-haiku-4-5", "claude-sonnet-4-6"):
        await ask(model=model, extra_body={"temperature": 0.5}, extra_headers=BEFORE)
    await ask(extra_body={"temperature": 1}, extra_headers=BEFORE)


@pytest.mark.parametrize("model", [OLD, "claude-haiku-4-5", "claude-opus-4-5"])
async def test_an_answer_begun_for_an_older_model_is_continued(ask, claude, model):
    claude.script(Reply(text=" the meaning of life is 42."))
    message = await ask(model=model, messages=[user("Meaning?"), assistant("According to Douglas Adams,")])
    assert message.content[0].text == " the meaning of life is 42."


async def test_an_answer_begun_for_an_older_model_may_not_end_in_white_space(ask):
    with pytest.raises(anthropic.BadRequestError, match="cannot end with trailing whitespace"):
        await ask(model=OLD, messages=[user("a"), assistant("b ")])


async def test_a_paused_turn_sent_back_is_continued_on_every_model(ask):
    use = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}}
    await ask(messages=[user("a"), assistant([text("let me look"), use])])


async def test_what_looks_odd_but_is_allowed(ask):
    await ask(system="")
    await ask(messages=[user("a"), user("b")])
    await ask(messages=[user("a"), assistant([USE]), user([{**RESULT, "content": ""}, text("and?")])], tools=[TOOL])
    await ask(messages=[user("a"), {"role": "system", "content": "b"}], model="claude-opus-5")
    await ask(tools=[{"type": "web_search_20260318", "name": "web_search"}])
    await ask(thinking={"type": "between_tools"}, output_config={"effort": "high"})
    await ask(max_tokens=0)
    await ask(messages=[user([text("a", citations=[{"type": "char_location"}])])], extra_headers=BEFORE)
