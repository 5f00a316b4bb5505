"""The wire around the simulated Messages API: keys, bodies, headers, error answers, pages, and cut connections."""

import hmac
import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.simulator.claude.answer.reply import Reply
from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.models import Model, model_info
from bot.simulator.claude.request.refusal import Refused, error_body, words

MAX_PAGE = 1000
_PAGE = 20


def check_key(headers: Mapping[str, str], key: str) -> None:
    """Raise `Refused` unless the request has the key, as `Authorization: Bearer` (SDK 2.x) or `x-api-key`."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    given = headers.get("x-api-key") or bearer
    if not given:
        raise Refused("x-api-key header is required", "authentication_error")
    if not hmac.compare_digest(given.encode(), key.encode()):
        message = "invalid x-api-key" if "x-api-key" in headers else "Invalid bearer token"
        raise Refused(message, "authentication_error")


async def read_json(given: web.Request) -> tuple[Json, Refused | None]:
    """Return the body's JSON object, or {} and the refusal to give once the key has been checked."""
    try:
        body = json.loads(await given.read())
    except web.HTTPRequestEntityTooLarge:
        return {}, Refused(words("request_too_large"), "request_too_large")
    except ValueError:
        return {}, Refused("The request body is not valid JSON.")
    if not isinstance(body, dict):
        return {}, Refused("Input should be an object")
    return body, None


def json_response(body: Json, request_id: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a successful answer."""
    text = json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace")
    told = {"request-id": request_id, **(headers or {})}
    return web.Response(body=text, content_type="application/json", headers=told)


def error_response(status: int, refused: Refused, request_id: str, headers: Mapping[str, str]) -> web.Response:
    """Return an error as the API words it."""
    body = error_body(refused.kind, refused.message, request_id, refused.details)
    return web.json_response(body, status=status, headers={"request-id": request_id, **headers})


def error_event(kind: str, reply: Reply, request_id: str) -> Json:
    """Return the fields of an `error` event in a stream."""
    body = error_body(kind, reply.error_message or words(kind), request_id, reply.error_details)
    return {"error": body["error"], "request_id": request_id}


def stream_headers(request_id: str, more: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a stream of events."""
    return {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "request-id": request_id,
        **more,
    }


def cut(given: web.Request) -> None:
    """Close the connection in the middle of a chunk; what was written before still arrives."""
    if given.transport is not None:
        given.transport.write(b"400\r\nevent: content_blo")  # announces 1024 bytes and brings 18
        given.transport.close()


def page(known: Sequence[Model], query: Mapping[str, str]) -> Json:
    """Return one page of the models list (`limit`, `after_id`, `before_id`). Raise `Refused`."""
    limit = query.get("limit", str(_PAGE))
    if not limit.isdigit() or not 1 <= int(limit) <= MAX_PAGE:
        raise Refused(f"limit: Input should be between 1 and {MAX_PAGE}")
    ids = [model.id for model in known]
    start, end = 0, len(known)
    if "after_id" in query:
        start = _position(ids, query["after_id"], "after_id") + 1
    if "before_id" in query:
        end = _position(ids, query["before_id"], "before_id")
        start = max(start, end - int(limit))
    shown = known[start:end][: int(limit)]
    return {
        "data": [model_info(model) for model in shown],
        "has_more": start > 0 if "before_id" in query else start + len(shown) < end,
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def _position(ids: Sequence[str], wanted: str, where: str) -> int:
    if wanted not in ids:
        raise Refused(f"{where}: no model with this id")
    return ids.index(wanted)
