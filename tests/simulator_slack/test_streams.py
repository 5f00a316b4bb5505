"""Native streams: how they grow, and each way they end."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack


@pytest.fixture
async def thread(slack: SimulatedSlack) -> dict[str, str]:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "tell me")
    return {
        "channel": general, "thread_ts": root.ts, "recipient_user_id": ada.id, "recipient_team_id": slack.app.team_id,
    }  # fmt: skip


async def test_the_sdks_own_stream_grows_one_message(
    slack: SimulatedSlack, client: AsyncWebClient, thread: dict[str, str]
) -> None:
    stream = await client.chat_stream(buffer_size=4, **thread)
    for piece in ("**bo", "ld** a", "nd <b>"):
        await stream.append(markdown_text=piece)
    task = {"type": "task_update", "id": "t1", "title": "Look it up", "status": "in_progress"}
    await stream.append(chunks=[task])
    await stream.append(chunks=[task | {"status": "complete"}])
    await stream.stop(markdown_text=" end", metadata={"event_type": "x", "event_payload": {}})
    message = slack.messages(thread["channel"], thread["thread_ts"])[1]
    assert message.shown == "**bold** and <b>\nLook it up\n end"
    assert message.versions[0] == "**bo"
    assert message.blocks[1]["status"] == "complete"
    assert message.metadata["event_type"] == "x"
    assert message.ts == stream.ts


async def test_a_stream_needs_a_thread_and_in_a_channel_a_recipient(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, thread: dict[str, str]
) -> None:
    for missing, error in (
        ("recipient_user_id", "missing_recipient_user_id"),
        ("recipient_team_id", "missing_recipient_team_id"),
        ("thread_ts", "invalid_arguments"),
    ):
        args = {name: value for name, value in thread.items() if name != missing}
        assert (await refusal(client.api_call("chat.startStream", json=args)))["error"] == error
    assert (await refusal(client.chat_startStream(**thread | {"thread_ts": "1.000001"})))[
        "error"
    ] == "invalid_thread_ts"
    ada = slack.add_person("Grace")
    root = await slack.say(ada, slack.dm(ada), "hi")
    assert (await client.chat_startStream(channel=slack.dm(ada), thread_ts=root.ts))["ok"]


async def test_a_streamed_message_holds_12000_characters_task_cards_included(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, thread: dict[str, str]
) -> None:
    started = await client.chat_startStream(**thread, markdown_text="x" * 11_000)
    place = {"channel": thread["channel"], "ts": started["ts"]}
    assert (await refusal(client.chat_appendStream(**place, markdown_text="y" * 12_001)))["error"] == "msg_too_long"
    assert (await refusal(client.chat_appendStream(**place, markdown_text="y" * 1_001)))["error"] == "msg_too_long"
    await client.chat_appendStream(**place, markdown_text="y" * 900)
    card = {"type": "task_update", "id": "t", "title": "z" * 101, "status": "complete"}
    assert (await refusal(client.chat_appendStream(**place, chunks=[card])))["error"] == "msg_too_long"
    await client.chat_appendStream(**place, chunks=[card | {"title": "z" * 100}])
    assert (await refusal(client.chat_stopStream(**place, markdown_text="!")))["error"] == "msg_too_long"
    await client.chat_stopStream(**place)
    message = slack.messages(thread["channel"], thread["thread_ts"])[1]
    assert message.shown == "x" * 11_000 + "y" * 900 + "\n" + "z" * 100


async def test_an_open_stream_is_neither_edited_nor_deleted_and_a_stopped_one_takes_no_text(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, thread: dict[str, str]
) -> None:
    started = await client.chat_startStream(**thread, markdown_text="one")
    place = {"channel": thread["channel"], "ts": started["ts"]}
    assert (await refusal(client.chat_update(**place, text="x")))["error"] == "streaming_state_conflict"
    assert (await refusal(client.chat_delete(**place)))["error"] == "cant_delete_message"
    assert (await refusal(client.chat_appendStream(**place)))["error"] == "no_text"
    body = await refusal(client.chat_appendStream(**place, chunks=[{"type": "magic"}]))
    assert body["error"] == "invalid_chunks"
    await client.chat_stopStream(**place, markdown_text=" two")
    for call in (client.chat_appendStream(**place, markdown_text="x"), client.chat_stopStream(**place)):
        assert (await refusal(call))["error"] == "message_not_in_streaming_state"
    await client.chat_update(**place, text="three")
    message = slack.messages(thread["channel"], thread["thread_ts"])[1]
    assert message.versions == ["one", "one two", "three"]


async def test_a_stream_dies_of_age_and_what_it_said_stays_and_can_be_edited(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, thread: dict[str, str]
) -> None:
    started = await client.chat_startStream(**thread, markdown_text="half")
    place = {"channel": thread["channel"], "ts": started["ts"]}
    slack.settings.stream_lasts_s = 0.0
    body = await refusal(client.chat_appendStream(**place, markdown_text=" whole"))
    assert body["error"] == "message_not_in_streaming_state"
    await client.chat_update(**place, text="t", blocks=[{"type": "markdown", "text": "half whole"}])
    assert slack.messages(thread["channel"], thread["thread_ts"])[1].versions == ["half", "half whole"]


async def test_a_posted_message_is_no_stream(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, thread: dict[str, str]
) -> None:
    posted = await client.chat_postMessage(channel=thread["channel"], text="x")
    call = client.chat_appendStream(channel=thread["channel"], ts=posted["ts"], markdown_text="y")
    assert (await refusal(call))["error"] == "message_not_in_streaming_state"
    call = client.chat_appendStream(channel=thread["channel"], ts=thread["thread_ts"], markdown_text="y")
    assert (await refusal(call))["error"] == "message_not_owned_by_app"
    assert slack.api.limited == 0
