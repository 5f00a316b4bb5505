"""The Web API's front door: token, scope, rate limit and faults, then the method, then the record of the call."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.simulator.faults import Fault, Faults
from bot.simulator.slack.api import calls
from bot.simulator.slack.api.calls import Args, Call
from bot.simulator.slack.api.files import Files
from bot.simulator.slack.api.limits import Limits
from bot.simulator.slack.api.methods import CONNECT, SLOW_HISTORY, methods
from bot.simulator.slack.sockets.sockets import Sockets
from bot.simulator.slack.workspace.app import scope_of
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.workspace import Workspace

_WORDS_OF_STATUS = {429: "ratelimited", 503: "service_unavailable", 408: "request_timeout"}
Body = dict[str, Any]


class WebApi:
    """Answers `POST` and `GET /api/<method>`.

    `calls`: every call, in the order of their answers. `limited`: how many were answered with 429.
    """

    def __init__(self, workspace: Workspace, sockets: Sockets, files: Files, limits: Limits, faults: Faults) -> None:
        self._workspace = workspace
        self._app = workspace.app
        self._sockets = sockets
        self._methods = methods(files)
        self._limits = limits
        self._faults = faults
        self.calls: list[Call] = []
        self.limited = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        method, at_s = request.match_info["method"], asyncio.get_running_loop().time()
        args, token, refusal = Args({}), "", None
        try:
            args, token = await calls.read(request)
        except SlackError as refused:
            refusal = refused
        fault = await self._faults.take(method)
        if fault is not None and not fault.after and _answers(fault):
            response, body = self._show(fault)
        elif refusal is not None:
            response, body = _respond(_no(refusal))
        else:
            response, body = self._call(method, args, token)
            if fault is not None and fault.change is not None:
                response = web.json_response(fault.change(dict(body)), status=response.status)
            if fault is not None and fault.after:
                response, body = self._show(fault)
        self.limited += response is not None and response.status == 429
        status, error = response.status if response is not None else 0, str(body.get("error", ""))
        self.calls.append(Call(at_s, method, status, error, args.values))
        if response is None:
            return _hung_up(request)
        return response

    async def fault(self, request: web.Request, name: str) -> web.Response | None:
        """Return the answer of a fault that was put in line for something else than a method; None if there is none."""
        fault = await self._faults.take(name)
        if fault is None or not _answers(fault):
            return None
        response, _ = self._show(fault)
        return response if response is not None else _hung_up(request)

    def _call(self, method: str, args: Args, token: str) -> tuple[web.Response, Body]:
        try:
            retry_after_s = self._admit(method, args, token)
            if retry_after_s:
                body = {"ok": False, "error": "ratelimited"}
                return _respond(body, 429, {"Retry-After": str(retry_after_s)})
            if method == "apps.connections.open":
                return _respond({"ok": True, "url": self._new_socket_url()})
            if token == self._app.app_token:
                return _respond({"ok": True, "app_name": self._app.bot.name, "app_id": self._app.id})
            return _respond({"ok": True} | self._methods[method].answer(self._workspace, args), headers=self._scopes())
        except SlackError as error:
            return _respond(_no(error), headers=self._scopes())

    def _admit(self, method: str, args: Args, token: str) -> int:
        """Return 0, or the seconds to wait. Raise `SlackError` for a token, a method or a scope that will not do."""
        known = self._methods.get(method)
        if known is None and method != "apps.connections.open":
            raise SlackError("unknown_method", req_method=method)
        if not token:
            raise SlackError("not_authed")
        if token not in {self._app.bot_token, self._app.app_token}:
            raise SlackError("invalid_auth")
        wants_app = method == "apps.connections.open"
        if wants_app != (token == self._app.app_token) and method != "auth.test":
            raise SlackError("not_allowed_token_type")
        if known is not None and known.needs:
            self._check_scope(known.needs, args)
        tier = known.tier if known is not None else CONNECT
        if self._workspace.settings.slow_history:
            tier = SLOW_HISTORY.get(method, tier)
        if tier is None:
            return 0
        return self._limits.take(method, tier, args.text("channel"), self._workspace.now_s)

    def _new_socket_url(self) -> str:
        workspace = self._workspace
        return f"ws://{workspace.server.host}/link/?ticket={self._sockets.new_ticket()}&app_id={self._app.id}"

    def _check_scope(self, feature: str, args: Args) -> None:
        channel = self._workspace.channels.get(args.text("channel"))
        needed = scope_of(feature, channel.type if channel is not None else "")
        if needed not in self._app.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(self._app.scopes)))

    def _scopes(self) -> dict[str, str]:
        return {"X-OAuth-Scopes": ",".join(sorted(self._app.scopes))}

    def _show(self, fault: Fault) -> tuple[web.Response | None, Body]:
        if fault.drop:
            return None, {"error": "dropped"}
        status = fault.status or 200
        body = fault.body if fault.body is not None else _default_body(status)
        headers = {"Retry-After": "1"} if status == 429 else {}
        return _respond(body, status, headers | dict(fault.headers))


def _answers(fault: Fault) -> bool:
    """Return whether a fault answers in the method's place; one that only delays does not."""
    return fault.drop or fault.status is not None or fault.body is not None


def _default_body(status: int) -> Body:
    return {"ok": False, "error": _WORDS_OF_STATUS.get(status, "internal_error")}


def _no(error: SlackError) -> Body:
    return {"ok": False, "error": error.error, **error.more}


def _respond(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> tuple[web.Response, Body]:
    return web.json_response(body, status=status, headers=headers), dict(body)


def _hung_up(request: web.Request) -> web.Response:
    """Close the connection; the response that is returned has nowhere to go."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()
