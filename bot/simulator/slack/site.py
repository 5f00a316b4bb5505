"""The addresses of the simulated Slack: the Web API, the websockets, and where files and answers to presses go."""

import time
from email.utils import formatdate

from aiohttp import web

from bot.simulator.slack.api.files import Files
from bot.simulator.slack.api.interactivity import Interactivity
from bot.simulator.slack.api.web_api import WebApi
from bot.simulator.slack.sockets.link import Link
from bot.simulator.slack.workspace.app import App
from bot.simulator.slack.workspace.settings import Settings

_LARGEST_BODY = 64 * 1024 * 1024


class Site:
    """Brings each request to the part that answers it, after the fault in waiting for it."""

    def __init__(
        self, app: App, settings: Settings, *, api: WebApi, link: Link, files: Files, presses: Interactivity
    ) -> None:
        self._app = app
        self._settings = settings
        self._api = api
        self._link = link
        self._files = files
        self._presses = presses

    def application(self) -> web.Application:
        """Return what a server serves."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.on_response_prepare.append(self._date)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_get("/link/", self._link.connect)
        app.router.add_post("/upload/v1/{file_id}", self._upload)
        app.router.add_post("/actions/{team}/{secret}", self._respond)
        app.router.add_get("/files-pri/{owner}/{name}", self._download)
        app.router.add_get("/files-pri/{owner}/download/{name}", self._download)
        return app

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(time.time() + self._settings.clock_ahead_s, usegmt=True)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "response_url")
        return faulty if faulty is not None else await self._presses.respond(request)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "files.upload")
        return faulty if faulty is not None else await self._files.receive(request)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "files.download")
        if faulty is not None:
            return faulty
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        allowed = token == self._app.bot_token and "files:read" in self._app.scopes
        return self._files.give(request, allowed=allowed)
