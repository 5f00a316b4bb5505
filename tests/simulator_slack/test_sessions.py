"""Agent sessions and what a stream takes from and gives to them."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import Message, SimulatedSlack


@pytest.fixture
async def root(slack: SimulatedSlack) -> Message:
    ada = slack.add_person("Ada")
    return await slack.say(ada, slack.dm(ada), "work")


async def test_a_session_has_a_status_and_a_title(client: AsyncWebClient, refusal: Any, root: Message) -> None:
    place = {"channel_id": root.channel, "thread_ts": root.ts}
    assert (await refusal(client.agents_sessions_rename(**place, title="x")))["error"] == "session_not_found"
    made = await client.agents_sessions_setStatus(**place, status="processing", title="Work")
    assert (made["status"], made["title"], "warning" in made.data) == ("processing", "Work", False)
    again = await client.agents_sessions_setStatus(**place, status="processing", title="ignored")
    assert again["title"] == "Work"
    await client.agents_sessions_rename(**place, title="More work")
    assert (await refusal(client.agents_sessions_rename(**place, title="x" * 201)))["error"] == "invalid_arguments"
    assert (await refusal(client.agents_sessions_setStatus(**place, status="busy")))["error"] == "invalid_arguments"
    elsewhere = client.agents_sessions_setStatus(channel_id=root.channel, thread_ts="1.000001", status="active")
    assert (await refusal(elsewhere))["error"] == "invalid_thread_ts"


async def test_without_the_event_there_is_a_warning_and_no_stop_button(
    slack: SimulatedSlack, client: AsyncWebClient, root: Message
) -> None:
    slack.app.unsubscribe("agent_session_stopped")
    made = await client.agents_sessions_setStatus(channel_id=root.channel, thread_ts=root.ts, status="processing")
    assert made["warning"] == "missing_agent_session_stopped_event_subscription"
    with pytest.raises(LookupError, match="no Stop button"):
        await slack.press_stop(slack.add_person("Ada"), root.channel, root.ts)


async def test_the_end_of_a_stream_sets_the_sessions_status(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, root: Message
) -> None:
    await client.agents_sessions_setStatus(channel_id=root.channel, thread_ts=root.ts, status="processing")
    for status in ("suspended", ""):
        stream = await client.chat_startStream(channel=root.channel, thread_ts=root.ts, markdown_text="x")
        place = {"channel": root.channel, "ts": stream["ts"]}
        body = await refusal(client.chat_stopStream(**place, session_status="busy"))
        assert body["error"] == "invalid_arguments"
        await client.chat_stopStream(**place, **({"session_status": status} if status else {}))
        assert slack.session(root.channel, root.ts)["status"] == (status or "active")


async def test_metadata_is_taken_at_the_end_of_a_stream_only(
    slack: SimulatedSlack, client: AsyncWebClient, root: Message
) -> None:
    mark = {"event_type": "parley", "event_payload": {"mark": "m"}}
    args = {"channel": root.channel, "thread_ts": root.ts, "markdown_text": "x", "metadata": mark}
    started = await client.api_call("chat.startStream", json=args)
    place = {"channel": root.channel, "ts": started["ts"]}
    await client.api_call("chat.appendStream", json=place | {"markdown_text": "y", "metadata": mark})
    assert slack.messages(root.channel, root.ts)[1].metadata == {}
    await client.chat_stopStream(**place, metadata=mark)
    assert slack.messages(root.channel, root.ts)[1].metadata == mark


@pytest.mark.parametrize("limit", [("chat.startStream", 20), ("chat.appendStream", 100)])
async def test_streams_have_limits_for_the_whole_workspace(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, root: Message, limit: tuple[str, int]
) -> None:
    method, calls = limit
    bob = slack.add_person("Bob")
    other = await slack.say(bob, slack.dm(bob), "work")
    places: list[dict[str, Any]] = [{"channel": m.channel, "thread_ts": m.ts} for m in (root, other)]
    if method == "chat.appendStream":
        started = [await client.chat_startStream(channel=p["channel"], thread_ts=p["thread_ts"]) for p in places]
        places = [{"channel": s["channel"], "ts": s["ts"], "markdown_text": "x"} for s in started]
    for n in range(calls):
        await client.api_call(method, json=places[n % 2])
    assert (await refusal(client.api_call(method, json=places[0])))["error"] == "ratelimited"
