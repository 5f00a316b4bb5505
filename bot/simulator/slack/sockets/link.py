"""The websocket of each connection: what is written to it, read from it and pinged."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import WSMsgType, web

from bot.simulator.slack.sockets.deliveries import Deliveries
from bot.simulator.slack.sockets.sockets import Socket, Sockets
from bot.simulator.slack.workspace.app import App
from bot.simulator.slack.workspace.settings import Settings

log = structlog.get_logger()


class Link:
    """Serves the app's connections, and hands what comes and goes on them to the deliveries."""

    def __init__(self, app: App, settings: Settings, sockets: Sockets, deliveries: Deliveries) -> None:
        self._app = app
        self._settings = settings
        self._sockets = sockets
        self._deliveries = deliveries

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until either side closes it."""
        if not self._sockets.use_ticket(request.query.get("ticket", "")):
            raise web.HTTPForbidden(text="unknown ticket: call apps.connections.open for a new one")
        ws = web.WebSocketResponse(timeout=2.0, autoping=False, autoclose=False)  # what is frozen answers neither
        await ws.prepare(request)
        socket = self._sockets.add(ws)
        if socket is None:
            reason = {"type": "disconnect", "reason": "too_many_websockets"}
            await ws.send_json(reason | {"debug_info": {"host": "applink-simulated"}})
            await ws.close()
            return ws
        socket.outbox.put_nowait(self._hello())
        try:
            async with asyncio.TaskGroup() as tasks:
                ours = [tasks.create_task(_write(socket)), tasks.create_task(self._ping(socket))]
                self._deliveries.opened()
                await self._read(socket)
                for task in ours:
                    task.cancel()
        finally:
            self._sockets.remove(socket)
            self._deliveries.lost(socket)
        return ws

    def _hello(self) -> str:
        info = {"app_id": self._app.id}
        debug = {"host": "applink-simulated", "build_number": 1, "approximate_connection_time": 18060}
        number = len(self._sockets.open)
        hello = {"type": "hello", "num_connections": number, "debug_info": debug, "connection_info": info}
        return json.dumps(hello)

    async def _ping(self, socket: Socket) -> None:
        while True:
            await asyncio.sleep(self._settings.ping_every_s)
            if not socket.frozen:
                await _send_ping_or_pong(socket.ws.ping, b"Ping from applink-simulated")

    async def _read(self, socket: Socket) -> None:
        async for frame in socket.ws:
            if socket.frozen:
                continue
            if frame.type is WSMsgType.TEXT:
                self._deliveries.received(frame.data)
            elif frame.type is WSMsgType.PING:
                await _send_ping_or_pong(socket.ws.pong, frame.data)
        if socket.frozen:
            await socket.thawed.wait()
        await socket.ws.close()


async def _write(socket: Socket) -> None:
    try:
        while (text := await socket.outbox.get()) is not None:
            if not socket.frozen:
                await socket.ws.send_str(text)
        await socket.ws.close()
    except ConnectionError as error:
        log.debug("simulated_slack_socket_gone_on_write", error=type(error).__name__)


async def _send_ping_or_pong(send: Callable[[bytes], Awaitable[None]], data: bytes) -> None:
    try:
        await send(data)
    except ConnectionError as error:
        log.debug("simulated_slack_socket_gone_on_ping", error=type(error).__name__)
