"""What can be scripted to go wrong, and what the real SDK makes of it."""

import asyncio

import anthropic
import httpx2
import pytest

from bot.simulator.claude import Reply, SimulatedClaude

GIVEN = {"model": "claude-sonnet-5-5", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello"}]}
PIECES = ["one ", "two ", "three"]


async def read(client) -> tuple[str, object, BaseException | None]:
    """Return what arrived, the stop reason and what was raised."""
    text, stop, raised = "", None, None
    try:
        async with await client.messages.create(**GIVEN, stream=True) as stream:
            async for event in stream:
                if event.type == "content_block_delta":
                    text += event.delta.text
                if event.type == "message_delta":
                    stop = event.delta.stop_reason
    except (anthropic.APIError, httpx2.HTTPError) as error:
        raised = error
    return text, stop, raised


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (529, "overloaded_error", anthropic.OverloadedError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (400, "invalid_request_error", anthropic.BadRequestError),
        (402, "billing_error", anthropic.PaymentRequiredError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (413, "request_too_large", anthropic.APIStatusError),
        (504, "timeout_error", anthropic.InternalServerError),
    ],
)
async def test_an_http_error_is_the_sdks_own(client, claude, status, kind, error):
    for stream in (False, True):
        claude.script(Reply(status=status))
        with pytest.raises(error) as caught:
            await client.messages.create(**GIVEN, stream=stream)
        assert (caught.value.status_code, caught.value.type) == (status, kind)
        assert caught.value.request_id == claude.requests[-1].request_id
        assert claude.requests[-1].done == "failed"


async def test_an_error_brings_its_headers_details_and_words(client, claude):
    claude.script(
        Reply(
            status=429, headers={"retry-after": "7"}, error_message="Spent.",
            error_details={"error_code": "enforced_spend_limit_reached"},
        )
    )  # fmt: skip
    with pytest.raises(anthropic.RateLimitError) as caught:
        await client.messages.create(**GIVEN)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.error_code == "enforced_spend_limit_reached"
    assert caught.value.api_message == "Spent."


async def test_the_sdk_retries_and_then_gets_the_next_reply(connect, claude):
    client = connect(claude, max_retries=2)
    claude.script(Reply(status=529, headers={"retry-after-ms": "1"}), Reply(text="at last"))
    assert (await client.messages.create(**GIVEN)).content[0].text == "at last"
    assert [request.done for request in claude.requests] == ["failed", "finished"]


@pytest.mark.parametrize("one_write", [False, True])
@pytest.mark.parametrize(("after", "arrived"), [(-1, ""), (0, ""), (2, "one two "), (99, "one two three")])
class TestInTheMiddleOfAStream:
    async def test_an_error_event(self, client, claude, after, arrived, one_write):
        claude.script(Reply(pieces=PIECES, error_after=after, one_write=one_write))
        text, stop, raised = await read(client)
        assert (text, stop) == (arrived, None)
        assert isinstance(raised, anthropic.APIStatusError)
        assert (raised.status_code, raised.type) == (200, "overloaded_error")
        assert claude.requests[0].done == "failed"

    async def test_a_cut_connection(self, client, claude, after, arrived, one_write):
        claude.script(Reply(pieces=PIECES, cut_after=after, one_write=one_write))
        text, stop, raised = await read(client)
        assert (text, stop) == (arrived, None)
        assert isinstance(raised, httpx2.RemoteProtocolError)
        assert claude.requests[0].done == "failed"

    async def test_an_end_before_the_end(self, client, claude, after, arrived, one_write):
        claude.script(Reply(pieces=PIECES, end_after=after, one_write=one_write))
        assert await read(client) == (arrived, None, None)
        assert claude.requests[0].done == "failed"

    async def test_silence(self, connect, claude, after, arrived, one_write):
        client = connect(claude, timeout=httpx2.Timeout(120, read=1.0))
        claude.script(Reply(pieces=PIECES, stall_after=after, one_write=one_write), Reply(text="again"))
        text, stop, raised = await read(client)
        assert (text, stop) == (arrived, None)
        assert isinstance(raised, httpx2.ReadTimeout)
        assert (await claude.next_disconnect()).characters == len(arrived)
        assert (await read(client))[0] == "again"


async def test_the_error_of_an_event_can_be_chosen(client, claude):
    claude.script(Reply(text="a b c", error_after=1, error_type="api_error", error_message="Lost."))
    _, _, raised = await read(client)
    assert (raised.type, raised.api_message) == ("api_error", "Lost.")


async def test_a_fault_in_an_answer_that_is_not_streamed(client, connect, claude):
    claude.script(Reply(text="a", error_after=1), Reply(text="a", cut_after=1), Reply(text="a", end_after=0))
    with pytest.raises(anthropic.OverloadedError):
        await client.messages.create(**GIVEN)
    for _ in range(2):
        with pytest.raises(anthropic.APIConnectionError):
            await client.messages.create(**GIVEN)
    assert [request.done for request in claude.requests] == ["failed"] * 3
    claude.script(Reply(text="a", stall_after=0))
    with pytest.raises(anthropic.APITimeoutError):
        await connect(claude, timeout=1.0).messages.create(**GIVEN)
    await claude.next_disconnect()


async def test_closing_the_simulation_ends_what_is_open(connect):
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        async with SimulatedClaude() as claude:
            claude.script(Reply(pieces=PIECES, stall_after=1))
            reading = group.create_task(read(connect(claude)))
            await claude.until(lambda: bool(claude.requests and claude.requests[0].characters))
        text, _, raised = await reading
    assert text == "one "
    assert isinstance(raised, httpx2.HTTPError)
    assert claude.requests[0].done == "disconnected"
