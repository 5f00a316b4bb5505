"""What is tried again, when, and for how long; and what waits for a connection."""

import asyncio
import time

import pytest

from bot.claude import (
    AsyncClient,
    AuthenticationRefused,
    ClaudeError,
    ContextFull,
    InvalidRequest,
    ModelNotFound,
    NoConnection,
    Overloaded,
    RateLimited,
    RequestTooLarge,
    SpendLimitReached,
    Stalled,
    Unavailable,
    contents,
    mk_sdk,
)
from bot.claude.call import pause_before
from bot.simulator.claude import Reply

REFUSED = [
    ({"status": 401}, AuthenticationRefused),
    ({"status": 403}, AuthenticationRefused),
    ({"status": 402}, SpendLimitReached),
    ({"status": 400, "error_message": "messages: bad"}, InvalidRequest),
    ({"status": 400, "error_message": "prompt is too long: 1000002 tokens > 1000000 maximum"}, ContextFull),
    ({"status": 404}, ModelNotFound),
    ({"status": 413}, RequestTooLarge),
    ({"status": 429, "error_details": {"error_code": "enforced_spend_limit_reached"}}, SpendLimitReached),
    ({"status": 529, "headers": {"x-should-retry": "false"}}, Overloaded),
]


@pytest.mark.parametrize(("given", "error"), REFUSED)
async def test_what_will_not_change_is_not_tried_again(c, claude, given, error):
    claude.script(Reply(**given))
    with pytest.raises(error) as caught:
        await c("Hi")
    assert type(caught.value) is error
    assert caught.value.status == given["status"]
    assert caught.value.request_id
    assert claude.count == 1
    assert repr(c.use) == "In: 0; Out: 0; Total: 0"


@pytest.mark.parametrize("mishap", [{"status": 500}, {"status": 529}, {"end_after": -1}, {"error_after": 0}])
async def test_row_33_what_fails_before_the_first_token_is_tried_again(c, claude, mishap):
    claude.script(Reply(text="" if "status" in mishap else "Hello", **mishap), Reply(text="Hello"))
    assert contents(await c("Hi")) == "Hello"
    assert claude.count == 2


async def test_a_rate_limit_is_waited_for_as_long_as_the_api_says(c, claude):
    claude.script(Reply(status=429, headers={"retry-after": "0.3"}), Reply(text="Hello"))
    start = time.monotonic()
    assert contents(await c("Hi")) == "Hello"
    assert claude.requests[1].at_s - claude.requests[0].at_s >= 0.3
    assert time.monotonic() - start < 5


async def test_a_wait_beyond_the_deadline_is_not_begun(client, claude):
    claude.script(Reply(status=429, headers={"retry-after": "3600"}))
    with pytest.raises(RateLimited) as caught:
        await client(retry_within_s=5)("Hi")
    assert caught.value.retry_after_s == 3600
    assert claude.count == 1


async def test_trying_again_ends_at_the_deadline(client, claude):
    claude.otherwise = lambda _: Reply(status=529)
    start = time.monotonic()
    with pytest.raises(Overloaded):
        await client(retry_within_s=0.7)("Hi")
    assert time.monotonic() - start < 1.5
    assert claude.count == 2


async def test_an_answer_that_does_not_begin_is_given_up(client, claude):
    claude.script(Reply(text="late", stall_after=-1))
    with pytest.raises(Stalled):
        await client(stall_s=0.2, retry_within_s=0.1)("Hi")
    assert (await claude.next_disconnect()).done == "disconnected"


async def test_an_answer_may_be_late_even_if_there_is_no_time_for_another_attempt(client, claude):
    claude.script(Reply(text="late", first_token_s=0.4))
    assert contents(await client(retry_within_s=0.2)("Hi")) == "late"
    assert claude.count == 1


async def test_nothing_is_tried_again_after_the_first_token(c, claude):
    claude.script(Reply(text="one two three", cut_after=1))
    with pytest.raises(ClaudeError):
        await c("Hi")
    assert claude.count == 1


async def test_a_host_that_is_not_there_is_unavailable():
    sdk = mk_sdk(api_key="key", base_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await AsyncClient("claude-sonnet-5-5", cli=sdk, retry_within_s=0.1)("Hi")
    await sdk.close()


async def test_the_wait_for_a_free_connection_is_bounded(claude):
    sdk = mk_sdk(api_key=claude.api_key, base_url=claude.base_url, max_connections=1, wait_for_connection_s=0.1)
    client = AsyncClient("claude-sonnet-5-5", cli=sdk, retry_within_s=0.3)
    gate = asyncio.Event()
    claude.script(Reply(text="one two", gate=gate, gate_at=1))
    stream = await client("Hi", stream=True)
    await anext(stream)
    patient = AsyncClient("claude-sonnet-5-5", cli=sdk, retry_within_s=5)
    start = time.monotonic()
    with pytest.raises(NoConnection):
        await client("Me too")
    assert time.monotonic() - start < 1
    waiting = asyncio.create_task(patient("And me"))
    gate.set()
    await stream.finish()
    assert contents(await waiting)
    await sdk.close()


def test_pauses_grow_and_are_spread():
    for number in range(8):
        longest = min(0.5 * 2**number, 8)
        assert all(longest * 0.75 <= pause_before(number, Overloaded("")) <= longest for _ in range(20))
    assert pause_before(5, RateLimited("", retry_after_s=0.25)) == 0.25
