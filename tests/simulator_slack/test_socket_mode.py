"""Events reach the real Bolt as Slack sends them, are acknowledged, and come again when they are not."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack


async def test_a_mention_in_a_channel_is_a_message_and_an_app_mention_with_one_ts(
    slack: SimulatedSlack, bolt: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    said = await slack.say(ada, general, f"{slack.app.mention} is 1 < 2 & 3?")
    events = {event["type"]: event for event in [await bolt.next(), await bolt.next()]}

    assert events.keys() == {"message", "app_mention"}
    assert {event["ts"] for event in events.values()} == {said.ts}
    assert events["message"]["text"] == f"{slack.app.mention} is 1 &lt; 2 &amp; 3?"
    assert events["message"]["channel_type"] == "channel"
    assert "channel_type" not in events["app_mention"]
    assert len({body["event_id"] for body in bolt.bodies}) == 2
    assert {body["team_id"] for body in bolt.bodies} == {slack.app.team_id}
    assert bolt.bodies[0]["authorizations"][0]["user_id"] == slack.app.bot.id
    await slack.events.acknowledged(general, said.ts)
    assert [envelope.retry_attempt for envelope in slack.events.envelopes] == [0, 0]
    assert slack.events.acks.keys() == {envelope.id for envelope in slack.events.envelopes}


async def test_a_direct_message_is_an_im_message_and_never_a_mention(slack: SimulatedSlack, bolt: Any) -> None:
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), f"{slack.app.mention} hello")
    first = await bolt.next()
    await slack.say(ada, slack.dm(ada), "again")
    second = await bolt.next()
    assert [(e["type"], e["channel_type"]) for e in (first, second)] == [("message", "im")] * 2
    assert slack.dm(ada) == first["channel"]


async def test_a_group_dm_and_a_private_channel_have_their_own_channel_types(slack: SimulatedSlack, bolt: Any) -> None:
    ada, bob = slack.add_person("Ada"), slack.add_person("Bob")
    await slack.say(ada, slack.dm(ada, bob), "to both")
    await slack.say(ada, slack.add_channel("secret", private=True), "to the few")
    assert [(await bolt.next())["channel_type"] for _ in range(2)] == ["mpim", "group"]


async def test_the_bots_own_and_other_bots_messages_are_events_with_a_bot_id(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient
) -> None:
    general, other = slack.add_channel("general"), slack.add_person("Alerts", bot=True)
    await client.chat_postMessage(channel=general, text="mine")
    await slack.say(other, general, "theirs")
    mine, theirs = await bolt.next(), await bolt.next()
    assert (mine["bot_id"], mine["user"]) == (slack.app.bot.bot_id, slack.app.bot.id)
    assert theirs["bot_id"] == other.bot_id != slack.app.bot.bot_id


async def test_a_channel_the_bot_is_not_in_is_silent_and_closed_to_it(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient, refusal: Any
) -> None:
    ada, closed = slack.add_person("Ada"), slack.add_channel("closed", member=False)
    await slack.say(ada, closed, f"{slack.app.mention} psst")
    await slack.say(ada, slack.dm(ada), "hello")
    assert (await bolt.next())["channel_type"] == "im"
    assert (await refusal(client.chat_postMessage(channel=closed, text="x")))["error"] == "not_in_channel"
    assert (await refusal(client.conversations_history(channel=closed)))["error"] == "not_in_channel"


async def test_an_edit_and_a_deletion_are_heard_with_what_was_there_before(slack: SimulatedSlack, bolt: Any) -> None:
    ada = slack.add_person("Ada")
    said = await slack.say(ada, slack.dm(ada), "colour")
    await bolt.next()
    await slack.edit(ada, slack.dm(ada), said.ts, "color")
    changed = await bolt.next()
    await slack.delete(slack.dm(ada), said.ts)
    deleted = await bolt.next()

    assert changed["subtype"] == "message_changed"
    assert changed["message"]["text"] == "color"
    assert changed["message"]["ts"] == said.ts
    assert changed["message"]["edited"]["user"] == ada.id
    assert changed["previous_message"]["text"] == "colour"
    assert deleted["subtype"] == "message_deleted"
    assert deleted["deleted_ts"] == said.ts
    assert deleted["previous_message"]["text"] == "color"
    assert slack.messages(slack.dm(ada)) == []
    assert said.versions == ["colour", "color", ""]


async def test_a_deleted_root_with_replies_leaves_a_tombstone(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "root")
    await slack.say(ada, general, "reply", thread=root.ts)
    await slack.delete(general, root.ts)
    assert [(await bolt.next()).get("subtype") for _ in range(3)] == [None, None, "message_changed"]
    kept = (await client.conversations_replies(channel=general, ts=root.ts))["messages"]
    assert [(m.get("subtype"), m["text"]) for m in kept] == [
        ("tombstone", "This message was deleted."),
        (None, "reply"),
    ]


async def test_an_edit_that_adds_the_mention_is_an_app_mention_of_the_old_ts(slack: SimulatedSlack, bolt: Any) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    said = await slack.say(ada, general, "what is it?")
    await slack.edit(ada, general, said.ts, f"{slack.app.mention} what is it?")
    events = [await bolt.next() for _ in range(3)]
    assert [event["type"] for event in events] == ["message", "message", "app_mention"]
    assert events[2]["ts"] == said.ts
    assert "edited" in events[2]


async def test_what_is_not_acknowledged_comes_three_times_more_with_the_same_event_id(
    slack: SimulatedSlack, bolt: Any
) -> None:
    slack.settings.redeliver_after_s = 0.005
    bolt.deaf = True
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "anybody?")
    await slack.events.settled()
    assert [e.retry_attempt for e in slack.events.envelopes] == [0, 1, 2, 3]
    assert [e.retry_reason for e in slack.events.envelopes] == ["", "timeout", "timeout", "timeout"]
    assert len({e.id for e in slack.events.envelopes}) == 4
    assert len({e.event_id for e in slack.events.envelopes}) == 1
    gaps_s = [b.sent_at_s - a.sent_at_s for a, b in pairwise(slack.events.envelopes)]
    assert gaps_s[1] > 0.1  # at once, after 20 and after 100 times the time for an acknowledgement
    assert gaps_s[2] > 0.5
    assert not slack.events.acks


async def test_the_second_delivery_is_enough(slack: SimulatedSlack, bolt: Any) -> None:
    slack.settings.redeliver_after_s = 0.05
    ada = slack.add_person("Ada")
    bolt.deaf = True
    said = await slack.say(ada, slack.dm(ada), "anybody?")
    await bolt.ignored.get()
    bolt.deaf = False
    await slack.events.acknowledged(slack.dm(ada), said.ts)
    assert (await bolt.next())["text"] == "anybody?"
    assert [e.acked for e in slack.events.envelopes] == [False, True]


async def test_the_same_event_can_be_delivered_again(slack: SimulatedSlack, bolt: Any) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    said = await slack.say(ada, general, f"{slack.app.mention} once")
    await bolt.next()
    await bolt.next()
    await slack.events.redeliver(general, said.ts)
    again = [await bolt.next(), await bolt.next()]
    assert {event["ts"] for event in again} == {said.ts}
    assert [e.retry_attempt for e in slack.events.envelopes] == [0, 0, 1, 1]
    assert len({e.event_id for e in slack.events.envelopes}) == 2


async def test_a_message_written_while_nobody_listened_comes_when_a_socket_opens(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "are you there?")
    assert len(slack.sockets.open) == 0
    async with await _socket(slack, session, client) as ws:
        assert (await ws.receive_json())["type"] == "hello"
        envelope = await ws.receive_json()
        assert envelope["payload"]["event"]["text"] == "are you there?"
        assert envelope["retry_attempt"] == 1


async def test_what_a_lost_socket_had_not_acknowledged_goes_to_the_next_one(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    ada = slack.add_person("Ada")
    async with await _socket(slack, session, client) as first:
        await first.receive_json()
        said = await slack.say(ada, slack.dm(ada), "hello")
        lost = await first.receive_json()
    async with await _socket(slack, session, client) as second:
        await second.receive_json()
        again = await second.receive_json()
        assert again["payload"]["event_id"] == lost["payload"]["event_id"]
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "connection_failed")
        await second.send_json({"envelope_id": again["envelope_id"]})
        await slack.events.acknowledged(slack.dm(ada), said.ts)


async def test_each_event_goes_to_one_of_two_sockets(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    ada = slack.add_person("Ada")
    async with await _socket(slack, session, client) as one, await _socket(slack, session, client) as two:
        assert [(await ws.receive_json())["num_connections"] for ws in (one, two)] == [1, 2]
        for text in ("a", "b"):
            await slack.say(ada, slack.dm(ada), text)
        got = [(await ws.receive_json())["payload"]["event"]["text"] for ws in (one, two)]
        assert sorted(got) == ["a", "b"]


async def test_the_eleventh_socket_is_one_too_many(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    open_ = [await _socket(slack, session, client) for _ in range(10)]
    async with await _socket(slack, session, client) as eleventh:
        refused = await eleventh.receive_json()
        assert (refused["type"], refused["reason"]) == ("disconnect", "too_many_websockets")
    for ws in open_:
        await ws.close()


async def test_after_a_refresh_bolt_is_connected_again_and_hears_on(slack: SimulatedSlack, bolt: Any) -> None:
    ada = slack.add_person("Ada")
    await slack.sockets.refresh_all()
    await slack.say(ada, slack.dm(ada), "still there?")
    assert (await bolt.next())["text"] == "still there?"
    assert len(slack.sockets.open) == 1


async def test_a_warned_socket_gets_no_more_events_but_its_successor_does(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    ada = slack.add_person("Ada")
    async with await _socket(slack, session, client) as old:
        await old.receive_json()
        await slack.sockets.refresh_all("warning")
        assert (await old.receive_json())["reason"] == "warning"
        await slack.say(ada, slack.dm(ada), "for the new one")
        async with await _socket(slack, session, client) as new:
            assert (await new.receive_json())["type"] == "hello"
            assert (await new.receive_json())["payload"]["event"]["text"] == "for the new one"


async def test_a_ticket_opens_one_socket_only(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    url = (await client.apps_connections_open(app_token=slack.app.app_token))["url"]
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_what_is_no_acknowledgement_is_ignored(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    ada = slack.add_person("Ada")
    async with await _socket(slack, session, client) as ws:
        await ws.receive_json()
        for words in ("no json", "[]", json.dumps({"envelope_id": "unknown"})):
            await ws.send_str(words)
        await slack.say(ada, slack.dm(ada), "hello")
        assert (await ws.receive_json())["payload"]["event"]["text"] == "hello"


async def test_stop_ends_the_threads_streams_and_tells_the_app(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient, refusal: Any
) -> None:
    ada = slack.add_person("Ada")
    dm = slack.dm(ada)
    root = await slack.say(ada, dm, "count to a million")
    await bolt.next()
    stream = await client.chat_startStream(channel=dm, thread_ts=root.ts, markdown_text="1 2 3")
    await bolt.next()
    with pytest.raises(LookupError, match="no Stop button"):
        await slack.press_stop(ada, dm, root.ts)
    await client.agents_sessions_setStatus(channel_id=dm, thread_ts=root.ts, status="processing")
    await slack.press_stop(ada, dm, root.ts)
    stopped = await bolt.next()
    assert stopped["type"] == "agent_session_stopped"
    assert (stopped["user"], stopped["thread_ts"]) == (ada.id, root.ts)
    assert stopped["streaming_message_ts"] == [stream["ts"]]
    body = await refusal(client.chat_appendStream(channel=dm, ts=stream["ts"], markdown_text="4"))
    assert body["error"] == "stopped_by_user"
    assert slack.session(dm, root.ts)["status"] == "processing"


async def _socket(
    slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient
) -> aiohttp.ClientWebSocketResponse:
    url = (await client.apps_connections_open(app_token=slack.app.app_token))["url"]
    async with asyncio.timeout(120):
        return await session.ws_connect(url)
