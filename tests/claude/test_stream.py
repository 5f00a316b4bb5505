"""The object that `stream=True` returns."""

import asyncio

import anthropic
import pytest
from aiohttp import web
from loop_clock import time_stands_still

from bot.claude import (
    AsyncChat,
    AsyncClient,
    AuthenticationRefused,
    End,
    Overloaded,
    Stalled,
    StreamCut,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Unavailable,
    UsageSoFar,
    contents,
    mk_sdk,
)
from bot.simulator.claude import Reply

WORDS = "one two three four"


@pytest.fixture(params=["aiohttp", "httpx2"])
async def sdk(request, claude):
    """The SDK with our transport, and with its own."""
    if request.param == "aiohttp":
        made = mk_sdk(api_key=claude.api_key, base_url=claude.base_url)
    else:
        http = anthropic.DefaultAsyncHttpxClient(verify=False)  # plain HTTP; reading the certificates takes its time
        made = anthropic.AsyncAnthropic(api_key=claude.api_key, base_url=claude.base_url, http_client=http)
    yield made
    await made.close()


async def pieces(stream) -> list[str]:
    return [piece async for piece in stream]


async def test_nothing_is_sent_before_the_stream_is_read(c, claude):
    stream = await c("Hi", stream=True)
    assert claude.count == 0
    await stream.aclose()
    assert claude.count == 0
    assert stream.value is None


async def test_the_pieces_are_the_text_and_none_is_empty(c, claude):
    claude.script(Reply(text=WORDS))
    async with await c("Hi", stream=True) as stream:
        got = await pieces(stream)
    assert all(got)
    assert "".join(got) == WORDS == stream.text == contents(stream.value) == stream.message.text


async def test_value_and_usage_are_there_at_the_end(c, claude):
    claude.script(Reply(text=WORDS, usage={"input_tokens": 8, "output_tokens": 29}))
    stream = await c("Hi", stream=True)
    assert stream.value is None
    assert await stream is stream.value
    assert repr(stream.usage) == "In: 8; Out: 29; Total: 37"
    assert stream.value.stop_reason == "end_turn"


async def test_a_stream_that_was_read_gives_nothing_more_and_closes_twice(c, claude):
    claude.script(Reply(text=WORDS))
    stream = await c("Hi", stream=True)
    assert await anext(stream) == "one"
    assert "".join(await pieces(stream)) == WORDS[3:]
    assert await pieces(stream) == []
    await stream.aclose()
    await stream.aclose()
    assert stream.value is not None


async def test_the_events_are_text_thinking_tool_use_result_usage_and_end(c, claude):
    def weather(city: str) -> str:
        return f"Rain in {city}"

    blocks = [
        {"type": "thinking", "thinking": "Which city?"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}},
    ]
    claude.script(Reply(blocks=blocks, usage={"output_tokens": 9}))
    stream = await AsyncChat(cli=c, tools=[weather])("Weather?", stream=True)
    events = [event async for event in stream.events()]
    assert "".join(e.text for e in events if isinstance(e, Text)) == "I look."
    assert "".join(e.text for e in events if isinstance(e, Thinking)) == "Which city?"
    assert [e for e in events if isinstance(e, ToolUse)] == [ToolUse("toolu_1", "weather", {"city": "Bern"})]
    assert [e for e in events if isinstance(e, ToolResult)] == [ToolResult("toolu_1", "weather", "Rain in Bern")]
    assert [e.usage.output_tokens for e in events if isinstance(e, UsageSoFar)] == [1, 9]
    assert isinstance(events[-1], End)
    assert events[-1].message is stream.value
    order = [type(event) for event in events]
    assert order.index(Thinking) < order.index(Text) < order.index(ToolUse) < order.index(ToolResult)


async def test_text_around_something_else_is_two_paragraphs_in_stream_and_message(c, claude):
    blocks = [
        {"type": "text", "text": "I search."},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "raining."},
    ]
    claude.script(Reply(blocks=blocks))
    stream = await c("Weather?", stream=True)
    assert "".join(await pieces(stream)) == "I search.\n\nIt is raining." == contents(stream.value)


async def test_stopping_closes_the_connection_while_claude_writes(c, claude):
    claude.script(Reply(text=WORDS, gate=asyncio.Event(), gate_at=1))
    stream = await c("Hi", stream=True)
    assert await anext(stream) == "one"
    with time_stands_still():  # nothing is waited for
        await stream.aclose()
        await claude.next_disconnect()
    assert stream.value is None
    assert stream.text == "one"
    assert stream.usage.input_tokens > 0


async def test_another_task_can_stop_a_stream_that_waits_for_the_next_piece(c, claude):
    claude.script(Reply(text=WORDS, gate=asyncio.Event(), gate_at=1))
    stream = await c("Hi", stream=True)
    begun = asyncio.Event()

    async def read() -> list[str]:
        got = []
        async for piece in stream:
            got.append(piece)
            begun.set()
        return got

    reader = asyncio.create_task(read())
    await begun.wait()
    await asyncio.sleep(0)
    await stream.aclose()
    assert await reader == ["one"]
    await claude.next_disconnect()
    with pytest.raises(StreamCut):
        await stream.finish()


async def test_another_task_can_stop_a_stream_before_its_first_piece(c, claude):
    claude.script(Reply(text=WORDS, first_token_s=30))
    stream = await c("Hi", stream=True)
    reader = asyncio.create_task(pieces(stream))
    await claude.until(lambda: claude.count == 1)
    while not reader.done():  # the connection may only just be made
        await stream.aclose()
        await asyncio.sleep(0)
    assert await reader == []
    assert (await claude.next_disconnect()).done == "disconnected"


BROKEN = [
    (Reply(text=WORDS, cut_after=2), StreamCut),
    (Reply(text=WORDS, end_after=2), StreamCut),
    (Reply(text=WORDS, error_after=2), Overloaded),
    (Reply(text=WORDS, error_after=2, error_type="api_error"), Unavailable),
    (Reply(text=WORDS, stall_after=2), Stalled),
]


@pytest.mark.parametrize(("reply", "error"), BROKEN, ids=["dropped", "ended early", "overloaded", "failed", "stalled"])
async def test_an_answer_that_breaks_off_is_one_error_with_the_text_so_far(client, claude, reply, error):
    c = client(stall_s=0.2)
    claude.script(reply)
    stream = await c("Hi", stream=True)
    got = []
    with pytest.raises(error) as caught:  # noqa: PT012 - what was got before the error counts
        async for piece in stream:
            got.append(piece)  # noqa: PERF401
    assert "".join(got) == "one two" == caught.value.text_so_far == stream.text
    assert caught.value.request_id == claude.requests[-1].request_id
    assert stream.value is None
    assert claude.count == 1
    assert c.use.input_tokens > 0
    assert c.use.estimated_output_tokens == 2


async def test_without_a_key_the_error_says_so(claude, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    sdk = mk_sdk(base_url=claude.base_url)
    with pytest.raises(AuthenticationRefused):
        await AsyncClient("claude-sonnet-5-5", cli=sdk)("Hi")
    await sdk.close()


async def test_what_is_no_stream_of_events_is_an_error_at_once(c):
    async def answer(_request) -> web.Response:
        return web.json_response({"hello": "world"})

    app = web.Application()
    app.router.add_post("/v1/messages", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    other = mk_sdk(api_key="x", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    with pytest.raises(StreamCut, match="application/json"):
        await AsyncClient(c.model, cli=other)("Hi")
    await other.close()
    await runner.cleanup()


async def test_forgotten_streams_leave_no_connection_behind(c, claude):
    claude.otherwise = lambda _: Reply(text=WORDS, gate=asyncio.Event(), gate_at=1)
    for _ in range(5):
        async for _ in await c("Hi", stream=True):
            break
    for _ in range(5):
        await claude.next_disconnect()
