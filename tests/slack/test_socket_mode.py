"""Two connections that hold, whatever happens to one of them or to both."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from logs import capture_logs
from loop_clock import time_passes
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from structlog.typing import EventDict

from bot.platforms.kernel.others import Others
from bot.platforms.slack.calls import Me
from bot.platforms.slack.connect.sign_in import BACK_OFF, new_socket_url
from bot.platforms.slack.connect.socket_mode import SocketMode
from bot.platforms.slack.sdk import bolt_app, web_client
from bot.simulator.faults import Fault
from bot.simulator.slack import Person, SimulatedSlack


@dataclass
class Wire:
    """An app that is connected, and remembers the texts it was sent."""

    running: "asyncio.Task[None]"
    connected: asyncio.Event
    heard: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    break_with: Exception | None = None

    async def next(self) -> str:
        async with asyncio.timeout(120):
            return await self.heard.get()


@asynccontextmanager
async def wire(
    api_url: str, *, url: str = "", resolver: AbstractResolver | None = None, **more: Any
) -> AsyncIterator[Wire]:
    async def take(body: dict[str, Any]) -> BoltResponse:
        if held.break_with is not None:
            error, held.break_with = held.break_with, None
            raise error
        if body["event"]["type"] == "message":
            held.heard.put_nowait(body["event"]["text"])
        return BoltResponse(status=200)

    async def meanwhile(connected: asyncio.Event) -> None:
        held.connected = connected

    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True) if resolver else None
    async with aiohttp.ClientSession(connector=connector) as session:
        client = web_client(session, api_url=api_url)
        me = Me("U1", "B1", "T1", "bot")
        app = bolt_app(client, me)
        app.use(take)
        connections = SocketMode(app, "xapp-1-simulated-app", client, session, **more)
        held = Wire(asyncio.create_task(connections.run(url, meanwhile)), asyncio.Event())
        try:
            yield held
        finally:
            held.running.cancel()
            await asyncio.gather(held.running, return_exceptions=True)


@dataclass
class Place:
    slack: SimulatedSlack
    channel: str
    ann: Person

    async def say(self, text: str) -> None:
        await self.slack.say(self.ann, self.channel, text)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with SimulatedSlack() as slack:
        slack.settings.redeliver_after_s = 0.5
        yield Place(slack, slack.add_channel("general"), slack.add_person("Ann"))


@asynccontextmanager
async def ghosts(slack: SimulatedSlack, number: int) -> AsyncIterator[list[aiohttp.ClientWebSocketResponse]]:
    """Connections of the same app that nobody listens to."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(base_url=slack.api_url, session=session)
        open_ = [await session.ws_connect(await new_socket_url(client, slack.app.app_token)) for _ in range(number)]
        yield open_


def opened_at(slack: SimulatedSlack) -> list[float]:
    return [call.at_s for call in slack.api.calls if call.method == "apps.connections.open"]


class Names(AbstractResolver):
    """A DNS that knows this machine by any name, unless it is out of order."""

    works = True

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> Any:
        if not self.works:
            raise OSError(f"no such host: {host}")
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0),
        ]

    async def close(self) -> None:
        """There is nothing to close."""


async def test_two_connections_are_kept_and_each_event_comes_once(place: Place) -> None:
    place.slack.settings.redeliver_after_s = 600.0
    async with wire(place.slack.api_url) as app:
        await place.slack.sockets.ready(sockets=2)
        for number in range(10):
            await place.say(f"number {number}")
        assert {await app.next() for _ in range(10)} == {f"number {number}" for number in range(10)}
        await place.slack.events.settled()
        assert app.heard.empty()
        assert {envelope.socket for envelope in place.slack.events.envelopes} == {0, 1}


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_row_15_events_flow_on_while_a_connection_is_replaced(place: Place, reason: Any) -> None:
    place.slack.settings.redeliver_after_s = 600.0  # what is heard was not lost and sent again
    said: list[str] = []
    heard: list[str] = []
    async with wire(place.slack.api_url) as app:
        await place.slack.sockets.ready(sockets=2)
        for index in range(4):
            before = opened = len(opened_at(place.slack))
            refresh = asyncio.create_task(place.slack.sockets.refresh_one(len(place.slack.sockets.open) - 1, reason))
            while opened == before or len(heard) < len(said):
                text = f"{index}.{len(said)}"
                said.append(text)
                await place.say(text)
                heard.append(await app.next())
                opened = len(opened_at(place.slack))
            await refresh
            await place.slack.sockets.ready(sockets=2)
    assert sorted(heard) == sorted(said)


async def test_row_15_both_connections_replaced_at_once_lose_nothing(place: Place) -> None:
    place.slack.settings.redeliver_after_s = 600.0
    async with wire(place.slack.api_url) as app:
        await place.slack.sockets.ready(sockets=2)
        refresh = asyncio.create_task(place.slack.sockets.refresh_all())
        await place.say("now")
        assert await app.next() == "now"
        await refresh


async def test_row_17_a_half_open_connection_is_noticed_and_replaced(place: Place) -> None:
    async with wire(place.slack.api_url, heartbeat_s=1.0) as app:
        await place.slack.sockets.ready(sockets=2)
        with capture_logs() as logs:
            place.slack.sockets.freeze_all()
            await place.slack.sockets.ready(sockets=4)
        assert {entry["reason"] for entry in logs.of("slack_connection_ends")} == {"silent"}
        place.slack.sockets.thaw()
        await place.say("heard again")
        assert await app.next() == "heard again"


def test_row_17_it_is_noticed_within_thirty_seconds() -> None:
    from bot.platforms.slack.connect import socket_mode

    assert socket_mode._HEARTBEAT_S * 1.5 + 1.0 < 30.0


async def test_row_19_leaving_does_not_wait_for_a_half_open_connection(place: Place) -> None:
    async with wire(place.slack.api_url, close_s=0.2) as app:
        await place.slack.sockets.ready(sockets=2)
        place.slack.sockets.freeze_all()
        async with asyncio.timeout(120):
            app.running.cancel()
            await asyncio.gather(app.running, return_exceptions=True)
        place.slack.sockets.thaw()


async def test_a_bot_that_is_told_to_end_just_when_a_connection_is_made_closes_it(place: Place) -> None:
    """Its task is cancelled before it has run at all."""

    def end(_: object, __: str, entry: EventDict) -> EventDict:
        if entry["event"] == "slack_connected":
            app.running.cancel()
        raise structlog.DropEvent

    with capture_logs():
        structlog.configure(processors=[end])
        async with wire(place.slack.api_url) as app:
            await asyncio.gather(app.running, return_exceptions=True)
            await place.slack.sockets.holds(0)


async def test_row_18_after_a_dns_outage_the_bot_recovers_alone(place: Place) -> None:
    names = Names()
    async with wire(place.slack.api_url.replace("127.0.0.1", "slack.test"), resolver=names) as app:
        await place.slack.sockets.ready(sockets=2)
        names.works = False
        with capture_logs() as logs:
            await place.slack.sockets.refresh_all()
            assert (await logs.until("slack_not_connected"))[0]["wait_s"] <= 15.0
        assert not app.connected.is_set()
        names.works = True
        await place.slack.sockets.ready(sockets=2)
        await place.say("back")
        assert await app.next() == "back"
        assert app.connected.is_set()


def test_row_18_no_wait_before_a_try_is_longer_than_fifteen_seconds() -> None:
    waits = [BACK_OFF.wait_s(failures) for failures in range(1, 400)]
    assert max(waits) <= 15.0
    assert max(waits[:2]) <= 2.0
    assert min(waits[8:]) >= 7.0


async def test_row_16_many_connections_of_the_app_are_an_alarm_and_slow_the_bot_down(place: Place) -> None:
    with capture_logs() as logs:
        async with ghosts(place.slack, 5), wire(place.slack.api_url, crowded_every_s=0.4):
            await place.slack.sockets.ready(sockets=7)
            await place.slack.sockets.refresh_one(5)
            await place.slack.sockets.ready(sockets=7)
            times = opened_at(place.slack)[5:]
    assert [entry["connections"] for entry in logs.of("slack_many_connections")][:2] == [6, 7]
    assert all(later - earlier > 0.35 for earlier, later in itertools.pairwise(times))


async def test_row_16_too_many_connections_are_no_reconnect_storm(place: Place) -> None:
    async with ghosts(place.slack, 10) as theirs, wire(place.slack.api_url, crowded_every_s=0.4) as app:
        with capture_logs() as logs:
            failed = await logs.until("slack_not_connected", 2)
        times = opened_at(place.slack)[10:]
        for ghost in theirs:
            await ghost.close()
        await app.connected.wait()
    assert {entry["reason"] for entry in failed} == {"too_many_websockets"}
    assert all(later - earlier > 0.35 for earlier, later in itertools.pairwise(times))


def test_row_16_while_there_are_too_many_two_tries_a_minute_are_made() -> None:
    from bot.platforms.slack.connect import socket_mode

    assert 60.0 / socket_mode._CROWDED_EVERY_S <= 2.0


async def test_a_used_up_ticket_is_replaced_and_not_written_down(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    used = f"ws://{place.slack.file_host}/link/?ticket=used-before&app_id=A1"
    with capture_logs() as logs:
        async with wire(place.slack.api_url, url=used):
            await place.slack.sockets.ready(sockets=2)
    assert logs.of("slack_not_connected")
    assert "used-before" not in caplog.text + str(logs)


async def test_slack_that_is_away_when_a_connection_ends_is_waited_for(place: Place) -> None:
    async with wire(place.slack.api_url):
        await place.slack.sockets.ready(sockets=2)
        place.slack.faults.add(Fault("apps.connections.open", status=503), Fault("apps.connections.open", drop=True))
        await place.slack.sockets.refresh_all()
        await place.slack.sockets.ready(sockets=2)


@asynccontextmanager
async def odd_slack(*frames: str, closes: bool = True) -> AsyncIterator[tuple[str, list[float]]]:
    """A Slack that sends some frames to whoever connects and closes; its address, and when it was asked for tickets.

    `closes`: whether it does so, and answers when it is bid goodbye.
    """
    asked_at_s: list[float] = []
    over = asyncio.Event()

    async def ticket(request: web.Request) -> web.Response:
        asked_at_s.append(asyncio.get_running_loop().time())
        return web.json_response({"ok": True, "url": f"ws://{request.host}/link"})

    async def link(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        for frame in frames:
            await ws.send_str(frame)
        if not closes:
            await over.wait()
        await ws.close()
        return ws

    app = web.Application()
    app.router.add_post("/api/apps.connections.open", ticket)
    app.router.add_get("/link", link)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/", asked_at_s
    finally:
        over.set()
        await runner.cleanup()


HELLO = '{"type": "hello", "num_connections": 1}'


async def test_a_slack_that_closes_every_connection_is_asked_ever_more_rarely() -> None:
    with capture_logs() as logs:
        async with odd_slack(HELLO) as (address, _), wire(address):
            failed = await logs.until("slack_not_connected", 4)
    assert {entry["reason"] for entry in failed} == {"closed"}
    assert failed[3]["wait_s"] >= 2.0  # four seconds, shortened by half at most


@pytest.mark.parametrize("reason", ["link_disabled", "too_many_websockets"])
async def test_row_16_an_app_that_is_sent_away_after_its_hello_does_not_come_back_at_once(reason: str) -> None:
    with capture_logs() as logs:
        bye = f'{{"type": "disconnect", "reason": "{reason}"}}'
        async with odd_slack(HELLO, bye) as (address, asked_at_s), wire(address, crowded_every_s=60.0):
            failed = await logs.until("slack_not_connected")
    assert failed[0]["reason"] == reason
    assert failed[0]["wait_s"] >= 60.0
    assert len(asked_at_s) <= 2


async def test_row_19_a_close_that_hangs_is_abandoned_and_a_new_connection_made() -> None:
    bye = '{"type": "disconnect", "reason": "too_many_websockets"}'
    with capture_logs() as logs:
        slack = odd_slack(HELLO, bye, closes=False)
        async with slack as (address, asked_at_s), wire(address, crowded_every_s=0.1, close_s=0.2):
            dropped = await logs.until("slack_connection_dropped", 2)
            await logs.until("slack_connected", 3)
    assert dropped[0]["reason"] == "TimeoutError"
    assert len(asked_at_s) >= 3


async def test_a_bot_that_leaves_does_not_say_that_it_lost_its_connection(place: Place) -> None:
    with capture_logs() as logs:
        async with wire(place.slack.api_url):
            await place.slack.sockets.ready(sockets=2)
    assert {entry["event"] for entry in logs if entry["event"].startswith("slack_")} == {"slack_connected"}


async def test_what_bolt_fails_at_is_sent_again_and_does_not_stop_the_next_event(place: Place) -> None:
    async with wire(place.slack.api_url) as app:
        await place.slack.sockets.ready(sockets=2)
        app.break_with = ValueError("one bad event")
        await place.say("bad")
        await place.say("good")
        assert {await app.next(), await app.next()} == {"bad", "good"}


async def test_frames_that_are_no_events_do_not_end_the_connection() -> None:
    frames = ["no JSON", "[]", "{}", '{"type": "unheard_of"}', '{"type": "events_api", "envelope_id": "1"}']
    broken = '{"type": "events_api", "envelope_id": "2", "payload": [1]}'
    with capture_logs() as logs:
        async with odd_slack(HELLO, *frames, broken) as (address, _), wire(address):
            await logs.until("slack_envelope_unreadable")
            assert (await logs.until("slack_connection_ends"))[0]["reason"] == "closed"
    assert len(logs.of("slack_message_unreadable")) >= 2


ANOTHER = "another_process_answers"


async def test_connections_of_another_process_are_said_when_no_ghost_can_be_left(place: Place) -> None:
    with capture_logs() as logs:
        async with wire(place.slack.api_url), wire(place.slack.api_url, ghosts_s=0.5, others=Others("slack")):
            await logs.until("slack_connected", times=4)
            [said] = await logs.until(ANOTHER)
            assert said["platform"] == "slack"
            await place.slack.sockets.ready(sockets=4)


async def test_connections_that_an_earlier_process_left_and_our_own_are_not_another_process(place: Place) -> None:
    with capture_logs() as logs:
        async with wire(place.slack.api_url):
            await logs.until("slack_connected", times=2)
            place.slack.sockets.freeze_all()
        async with wire(place.slack.api_url, ghosts_s=600.0, others=Others("slack")) as app:
            assert [one["connections"] for one in await logs.until("slack_connected", times=4)] == [1, 2, 3, 4]
            place.slack.sockets.thaw()
            await place.slack.sockets.holds(2)  # Slack has forgotten the ghosts
            time_passes(600.0)
            [*_, last] = await logs.until("slack_connected", times=5)  # it was asked once more
            assert last["connections"] == 3
            await place.slack.sockets.holds(2)  # the one that was renewed is gone: what is refreshed now is a sound one
            await place.slack.sockets.refresh_one(0, "refresh_requested")
            await logs.until("slack_connected", times=6)
            await place.say("hello")
            assert await app.next() == "hello"
            assert logs.of(ANOTHER) == []
