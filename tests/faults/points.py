"""The points of a turn at which a process can die: before and after each call that changes something, and each commit.

`Points` counts them and ends the life of a bot at one of them: from then on nothing that bot does has any effect.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.ports import Store
from bot.ports.store import Call

WRITES = frozenset(
    {
        "turns.accept",
        "turns.begin",
        "turns.record",
        "turns.end",
        "messages.posting",
        "messages.posted",
        "history.keep",
        "usage.charge",
    }
)
_NOT_OF_A_TURN = re.compile(r"@me|/gateway|/applications|auth\.test|apps\.connections")
_KEPT_BACK = {"host", "content-length", "transfer-encoding", "connection"}


class Points:
    """The points one life of a bot reaches. `last`: the index of the one at which it dies, None for none."""

    def __init__(self, last: int | None = None, *, counting: bool = True) -> None:
        self._last = last
        self.counting = counting
        self.reached: list[str] = []
        self.dead = asyncio.Event()
        self.ended = asyncio.Event()
        """The turn's end is stored."""

    def reach(self, name: str) -> None:
        """Come to a point. Raises `CancelledError`, whose caller does no more, if life is over or ends here."""
        if self.counting and not self.dead.is_set():
            self.reached.append(name)
            if len(self.reached) - 1 == self._last:
                self.dead.set()
        if self.dead.is_set():
            raise asyncio.CancelledError


def with_points(store: Store, points: Points) -> Store:
    """Return a store around the real one, with a point before and after each commit."""

    def watched(name: str, call: Call) -> Call:
        async def reaching(*arguments: Any, **named: Any) -> Any:
            if name not in WRITES:
                if points.dead.is_set():  # what a dead bot hears goes nowhere
                    raise asyncio.CancelledError
                return await call(*arguments, **named)
            if name == "turns.accept" and await store.turns.find(arguments[0].key) is not None:
                return False  # what is caught up with is mostly known, and changes nothing
            points.reach(f"before {name}")
            value = await call(*arguments, **named)
            points.reach(f"after {name}")
            if name == "turns.end":
                points.ended.set()
            return value

        return reaching

    return store.around(watched)


class Wire:
    """A proxy between the bot and the simulators, with a point before and after each call; `points` is the bot's life.

    The first step of a path names the simulator. A call of a dead bot is not let through; one whose point before was
    passed has its effect.
    """

    def __init__(self, targets: dict[str, str]) -> None:
        self._targets = targets
        self.points = Points()
        self.url = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Wire"]:
        app = web.Application(client_max_size=2**25)
        app.router.add_route("*", "/{simulator}/{path:.*}", self._pass)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession(auto_decompress=False) as self._session:
                yield self
        finally:
            await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        points, name = self.points, _name(request)
        counts = request.method != "GET" and not _NOT_OF_A_TURN.search(name)
        body = await request.read()
        try:
            _reach(points, f"before {name}", counts=counts)
            target = self._targets[request.match_info["simulator"]]
            url = target + request.rel_url.raw_path_qs.removeprefix(f"/{request.match_info['simulator']}")
            sent = {key: value for key, value in request.headers.items() if key.lower() not in _KEPT_BACK}
            async with self._session.request(request.method, url, headers=sent, data=body) as answer:
                if answer.content_type == "text/event-stream":
                    return await self._stream(request, answer, points, name)
                content = await answer.read()
                _reach(points, f"after {name}", counts=counts)
                back = {key: value for key, value in answer.headers.items() if key.lower() not in _KEPT_BACK}
                return web.Response(status=answer.status, headers=back, body=content)
        except (asyncio.CancelledError, ConnectionError):  # its life is over, or ended while it was answered
            if not points.dead.is_set():
                raise
            return _hung_up(request)

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse, points: Points, name: str
    ) -> web.StreamResponse:
        """Hand a stream on piece by piece, with a point early in it and one at its end."""
        back = {key: value for key, value in answer.headers.items() if key.lower() not in _KEPT_BACK}
        response = web.StreamResponse(status=answer.status, headers=back)
        await response.prepare(request)
        size, half_way = 0, False
        async for piece in answer.content.iter_any():
            size += len(piece)
            if size > 1500 and not half_way:
                half_way = True
                _reach(points, f"amid {name}", counts=True)
            await response.write(piece)
        _reach(points, f"after {name}", counts=True)
        await response.write_eof()
        return response


def _reach(points: Points, name: str, *, counts: bool) -> None:
    if counts or points.dead.is_set():
        points.reach(name)


def _name(request: web.Request) -> str:
    path = request.match_info["path"]
    if request.match_info["simulator"] == "slack":
        return path.removeprefix("api/")
    return f"{request.method} {re.sub(r'[0-9]{6,}', '*', '/' + path.removeprefix('api/v10/'))}"


def _hung_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()
