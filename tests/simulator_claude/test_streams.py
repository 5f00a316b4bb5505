"""The order and the timing of a stream, as the real SDK sees it."""

import asyncio
import json

import pytest

from bot.simulator.claude import Pace, Reply, SimulatedClaude, long_text

QUESTION = [{"role": "user", "content": "Hello"}]
GIVEN = {"model": "claude-sonnet-5-5", "max_tokens": 20_000, "messages": QUESTION}


async def events_of(client, **changes) -> list:
    async with await client.messages.create(**{**GIVEN, **changes}, stream=True) as stream:
        return [event async for event in stream]


def words_of(events) -> list[str]:
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    return [delta.text for delta in deltas if delta.type == "text_delta"]


async def raw_events(client, **changes) -> list[dict]:
    async with client.messages.with_streaming_response.create(**{**GIVEN, **changes}, stream=True) as response:
        body = b"".join([chunk async for chunk in response.http_response.aiter_bytes()])
    found = []
    for record in body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = record.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


async def test_the_events_come_in_the_order_of_the_api(client, claude):
    claude.script(
        Reply(
            blocks=[
                {"type": "thinking", "thinking": "Which one?"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "name": "look", "input": {"where": "über allem und weit"}},
            ]
        )
    )
    events = await raw_events(client)
    deltas = [event["delta"]["type"] for event in events if event["type"] == "content_block_delta"]
    assert [event["type"] for event in events if event["type"] != "content_block_delta"] == [
        "message_start", "ping", *["content_block_start", "content_block_stop"] * 3, "message_delta", "message_stop",
    ]  # fmt: skip
    assert deltas == ["thinking_delta", "signature_delta", "text_delta", "text_delta", *["input_json_delta"] * 3]
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    assert [start["type"] for start in starts] == ["thinking", "text", "tool_use"]
    assert (starts[0]["thinking"], starts[0]["signature"], starts[1]["text"], starts[2]["input"]) == ("", "", "", {})
    message = events[0]["message"]
    assert (message["content"], message["stop_reason"], message["usage"]["output_tokens"]) == ([], None, 1)
    assert message["usage"]["input_tokens"] == 6
    assert "cache_creation" in message["usage"]
    final = events[-2]
    assert final["delta"]["stop_reason"] == "tool_use"
    assert final["usage"]["output_tokens"] > 10
    assert "cache_creation" not in final["usage"]


async def test_the_sdk_puts_a_stream_together_to_the_same_message(client, claude):
    blocks = [
        {"type": "thinking", "thinking": "Hm. " * 30},
        {"type": "text", "text": "One 🧑‍🚀 two\n\nthree "},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"deep": [1, {"a": "b" * 100}]}},
    ]
    claude.script(Reply(blocks=blocks, id="msg_1"), Reply(blocks=blocks, id="msg_1"))
    async with client.messages.stream(**GIVEN) as stream:
        streamed = await stream.get_final_message()
    whole = await client.messages.create(**GIVEN)
    assert streamed.content[1].text == blocks[1]["text"]
    assert streamed.content[2].input == blocks[2]["input"]
    assert streamed.model_dump(exclude={"content", "usage"}) == whole.model_dump(exclude={"content", "usage"})
    assert [block.type for block in streamed.content] == [block.type for block in whole.content]
    assert streamed.usage == whole.usage
    assert streamed.content[0].signature
    assert claude.requests[0].answer == blocks[1]["text"]
    assert claude.requests[0].stream


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (None, ["One", " two", "  three", "\n"]),
        (3, ["One t", "wo  t", "hree\n"]),
        (["One two ", " three\n"], ["One two ", " three\n"]),
        (100, list("One two  three\n")),
    ],
)
async def test_a_text_is_cut_as_asked(client, claude, pieces, expected):
    claude.script(Reply(text="One two  three\n", pieces=pieces))
    assert words_of(await events_of(client)) == expected


async def test_pieces_alone_are_the_text_and_are_cut_with_it(client, claude):
    claude.script(Reply(pieces=["abcdef", "ghijkl", "mnop"]), Reply(pieces=["abcdef", "ghijkl", "mnop"]))
    assert words_of(await events_of(client)) == ["abcdef", "ghijkl", "mnop"]
    events = await events_of(client, max_tokens=2)
    assert words_of(events) == ["abcdef", "gh"]
    assert events[-2].delta.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": "a", "blocks": [{"type": "text", "text": "a"}]}, "not both"),
        ({"text": "ab", "pieces": ["a"]}, "must join"),
        ({"text": "ab", "pieces": "ab"}, "a list of texts"),
        ({"text": "ab", "pieces": 0}, "at least 1"),
        ({"text": "ab", "cut_after": 1, "end_after": 1}, "only one of"),
        ({"text": "ab", "chunk_bytes": 0}, "at least 1"),
    ],
)
def test_a_reply_that_contradicts_itself_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Reply(**given)


async def test_a_tool_input_cut_at_max_tokens_is_half_a_json(client, claude):
    use = {"type": "tool_use", "name": "look", "input": {"where": "x" * 200}}
    claude.script(Reply(blocks=[use]), Reply(blocks=[use]))
    events = await events_of(client, max_tokens=10)
    raw = "".join(event.delta.partial_json for event in events if event.type == "content_block_delta")
    assert raw == json.dumps(use["input"])[:40]
    assert events[-2].delta.stop_reason == "max_tokens"
    assert (await client.messages.create(**{**GIVEN, "max_tokens": 10})).content[0].input == {}


async def test_a_tool_input_may_be_scripted_as_broken_json(client, claude):
    claude.script(Reply(blocks=[{"type": "tool_use", "name": "look", "input": '{"where": nowhere'}]))
    events = await events_of(client)
    raw = "".join(event.delta.partial_json for event in events if event.type == "content_block_delta")
    assert raw == '{"where": nowhere'
    assert events[-2].delta.stop_reason == "tool_use"


async def test_citations_and_server_tools_pass_as_they_stand(client, claude):
    citation = {
        "type": "web_search_result_location", "url": "https://example.org", "title": "Example", "cited_text": "so",
        "encrypted_index": "abc",
    }  # fmt: skip
    found = {"type": "web_search_result", "url": "https://example.org", "title": "Example", "encrypted_content": "x"}
    claude.script(
        Reply(
            blocks=[
                {"type": "server_tool_use", "name": "web_search", "input": {"query": "it"}, "id": "srvtoolu_1"},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]},
                {"type": "text", "text": "It is so.", "citations": [citation]},
            ],
            stop_reason="pause_turn",
        )
    )
    async with client.messages.stream(**GIVEN) as stream:
        message = await stream.get_final_message()
    assert message.content[0].input == {"query": "it"}
    assert message.content[1].content[0].url == "https://example.org"
    assert message.content[2].citations[0].cited_text == "so"
    assert message.stop_reason == "pause_turn"
    assert message.usage.server_tool_use.web_search_requests == 1


async def test_a_refusal_has_its_reason_and_usage_can_be_scripted(client, claude):
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    usage = {"input_tokens": 7, "output_tokens": 9, "cache_read_input_tokens": 11}
    claude.script(Reply(text="I", stop_reason="refusal", stop_details=details, usage=usage, model="claude-x"))
    async with client.messages.stream(**GIVEN) as stream:
        message = await stream.get_final_message()
    assert (message.stop_reason, message.stop_details.category, message.model) == ("refusal", "cyber", "claude-x")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 9)
    assert message.usage.cache_read_input_tokens == 11


async def test_an_empty_answer_has_no_block(client, claude):
    claude.script(Reply(), Reply())
    events = await events_of(client)
    assert [event.type for event in events if event.type != "ping"] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    assert (await client.messages.create(**GIVEN)).content == []


async def test_a_gate_holds_the_stream_before_its_piece(client, claude):
    gate = asyncio.Event()
    claude.script(Reply(pieces=["one ", "two ", "three"], gate=gate, gate_at=2, one_write=True))
    seen = []
    async with await client.messages.create(**GIVEN, stream=True) as stream:
        async for event in stream:
            if event.type == "content_block_delta":
                seen.append(event.delta.text)
            if len(seen) == 2 and not gate.is_set():
                assert claude.requests[0].characters == len("one two ")
                assert claude.requests[0].done is None
                gate.set()
    assert seen == ["one ", "two ", "three"]
    assert claude.requests[0].done == "finished"


async def test_pieces_come_at_their_pace(connect):
    async with SimulatedClaude(pace=Pace(first_token_s=0.05, piece_s=0.02)) as claude:
        client = connect(claude)
        claude.script(Reply(pieces=["a", "b", "c"]), Reply(pieces=["a", "b", "c"], first_token_s=0, piece_s=0))
        await events_of(client)
        await events_of(client)
        slow, fast = claude.requests
    times_s = [at_s - slow.at_s for at_s, characters in slow.written if characters]
    assert times_s[0] >= 0.05
    assert times_s[2] >= 0.09
    assert fast.written[-1][0] - fast.at_s < 0.05


async def test_a_burst_is_one_write_and_is_whole_whatever_its_chunks(client, claude):
    text = long_text(8000) + "🙂é" * 50
    claude.script(Reply(text=text, pieces=1000, one_write=True), Reply(text=text, chunk_bytes=7, one_write=True))
    assert "".join(words := words_of(await events_of(client))) == text
    assert len(words) == 1000
    assert len(claude.requests[0].written) == 1
    assert "".join(words_of(await events_of(client))) == text


async def test_a_client_that_leaves_is_noticed_at_once_and_the_next_one_served(client, claude):
    gate = asyncio.Event()
    claude.script(Reply(pieces=["one ", "two"], gate=gate, gate_at=1), Reply(text="next"))
    async with await client.messages.create(**GIVEN, stream=True) as stream:
        async for event in stream:
            if event.type == "content_block_delta":
                break
    left = await claude.next_disconnect()
    assert (left.done, left.characters) == ("disconnected", 4)
    assert words_of(await events_of(client)) == ["next"]
    with pytest.raises(TimeoutError):
        await claude.next_disconnect(timeout_s=0.01)


async def test_requests_can_be_waited_for(client, claude):
    gate = asyncio.Event()
    claude.script(Reply(text="a", gate=gate))
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(client.messages.create(**GIVEN))
        await claude.until(lambda: claude.count == 1)
        assert claude.requests[0].done is None
        assert claude.requests[0].headers["anthropic-version"] == "2026-10-21"
        assert claude.requests[0].body["messages"] == QUESTION
        gate.set()
        assert (await answer).content[0].text == "a"


async def test_many_streams_at_once_keep_apart(client, claude):
    async def one(n: int) -> str:
        return "".join(words_of(await events_of(client, messages=[{"role": "user", "content": f"write {n} chars"}])))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(n)) for n in range(100, 140)]
    assert [task.result() for task in tasks] == [long_text(n) for n in range(100, 140)]
    assert claude.count == 40


async def test_raw_responses_carry_the_request_id_and_scripted_headers(client, claude):
    claude.script(Reply(text="a", headers={"anthropic-ratelimit-requests-remaining": "3"}))
    response = await client.messages.with_raw_response.create(**GIVEN)
    assert response.request_id == claude.requests[0].request_id
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "3"
    assert (await response.parse()).content[0].text == "a"
