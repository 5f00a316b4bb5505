"""Several connections, half-open ones, and events that are late, lost or doubled."""

import asyncio
from typing import Any

import aiohttp
import pytest
from loop_clock import time_passes
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack


class Line:
    """One raw connection of the app."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, hello: dict[str, Any]) -> None:
        self.ws, self.hello = ws, hello

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(120):
            words: dict[str, Any] = await self.ws.receive_json()
        return words

    async def pinged_for_ever(self) -> None:
        """Return never, and raise `TimeoutError` when the pings end."""
        while True:
            assert (await self.ws.receive(timeout=0.2)).type is aiohttp.WSMsgType.PING

    async def ack(self) -> dict[str, Any]:
        envelope = await self.next()
        await self.ws.send_json({"envelope_id": envelope["envelope_id"]})
        return envelope


@pytest.fixture
async def connect(slack: SimulatedSlack, session: aiohttp.ClientSession, client: AsyncWebClient) -> Any:
    lines: list[Line] = []

    async def connected() -> Line:
        url = (await client.apps_connections_open(app_token=slack.app.app_token))["url"]
        ws = await session.ws_connect(url, autoping=False, timeout=aiohttp.ClientWSTimeout(ws_close=0.05))
        lines.append(Line(ws, await ws.receive_json()))
        return lines[-1]

    yield connected
    for line in lines:
        await line.ws.close()


async def test_one_of_two_connections_is_refreshed_and_nothing_is_missed(slack: SimulatedSlack, connect: Any) -> None:
    ada = slack.add_person("Ada")
    first, second = await connect(), await connect()
    assert [line.hello["num_connections"] for line in (first, second)] == [1, 2]
    await slack.sockets.refresh_one(0, "warning")
    assert (await first.next())["reason"] == "warning"
    for text in ("a", "b"):
        await slack.say(ada, slack.dm(ada), text)
    assert [(await second.ack())["payload"]["event"]["text"] for _ in range(2)] == ["a", "b"]
    assert {envelope.socket for envelope in slack.events.envelopes} == {1}
    await first.ws.close()
    third = await connect()
    assert third.hello["num_connections"] == 2
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(slack.sockets.refresh_one(0))
        assert (await second.next())["reason"] == "refresh_requested"
        await second.ws.close()
    assert len(slack.sockets.open) == 1
    with pytest.raises(LookupError, match="no connection 1: there are 1"):
        await slack.sockets.refresh_one(1)


async def test_a_half_open_connection_answers_nothing_and_its_events_come_again_elsewhere(
    slack: SimulatedSlack, connect: Any
) -> None:
    slack.settings.redeliver_after_s, slack.settings.ping_every_s = 60.0, 1e9
    ada = slack.add_person("Ada")
    frozen, sound = await connect(), await connect()
    slack.sockets.freeze_one(0)
    said = [await slack.say(ada, slack.dm(ada), text) for text in ("a", "b")]
    got = [await sound.ack()]
    await slack.events.acknowledged(slack.dm(ada), said[1].ts)
    while len(slack.events.envelopes) < 4:  # the first retry goes into it, too
        time_passes(60.0)
        await asyncio.sleep(0)
    got.append(await sound.ack())
    assert sorted(envelope["retry_attempt"] for envelope in got) == [0, 2]
    for message in said:
        await slack.events.acknowledged(slack.dm(ada), message.ts)
    assert len(slack.sockets.open) == 2
    await frozen.ws.close()
    assert len(slack.sockets.open) == 2  # Slack does not know
    slack.sockets.thaw()
    await slack.sockets.holds(1, 5)


async def test_slack_pings_and_is_pinged_until_the_connection_is_half_open(slack: SimulatedSlack, connect: Any) -> None:
    slack.settings.ping_every_s = 0.02
    line = await connect()
    assert (await line.ws.receive()).type is aiohttp.WSMsgType.PING
    await line.ws.ping(b"hello")
    while (frame := await line.ws.receive()).type is aiohttp.WSMsgType.PING:
        pass
    assert (frame.type, frame.data) == (aiohttp.WSMsgType.PONG, b"hello")
    slack.sockets.freeze_all()
    await line.ws.ping(b"are you there?")
    with pytest.raises(TimeoutError):
        await line.pinged_for_ever()


async def test_bolt_notices_a_half_open_connection_and_connects_anew(slack: SimulatedSlack, bolt: Any) -> None:
    ada = slack.add_person("Ada")
    slack.sockets.freeze_all()
    await slack.sockets.ready(sockets=2)
    slack.sockets.thaw()
    await slack.say(ada, slack.dm(ada), "still there?")
    assert (await bolt.next())["text"] == "still there?"


async def test_two_bolts_share_the_events(slack: SimulatedSlack, bolt: Any) -> None:
    second = AsyncSocketModeHandler(bolt.app, slack.app.app_token)
    await second.connect_async()
    await slack.sockets.ready(sockets=2)
    ada = slack.add_person("Ada")
    for text in "abcd":
        await slack.say(ada, slack.dm(ada), text)
    assert sorted([(await bolt.next())["text"] for _ in range(4)]) == list("abcd")
    assert sorted(envelope.socket for envelope in slack.events.envelopes) == [0, 0, 1, 1]
    await second.close_async()


async def test_events_can_be_late_and_lost(slack: SimulatedSlack, bolt: Any) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    slack.events.delay(0.1, "message")
    slack.events.lose("app_mention")
    await slack.say(ada, general, f"{slack.app.mention} first")
    await slack.say(ada, general, f"{slack.app.mention} second")
    heard = [(event["type"], event["text"].split()[1]) for event in [await bolt.next() for _ in range(3)]]
    assert sorted(heard[:2]) == [("app_mention", "second"), ("message", "second")]
    assert heard[2] == ("message", "first")
    await slack.events.settled()


async def test_an_event_may_come_again_under_another_event_id_and_a_message_under_another_ts(
    slack: SimulatedSlack, bolt: Any
) -> None:
    ada = slack.add_person("Ada")
    said = await slack.say(ada, slack.dm(ada), "hello")
    first = await bolt.next()
    await slack.events.redeliver(slack.dm(ada), said.ts, new_event_id=True)
    second = await bolt.next()
    again = await slack.repeat(slack.dm(ada), said.ts)
    third = await bolt.next()
    assert first == second
    assert len({body["event_id"] for body in bolt.bodies}) == 3
    assert [envelope.retry_attempt for envelope in slack.events.envelopes] == [0, 0, 0]
    assert third["client_msg_id"] == first["client_msg_id"]
    assert third["ts"] == again.ts != said.ts


async def test_an_event_that_finds_no_connection_can_be_lost_as_in_slack(slack: SimulatedSlack, connect: Any) -> None:
    slack.settings.redeliver_after_s, slack.settings.keeps_events = 0.001, False
    ada = slack.add_person("Ada")
    await slack.say(ada, slack.dm(ada), "nobody is there")
    await slack.events.settled()
    slack.settings.redeliver_after_s = 0.01
    await slack.say(ada, slack.dm(ada), "somebody is coming")
    line = await connect()
    envelope = await line.ack()
    assert envelope["payload"]["event"]["text"] == "somebody is coming"
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (2, "connection_failed")


async def test_history_of_an_app_that_is_sold_comes_slowly(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "root")
    for n in range(20):
        await slack.say(ada, general, str(n), thread=root.ts, broadcast=True)
    slack.settings.slow_history = True
    history = await client.conversations_history(channel=general, limit=100)
    replies = await client.conversations_replies(channel=general, ts=root.ts)
    for answer in (history, replies):
        assert (len(answer["messages"]), answer["has_more"]) == (15, True)
    assert (await refusal(client.conversations_history(channel=general)))["error"] == "ratelimited"
    assert slack.api.calls[-1].status == 429
