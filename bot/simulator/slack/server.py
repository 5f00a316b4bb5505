"""The simulated Slack as one loopback server, with a person's hands and eyes on it."""

import time
from contextlib import AsyncExitStack
from email.utils import formatdate
from typing import Self

from aiohttp import web

from bot.simulator.slack.api.calls import Call
from bot.simulator.slack.sockets.deliveries import Envelope
from bot.simulator.slack.trouble import Trouble

_LARGEST_BODY = 64 * 1024 * 1024


class SimulatedSlack(Trouble):
    """One workspace with one app, served on 127.0.0.1 while the `async with` lasts.

    `port=0` takes a free port. `limits`: whether Slack's rate limits hold. All times are in seconds.
    """

    def __init__(self, port: int = 0, *, limits: bool = True) -> None:
        super().__init__(limits=limits)
        self._port = port
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(self._date)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_get("/link/", self._sockets.connect)
        app.router.add_post("/upload/v1/{file_id}", self._upload)
        app.router.add_post("/actions/{team}/{secret}", self._respond)
        app.router.add_get("/files-pri/{owner}/{name}", self._download)
        app.router.add_get("/files-pri/{owner}/download/{name}", self._download)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._workspace.file_host = f"127.0.0.1:{runner.addresses[0][1]}"
            stack.push_async_callback(self._sockets.close)
            stack.callback(self._deliveries.close)
            stack.callback(self._workspace.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # Where it is, and who the app is

    @property
    def api_url(self) -> str:
        """`base_url` for the SDK's clients."""
        return f"http://{self._workspace.file_host}/api/"

    @property
    def file_host(self) -> str:
        """Host and port of `url_private` addresses."""
        return self._workspace.file_host

    @property
    def bot_token(self) -> str:
        """The `xoxb-` token the Web API and the files want."""
        return self._api.bot_token

    @property
    def app_token(self) -> str:
        """The `xapp-` token `apps.connections.open` wants."""
        return self._api.app_token

    @property
    def team_id(self) -> str:
        """The workspace, `T…`."""
        return self._workspace.team_id

    @property
    def app_id(self) -> str:
        """The app, `A…`."""
        return self._workspace.app_id

    @property
    def bot_id(self) -> str:
        """The bot as the author of messages, `B…`."""
        return self._workspace.bot.bot_id

    # What the app did

    @property
    def calls(self) -> list[Call]:
        """Every Web API call, in the order of their answers."""
        return self._api.calls

    @property
    def limited(self) -> int:
        """How many calls were answered with 429."""
        return self._api.limited

    @property
    def acks(self) -> dict[str, float]:
        """Envelope id → when it was acknowledged, on the loop's clock."""
        return self._deliveries.acks

    @property
    def envelopes(self) -> list[Envelope]:
        """Every delivery of an event or a press, in order."""
        return self._deliveries.envelopes

    @property
    def sockets(self) -> int:
        """How many Socket Mode connections are open, as far as Slack knows."""
        return len(self._sockets.open)

    async def ready(self, timeout_s: float = 120.0, *, sockets: int = 1) -> None:
        """Return when the app has this many connections that take events. Raises `TimeoutError`."""
        await self._sockets.progress.until(lambda: len(self._sockets.ready()) >= sockets, timeout_s)

    async def acknowledged(self, channel: str, ts: str, timeout_s: float = 120.0) -> None:
        """Return when every event of a message was acknowledged. Raises `TimeoutError`."""
        await self._sockets.progress.until(lambda: self._deliveries.acknowledged(channel, ts), timeout_s)

    async def settled(self, timeout_s: float = 120.0) -> None:
        """Return when no event is on its way: each was acknowledged or given up. Raises `TimeoutError`."""
        await self._sockets.progress.until(self._deliveries.settled, timeout_s)

    async def holds(self, sockets: int, timeout_s: float = 120.0) -> None:
        """Return when the app has just this many connections, for all that Slack knows. Raises `TimeoutError`."""
        await self._sockets.progress.until(lambda: len(self._sockets.open) == sockets, timeout_s)

    # What the app reaches besides the Web API

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(time.time() + self._workspace.clock_ahead_s, usegmt=True)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "response_url")
        return faulty if faulty is not None else await self._interactivity.respond(request)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "files.upload")
        return faulty if faulty is not None else await self._files.receive(request)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "files.download")
        if faulty is not None:
            return faulty
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._files.give(request, allowed=token == self.bot_token and "files:read" in self._api.scopes)
