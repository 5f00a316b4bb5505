"""The REST door: for every call the fault in waiting, the token, the limits, the route, and a record of it."""

import asyncio
import copy
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.bodies import Body, Created
from bot.simulator.discord.rest.limits import Limits, Verdict, is_interaction
from bot.simulator.discord.world.model import Call
from bot.simulator.discord.world.refusals import RefusedError, not_found, too_large, unauthorized
from bot.simulator.faults import Fault, Faults

PREFIX = "/api/v10"
_BANNED = "<!DOCTYPE html><html><head><title>Access denied</title></head><body>error code: 1015</body></html>"
Handler = Callable[[web.Request, Body], Awaitable[Any]]


class Rest:
    """Answers every call below `/api/v10`. `calls`: all that were made, in the order of their answers."""

    def __init__(self, token: str, faults: Faults, limits: Limits) -> None:
        self._token = token
        self._faults = faults
        self._limits = limits
        self.calls: list[Call] = []

    @property
    def limited(self) -> int:
        """How many calls were answered with 429."""
        return sum(call.status == HTTPStatus.TOO_MANY_REQUESTS for call in self.calls)

    def routes(self, handlers: list[tuple[str, str, Handler]]) -> list[web.RouteDef]:
        """Return aiohttp's routes for these, and one for every path there is no route for."""
        found = [web.route(method, PREFIX + path, self._door(path, handler)) for method, path, handler in handlers]
        return [*found, web.route("*", PREFIX + "/{rest:.*}", self._door("/{rest}", _no_route))]

    def _door(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            body, broken = await _read(request)
            path = request.rel_url.raw_path.removeprefix(PREFIX)
            fault = await self._faults.take(f"{request.method} {path}")
            if fault is not None and not fault.after and (fault.drop or fault.status is not None):
                response = _faulty(request, fault)
            else:
                response = broken or await self._answer(request, route, handler, body, fault)
                if fault is not None and (fault.drop or fault.status is not None):
                    response = _faulty(request, fault)
            dropped = fault is not None and fault.drop
            status = 0 if dropped else response.status
            at_s = asyncio.get_running_loop().time()
            self.calls.append(Call(at_s, request.method, path, status, body.json))
            return response

        return answer

    def file_door(self, serve: Callable[[web.Request], Awaitable[web.Response]]) -> web.RouteDef:
        """Return the route of the attachments. Faults go by `GET /attachments/…`; these calls are not recorded."""

        async def answer(request: web.Request) -> web.Response:
            fault = await self._faults.take(f"GET {request.rel_url.raw_path}")
            if fault is not None and (fault.drop or fault.status is not None):
                return _faulty(request, fault)
            return await serve(request)

        return web.get("/attachments/{channel}/{attachment}/{name}", answer)

    async def _answer(
        self, request: web.Request, route: str, handler: Handler, body: Body, fault: Fault | None
    ) -> web.Response:
        headers: Mapping[str, str] = {}
        banned = self._limits.ban(asyncio.get_running_loop().time())
        if banned is not None:
            return _too_many(banned)
        try:
            if not is_interaction(route) and request.headers.get("Authorization") != f"Bot {self._token}":
                raise unauthorized()
            limited, headers = self._limit(request, route, body)
            if limited is not None:
                return limited
            result = await handler(request, body)
            if fault is not None and fault.change is not None:
                true = result.json if isinstance(result, Created) else result
                return _json(200, fault.change(copy.deepcopy(true)), headers)
        except RefusedError as refusal:
            return _json(refusal.status, refusal.body, headers)
        if isinstance(result, Created):
            return _json(201, result.json, headers)
        return _json(204, None, headers) if result is None else _json(200, result, headers)

    def _limit(self, request: web.Request, route: str, body: Body) -> tuple[web.Response | None, Mapping[str, str]]:
        """Count the call. Return the 429 to answer with, if the limits say so, and else the headers of the answer."""
        now_s = asyncio.get_running_loop().time()
        about = request.match_info
        major = about.get("channel") or about.get("guild") or about.get("token") or ""
        verdict = self._limits.take(request.method, route, major, now_s)
        if verdict.wait_s:
            return _too_many(verdict), {}
        renames = request.method == "PATCH" and route == "/channels/{channel}" and "name" in body.fields
        wait_s = self._limits.rename(major, now_s) if renames else 0.0
        if wait_s:  # a limit inside a bucket: the bucket's headers still say that calls remain
            headers = {**verdict.headers, "Retry-After": str(math.ceil(wait_s)), "Via": "1.1 google"}
            return _too_many(Verdict(headers, wait_s)), {}
        return None, verdict.headers


async def _no_route(_: web.Request, __: Body) -> None:
    raise not_found()


async def _read(request: web.Request) -> tuple[Body, web.Response | None]:
    """Return the body, or the refusal of it."""
    try:
        return await bodies.read(request), None
    except RefusedError as refusal:
        return Body(), _json(refusal.status, refusal.body, {})
    except web.HTTPRequestEntityTooLarge:
        large = too_large()
        return Body(), _json(large.status, large.body, {})


def _faulty(request: web.Request, fault: Fault) -> web.Response:
    """Return a fault's answer, or close the connection so that no answer arrives."""
    if fault.drop:
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=500)
    status = fault.status or 500
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        body = dict(fault.body) if fault.body is not None else _waiting(0.5, everywhere=False)
        retry = str(math.ceil(float(body.get("retry_after", 0.5))))
        scope = {"X-RateLimit-Scope": "shared"}
        if body.get("global"):
            scope = {"X-RateLimit-Scope": "global", "X-RateLimit-Global": "true"}
        return _json(status, body, {"Via": "1.1 google", "Retry-After": retry, **scope, **fault.headers})
    if fault.body is not None:
        return _json(status, fault.body, fault.headers)
    words = HTTPStatus(status).phrase if status in set(HTTPStatus) else "error"
    if status < 500:
        return _json(status, {"message": f"{status}: {words}", "code": 0}, fault.headers)
    return web.Response(status=status, text=f"{status}: {words}", headers=fault.headers)


def _too_many(verdict: Verdict) -> web.Response:
    if verdict.scope == "cloudflare":
        return web.Response(status=429, text=_BANNED, content_type="text/html", headers=verdict.headers)
    body = _waiting(verdict.wait_s, everywhere=verdict.scope == "global")
    if verdict.scope == "shared":
        body["message"] = "The resource is being rate limited."
    return _json(429, body, verdict.headers)


def _waiting(wait_s: float, *, everywhere: bool) -> dict[str, Any]:
    return {"message": "You are being rate limited.", "retry_after": wait_s, "global": everywhere, "code": 0}


def _json(status: int, body: Any, headers: Mapping[str, str]) -> web.Response:
    """Return a JSON answer. Its content type carries no charset: discord.py compares it as a whole."""
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers)
