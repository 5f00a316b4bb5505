"""Socket Mode: envelopes out, acknowledgements in, and the same event again if none came.

Slack docs, apis/events-api/using-socket-mode and apis/events-api: an event goes to any one of the app's open
connections (ten at most), is to be acknowledged within 3 seconds, and is sent up to three times more. Each delivery
has its own `envelope_id`; `event_id` stays the same.
"""

import asyncio
import itertools
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from bot.simulator.slack.workspace import Workspace

log = structlog.get_logger()
MOST_SOCKETS = 10
MOST_RETRIES = 3
_CLOSING_TAKES_S = 5.0


@dataclass(slots=True)
class Envelope:
    """One delivery of one event. `channel`, `ts`: the message it is about. `acked_at_s`: None until acknowledged."""

    id: str
    event_id: str
    event_type: str
    channel: str
    ts: str
    retry_attempt: int
    retry_reason: str
    sent_at_s: float
    acked_at_s: float | None = None

    @property
    def acked(self) -> bool:
        """Whether it was acknowledged, in time or not."""
        return self.acked_at_s is not None


@dataclass(slots=True, eq=False)
class Event:
    """An event on its way, from its first delivery until it is acknowledged or given up."""

    payload: dict[str, Any]
    kind: str
    channel: str
    ts: str
    attempt: int = 0
    envelope: Envelope | None = None
    timer: asyncio.TimerHandle | None = None

    def is_out_as(self, envelope_id: str) -> bool:
        """Say whether this is its newest delivery: an acknowledgement of an older one comes too late."""
        return self.envelope is not None and self.envelope.id == envelope_id


@dataclass(slots=True, eq=False)
class Socket:
    """One open connection. `leaving`: it was told to go and gets no more events."""

    ws: web.WebSocketResponse
    outbox: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)
    unacked: dict[str, Event] = field(default_factory=dict)
    leaving: bool = False
    closing: asyncio.TimerHandle | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class SocketMode:
    """The connections of one app and the events that go through them. Single event loop."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._turn = itertools.count()
        self._waiting: deque[Event] = deque()
        self._events: dict[tuple[str, str], list[Event]] = {}
        self._open: set[Event] = set()
        self._progress = asyncio.Event()
        self.sockets: list[Socket] = []
        self.envelopes: list[Envelope] = []
        self.acks: dict[str, float] = {}
        self.redeliver_after_s = 3.0

    # Connections

    def new_ticket(self) -> str:
        """Return a ticket for one connection."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until either side closes it."""
        if request.query.get("ticket") not in self._tickets:
            raise web.HTTPForbidden(text="unknown ticket: call apps.connections.open for a new one")
        self._tickets.discard(request.query["ticket"])
        ws = web.WebSocketResponse(timeout=2.0)
        await ws.prepare(request)
        if len(self.sockets) >= MOST_SOCKETS:
            await ws.send_str(json.dumps({"type": "disconnect", "reason": "too_many_websockets"}))
            await ws.close()
            return ws
        socket = Socket(ws)
        socket.outbox.put_nowait(self._hello())
        self.sockets.append(socket)
        self._moved()
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(socket))
                self._deliver_waiting()
                await self._read(socket)
                writer.cancel()
        finally:
            self._lost(socket)
        return ws

    def _hello(self) -> str:
        info = {"app_id": self._workspace.app_id}
        debug = {"host": "applink-simulated", "build_number": 1, "approximate_connection_time": 18060}
        number = len(self.sockets) + 1
        hello = {"type": "hello", "num_connections": number, "debug_info": debug, "connection_info": info}
        return json.dumps(hello)

    async def _write(self, socket: Socket) -> None:
        try:
            while (words := await socket.outbox.get()) is not None:
                await socket.ws.send_str(words)
            await socket.ws.close()
        except ConnectionError as error:
            log.debug("slack simulator: a socket went away while it was written to", error=type(error).__name__)

    async def _read(self, socket: Socket) -> None:
        async for frame in socket.ws:
            if frame.type is WSMsgType.TEXT:
                self._acknowledge(socket, frame.data)

    def _lost(self, socket: Socket) -> None:
        self.sockets.remove(socket)
        socket.gone.set()
        if socket.closing is not None:
            socket.closing.cancel()
        for envelope_id, event in socket.unacked.items():
            if event.is_out_as(envelope_id):
                self._again(event, "connection_failed")
        self._moved()

    async def refresh(self, reason: str, grace_s: float) -> None:
        """Tell every connection to go, and close it after `grace_s` if it has not gone by then.

        Returns when all are gone after a `refresh_requested`, at once after a `warning`.
        """
        words = json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-simulated"}})
        told, loop = list(self.sockets), asyncio.get_running_loop()
        for socket in told:
            socket.leaving = True
            socket.outbox.put_nowait(words)
            socket.closing = loop.call_later(grace_s, socket.outbox.put_nowait, None)
        if reason != "refresh_requested":
            return
        async with asyncio.timeout(grace_s + _CLOSING_TAKES_S):
            await asyncio.gather(*(socket.gone.wait() for socket in told))

    async def close(self) -> None:
        """Close every connection and forget every event on its way."""
        self._waiting.clear()
        for event in list(self._open):
            self._settle(event)
        sockets = list(self.sockets)
        for socket in sockets:
            socket.outbox.put_nowait(None)
        try:
            async with asyncio.timeout(_CLOSING_TAKES_S):
                await asyncio.gather(*(socket.gone.wait() for socket in sockets))
        except TimeoutError:
            log.warning("slack simulator: a client does not let go of its socket", sockets=len(self.sockets))

    # Events

    def send(self, kind: str, event: Mapping[str, Any], ts: str) -> None:
        """Send an event to one connection, or to the first one that opens."""
        workspace = self._workspace
        authorization = {
            "enterprise_id": None, "team_id": workspace.team_id, "user_id": workspace.bot.id, "is_bot": True,
            "is_enterprise_install": False,
        }  # fmt: skip
        payload = {
            "token": "simulated", "team_id": workspace.team_id, "context_team_id": workspace.team_id,
            "context_enterprise_id": None, "api_app_id": workspace.app_id, "event": event, "type": "event_callback",
            "event_id": workspace.new_id("Ev"), "event_time": int(time.time()), "authorizations": [authorization],
            "is_ext_shared_channel": False, "event_context": "4-simulated",
        }  # fmt: skip
        on_its_way = Event(payload, kind, str(event.get("channel", "")), ts)
        if "hidden" not in event:
            self._events.setdefault((on_its_way.channel, ts), []).append(on_its_way)
        self._open.add(on_its_way)
        self._deliver(on_its_way, "")

    def redeliver(self, channel: str, ts: str) -> None:
        """Send the events of a message again, with the same event ids. Raises `KeyError` if there are none."""
        for event in self._events[channel, ts]:
            self._settle(event)
            event.attempt = 1
            self._open.add(event)
            self._deliver(event, "timeout")

    def settled(self) -> bool:
        """Say whether no event is on its way: each was acknowledged or, after three retries, given up."""
        return not self._open

    def acknowledged(self, channel: str, ts: str) -> bool:
        """Say whether the newest delivery of each of a message's events was acknowledged."""
        return all(e.envelope is not None and e.envelope.acked for e in self._events.get((channel, ts), ()))

    def _deliver(self, event: Event, reason: str) -> None:
        ready = [socket for socket in self.sockets if not socket.leaving]
        if not ready:
            self._waiting.append(event)
            return
        socket = ready[next(self._turn) % len(ready)]
        loop = asyncio.get_running_loop()
        envelope = Envelope(
            str(uuid.uuid4()), event.payload["event_id"], event.kind, event.channel, event.ts, event.attempt, reason,
            loop.time(),
        )  # fmt: skip
        event.envelope = envelope
        self.envelopes.append(envelope)
        socket.unacked[envelope.id] = event
        socket.outbox.put_nowait(json.dumps({
            "envelope_id": envelope.id, "payload": event.payload, "type": "events_api",
            "accepts_response_payload": False, "retry_attempt": event.attempt, "retry_reason": reason,
        }))  # fmt: skip
        event.timer = loop.call_later(self.redeliver_after_s, self._late, socket, event)
        self._moved()

    def _deliver_waiting(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for event in waiting:
            # Slack's own first attempt found nobody, so this one is a retry to the app.
            event.attempt = min(event.attempt + 1, MOST_RETRIES)
            self._deliver(event, "connection_failed")

    def _late(self, socket: Socket, event: Event) -> None:
        assert event.envelope is not None
        socket.unacked.pop(event.envelope.id, None)
        self._again(event, "timeout")

    def _again(self, event: Event, reason: str) -> None:
        if event.timer is not None:
            event.timer.cancel()
        if event not in self._open:
            return
        if event.attempt >= MOST_RETRIES:
            self._settle(event)
            return
        if any(not socket.leaving for socket in self.sockets):
            event.attempt += 1
            self._deliver(event, reason)
        else:
            self._waiting.append(event)

    def _acknowledge(self, socket: Socket, words: str) -> None:
        envelope_id = _envelope_id(words)
        now_s = asyncio.get_running_loop().time()
        for envelope in reversed(self.envelopes):
            if envelope.id == envelope_id and not envelope.acked:
                envelope.acked_at_s = self.acks[envelope_id] = now_s
                break
        event = socket.unacked.pop(envelope_id, None)
        if event is not None and event.is_out_as(envelope_id):
            self._settle(event)
        self._moved()

    def _settle(self, event: Event) -> None:
        self._open.discard(event)
        if event.timer is not None:
            event.timer.cancel()
            event.timer = None
        if event in self._waiting:
            self._waiting.remove(event)
        self._moved()

    # Waiting

    def _moved(self) -> None:
        self._progress.set()

    async def wait_until(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Return when `done()`; it is asked whenever a socket, an envelope or an ack came or went."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self._progress.clear()
                await self._progress.wait()


def _envelope_id(words: str) -> str:
    """Return the envelope an app's message is about; "" for anything else, which Slack ignores."""
    try:
        answer = json.loads(words)
    except ValueError:
        log.warning("slack simulator: a socket message is no JSON", size=len(words))
        return ""
    return str(answer.get("envelope_id", "")) if isinstance(answer, dict) else ""
