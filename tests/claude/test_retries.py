"""What is tried again, when, and for how long; and what waits for a connection."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.claude import (
    AskedAgain,
    AsyncChat,
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
from bot.claude.api.call import pause_before
from bot.claude.api.failures import retry_after
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
    assert contents(await c("Hi")) == "Hello"
    assert claude.requests[1].at_s - claude.requests[0].at_s >= 0.3


async def test_a_wait_beyond_the_deadline_is_not_begun(client, claude):
    claude.script(Reply(status=429, headers={"retry-after": "3600"}))
    with pytest.raises(RateLimited) as caught:
        await client(retry_within_s=5)("Hi")
    assert caught.value.retry_after_s == 3600
    assert claude.count == 1


async def test_trying_again_ends_at_the_deadline(client, claude):
    claude.script(*(Reply(status=529, headers={"retry-after": wait_s}) for wait_s in ("0", "60", "0")))
    with pytest.raises(Overloaded):
        await client(retry_within_s=60)("Hi")
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
    with pytest.raises(NoConnection):
        await client("Me too")
    waiting = asyncio.create_task(patient("And me"))
    gate.set()
    await stream.finish()
    assert contents(await waiting)
    await sdk.close()


def test_pauses_grow_and_are_spread():
    for number, longest in enumerate((0.5, 5, 25, 25), 1):
        assert all(longest * 0.75 <= pause_before(number, Overloaded("")) <= longest for _ in range(20))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_what_the_api_names_as_the_wait_is_heeded_on_every_status(c, claude, status):
    claude.script(Reply(status=status, headers={"retry-after": "0.7"}), Reply(text="Hello"))
    stream = await c("Hi", stream=True)
    again = [event async for event in stream.events() if isinstance(event, AskedAgain)]
    assert [(event.tried, event.pause_s, event.why.status) for event in again] == [(1, 0.7, status)]
    assert claude.requests[1].at_s - claude.requests[0].at_s >= 0.7


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_wait_may_be_named_in_milliseconds_in_seconds_or_as_a_date(headers, pause_s):
    assert retry_after(headers) == pause_s


def test_a_wait_until_a_date_lasts_until_then():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < (retry_after({"retry-after": then}) or 0) <= 30


async def test_an_outage_costs_four_attempts_and_the_error_says_so(client, claude, monkeypatch):
    monkeypatch.setattr("bot.claude.api.call.PAUSES_S", (0.01, 0.01, 0.01))
    claude.otherwise = lambda _: Reply(status=529)
    with pytest.raises(Overloaded) as caught:
        await client()("Hi")
    assert claude.count == caught.value.tried == 4
    assert caught.value.host == "127.0.0.1"
    assert caught.value.within_s > 0


async def test_a_chat_is_as_patient_as_it_is_told(c, claude, monkeypatch):
    monkeypatch.setattr("bot.claude.api.call.PAUSES_S", (0.01,))
    claude.otherwise = lambda _: Reply(status=503)
    with pytest.raises(Unavailable):
        await AsyncChat(cli=c, attempts=2)("Hi")
    assert claude.count == 2


async def test_a_request_is_made_only_if_it_is_allowed_and_with_no_more_tokens_than_that(c, claude, monkeypatch):
    monkeypatch.setattr("bot.claude.api.call.PAUSES_S", (0.01,))
    claude.script(Reply(status=529), Reply(text="one two three"), Reply(text="never"))
    asked = []

    async def allow(body, used):
        asked.append((body["max_tokens"], used.total))
        if len(asked) == 3:
            raise PermissionError
        return 2

    chat = AsyncChat(cli=c, allow=allow)
    assert (await chat("Hi", maxtok=50)).stop_reason == "max_tokens"
    with pytest.raises(PermissionError):
        await chat("Hi again")
    assert [request.body["max_tokens"] for request in claude.requests] == [2, 2]
    assert asked[:2] == [(50, 0), (50, 0)]


async def test_what_was_sent_and_never_answered_is_told_as_unknown(client, claude):
    """A refusal costs nothing; of a request that was given up before the first event nobody knows."""
    c = client(stall_s=0.2, attempts=1)
    claude.script(Reply(text="late", stall_after=-1), Reply(status=529), Reply(text="x", cut_after=-1))
    for unknown in (1, 1, 2):
        with pytest.raises(ClaudeError):
            await c("Hi")
        assert c.use.unknown_requests == unknown
    assert c.use.total == 0


async def test_a_host_that_refuses_was_sent_nothing():
    sdk = mk_sdk(api_key="key", base_url="http://127.0.0.1:9")
    c = AsyncClient("claude-sonnet-5-5", cli=sdk, attempts=1)
    with pytest.raises(NoConnection):
        await c("Hi")
    assert c.use.unknown_requests == 0
    await sdk.close()


async def test_what_had_come_when_an_answer_was_left_is_counted(c, claude):
    """Also what was not looked at yet: it is billed all the same."""
    text = "word " * 40
    claude.script(Reply(text=text, one_write=True, stall_after=10_000))
    async with await c("Hi", stream=True) as stream:
        await anext(stream)
    assert stream.usage.output_tokens >= len(text) / 4


async def test_what_is_written_in_any_script_is_counted(c, claude):
    for text in ("语言模型" * 50, "אבגד" * 50, "🎉" * 50):
        claude.script(Reply(pieces=[text, "end"], stall_after=1))
        async with await c("Hi", stream=True) as stream:
            await anext(stream)
        assert stream.usage.output_tokens >= len(text.encode()) / 4
