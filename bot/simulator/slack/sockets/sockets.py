"""Socket Mode's connections: who is connected, what goes in and out, and how a connection is lost.

Slack docs, apis/events-api/using-socket-mode: an app has ten connections at most, each opened with a ticket of its own;
Slack asks a connection to go when it is to be refreshed.
"""

import asyncio
import itertools
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog
from aiohttp import WSMsgType, web

from bot.simulator.slack.workspace.progress import Progress
from bot.simulator.slack.workspace.workspace import Workspace

log = structlog.get_logger()
MOST_SOCKETS = 10
_CLOSING_TAKES_S = 5.0
Reason = Literal["refresh_requested", "warning"]


@dataclass(slots=True, eq=False)
class Socket:
    """One connection. `number`: 0 for the first there ever was. `leaving`: it was told to go and gets no more events.

    `frozen`: half-open: for Slack it is there, but nothing gets through in either direction.
    """

    number: int
    ws: web.WebSocketResponse
    outbox: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)
    leaving: bool = False
    frozen: bool = False
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.TimerHandle | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Sockets:
    """The connections of one app, oldest first.

    `ping_every_s`: Slack's own pace is not documented; its Node SDK gives a connection up after 30 s without a ping.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._numbers = itertools.count()
        self.open: list[Socket] = []
        self.progress = Progress()
        self.ping_every_s = 10.0
        self._opened: Callable[[], None] = lambda: None
        self._heard: Callable[[str], None] = lambda _: None
        self._lost: Callable[[Socket], None] = lambda _: None

    def subscribe(
        self, *, opened: Callable[[], None], heard: Callable[[str], None], lost: Callable[[Socket], None]
    ) -> None:
        """Have these called when a connection is open, when the app says something, and when a connection is lost."""
        self._opened, self._heard, self._lost = opened, heard, lost

    def new_ticket(self) -> str:
        """Return a ticket for one connection."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return ticket

    def ready(self) -> list[Socket]:
        """Return the connections that take events, as far as Slack knows."""
        return [socket for socket in self.open if not socket.leaving]

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until either side closes it."""
        if request.query.get("ticket") not in self._tickets:
            raise web.HTTPForbidden(text="unknown ticket: call apps.connections.open for a new one")
        self._tickets.discard(request.query["ticket"])
        ws = web.WebSocketResponse(timeout=2.0, autoping=False, autoclose=False)  # what is frozen answers neither
        await ws.prepare(request)
        if len(self.open) >= MOST_SOCKETS:
            await ws.send_str(_disconnect("too_many_websockets"))
            await ws.close()
            return ws
        socket = Socket(next(self._numbers), ws)
        socket.outbox.put_nowait(self._hello())
        self.open.append(socket)
        self.progress.moved()
        try:
            async with asyncio.TaskGroup() as tasks:
                ours = [tasks.create_task(self._write(socket)), tasks.create_task(self._ping(socket))]
                self._opened()
                await self._read(socket)
                for task in ours:
                    task.cancel()
        finally:
            self._forget(socket)
        return ws

    def _hello(self) -> str:
        info = {"app_id": self._workspace.app_id}
        debug = {"host": "applink-simulated", "build_number": 1, "approximate_connection_time": 18060}
        number = len(self.open) + 1
        hello = {"type": "hello", "num_connections": number, "debug_info": debug, "connection_info": info}
        return json.dumps(hello)

    async def _write(self, socket: Socket) -> None:
        try:
            while (words := await socket.outbox.get()) is not None:
                if not socket.frozen:
                    await socket.ws.send_str(words)
            await socket.ws.close()
        except ConnectionError as error:
            log.debug("slack simulator: a socket went away while it was written to", error=type(error).__name__)

    async def _ping(self, socket: Socket) -> None:
        while True:
            await asyncio.sleep(self.ping_every_s)
            if not socket.frozen:
                await _send_ping_or_pong(socket.ws.ping, b"Ping from applink-simulated")

    async def _read(self, socket: Socket) -> None:
        async for frame in socket.ws:
            if socket.frozen:
                continue
            if frame.type is WSMsgType.TEXT:
                self._heard(frame.data)
            elif frame.type is WSMsgType.PING:
                await _send_ping_or_pong(socket.ws.pong, frame.data)
        if socket.frozen:
            await socket.thawed.wait()
        await socket.ws.close()

    def _forget(self, socket: Socket) -> None:
        self.open.remove(socket)
        socket.gone.set()
        if socket.closing is not None:
            socket.closing.cancel()
        self._lost(socket)
        self.progress.moved()

    async def refresh(self, sockets: Sequence[Socket], reason: Reason) -> None:
        """Tell connections to go: `refresh_requested` gives them 1 second, and all have gone when this returns;
        `warning` gives 10 and returns at once. A frozen one does not hear it and stays.
        """
        grace_s, loop = (1.0 if reason == "refresh_requested" else 10.0), asyncio.get_running_loop()
        told = [socket for socket in sockets if not socket.frozen]
        for socket in told:
            socket.leaving = True
            socket.outbox.put_nowait(_disconnect(reason))
            socket.closing = loop.call_later(grace_s, socket.outbox.put_nowait, None)
        if reason == "refresh_requested":
            async with asyncio.timeout(grace_s + _CLOSING_TAKES_S):
                await asyncio.gather(*(socket.gone.wait() for socket in told))

    def freeze(self, sockets: Sequence[Socket]) -> None:
        """Make connections half-open: nothing is read, answered, pinged or closed any more."""
        for socket in sockets:
            socket.frozen = True

    def thaw(self) -> None:
        """Let what is half-open go on, or go if its other side has gone. What it missed is not made up for."""
        for socket in self.open:
            socket.frozen = False
            socket.thawed.set()
            socket.thawed = asyncio.Event()

    async def close(self) -> None:
        """Close every connection."""
        self.thaw()
        sockets = list(self.open)
        for socket in sockets:
            socket.outbox.put_nowait(None)
        try:
            async with asyncio.timeout(_CLOSING_TAKES_S):
                await asyncio.gather(*(socket.gone.wait() for socket in sockets))
        except TimeoutError:
            log.warning("slack simulator: a client does not let go of its socket", sockets=len(self.open))


def _disconnect(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-simulated"}})


async def _send_ping_or_pong(send: Callable[[bytes], Awaitable[None]], data: bytes) -> None:
    try:
        await send(data)
    except ConnectionError as error:
        log.debug("slack simulator: a socket went away while it was pinged", error=type(error).__name__)
