"""The simulated Claude itself: an HTTP server on loopback that speaks the Messages API to the real SDK."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import structlog
from aiohttp import web

from bot.simulator.claude import wire
from bot.simulator.claude.answer import answer
from bot.simulator.claude.answer.message import Finished, finish, new_id
from bot.simulator.claude.answer.reply import Pace, Reply
from bot.simulator.claude.answer.stream import Player, event, pick, steps
from bot.simulator.claude.answer.talk import read_talk
from bot.simulator.claude.record import Records, Request
from bot.simulator.claude.request import models
from bot.simulator.claude.request.check import Checked, Checker
from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.models import Model
from bot.simulator.claude.request.pictures import PictureReader
from bot.simulator.claude.request.refusal import TYPE_BY_STATUS, Refused, words
from bot.simulator.claude.request.signatures import Seal, Signer, prefix_digests
from bot.simulator.claude.request.tokens import PromptCache

Answers = Callable[[Mapping[str, Any]], Reply]
API_KEY = "sk-ant-simulated-key"
MAX_REQUEST_BYTES = 32 * 1024 * 1024
_IN_A_THREAD_BYTES = 128 * 1024  # beyond this, decoding and hashing would hold up the streams of others
_GRACE_S = 0.01  # what is still being answered at the end is cut off; for aiohttp, 0 would be no limit at all
_log = structlog.get_logger()


class SimulatedClaude:
    """The Messages API on loopback, while the `async with` lasts.

    `port`: 0 takes a free one. `api_key`: the one key it accepts, as Bearer or x-api-key. `extra_models`: ids (with the
    rules of the newest Sonnet) or `Model`s it knows besides those of the models table. `otherwise`: makes the answer
    from the request's body when nothing is scripted; None is the simulation's own checkable answer.
    `enforce_thinking_prefix`: the account refuses thinking blocks of another transcript (claude-fable-5-2 always does).
    `think`: unscripted answers begin with thinking wherever a model's would, not only if the request asks to see it.
    `cache_minimum_tokens`: replaces the models' shortest cacheable prefix, so that small conversations are cached too.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        pace: Pace | None = None,
        api_key: str = API_KEY,
        extra_models: Iterable[str | Model] = (),
        otherwise: Answers | None = None,
        enforce_thinking_prefix: bool = False,
        think: bool = False,
        cache_minimum_tokens: int | None = None,
    ) -> None:
        self.api_key = api_key
        self.pace = pace or Pace()
        self.otherwise = otherwise
        self.port = port
        self._scripted: deque[Reply | Answers] = deque()
        self._records = Records()
        self._models = {**models.MODELS, **_extra(extra_models)}
        self._reader = PictureReader()
        self._signer = Signer()
        self._checker = Checker(
            self._models, self._reader, self._signer, enforce_thinking_prefix=enforce_thinking_prefix
        )
        self._cache = PromptCache(cache_minimum_tokens)
        self._think = think
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES + 1)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_GRACE_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        except OSError:  # the port is taken
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        self._runner = None

    @property
    def base_url(self) -> str:
        """What to give the SDK as `base_url`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """Everything that was asked of a model so far, refused or not, in the order it came."""
        return self._records.requests

    @property
    def lookups(self) -> list[Request]:
        """Every GET so far: what was asked about the models."""
        return self._records.lookups

    @property
    def count(self) -> int:
        """How often /v1/messages was called."""
        return sum(request.path == "/v1/messages" for request in self.requests)

    def script(self, *replies: Reply | Answers) -> None:
        """Queue answers, one for each accepted call of /v1/messages; a function makes one from the request's body."""
        self._scripted.extend(replies)

    @property
    def billed_tokens(self) -> int:
        """What all requests cost together by now, in tokens in and out."""
        return sum(request.billed_tokens for request in self.requests)

    async def until(self, true: Callable[[], bool], timeout_s: float = 120.0) -> None:
        """Return as soon as `true()` is; it is asked whenever a request comes, is written to or ends.

        Raise `TimeoutError`.
        """
        await self._records.until(true, timeout_s)

    async def next_disconnect(self, timeout_s: float = 120.0) -> Request:
        """Return the next request whose client left early, each once. Raise `TimeoutError`."""
        gone: list[Request] = []

        def found() -> bool:
            gone.extend(r for r in self.requests if r.done == "disconnected" and not r.reported and not gone)
            return bool(gone)

        await self._records.until(found, timeout_s)
        gone[0].reported = True
        return gone[0]

    async def _handle(self, given: web.Request) -> web.StreamResponse:
        """Record a request, check its key, answer it, and turn what is refused into the API's error body."""
        headers = {name.lower(): value for name, value in given.headers.items()}
        record = Request(asyncio.get_running_loop().time(), given.path, headers, {}, request_id=new_id("req_"))
        try:
            try:
                record.body, unread = await wire.read_json(given) if given.method == "POST" else ({}, None)
            finally:
                self._records.add(record, lookup=given.method == "GET")
            wire.check_key(headers, self.api_key)
            if unread is not None:
                raise unread
            return await self._answer(given, record)
        except Refused as refused:
            return self._refuse(record, refused.status, refused)
        except (asyncio.CancelledError, ConnectionError):
            self._records.end(record, "disconnected")
            raise
        finally:
            self._records.end(record, "failed")  # only if nothing else was said: an error of our own

    async def _answer(self, given: web.Request, record: Request) -> web.StreamResponse:
        if given.path == "/v1/messages" and given.method == "POST":
            return await self._messages(given, record)
        if given.path == "/v1/messages/count_tokens" and given.method == "POST":
            checked = await self._check(given, record, counting=True)
            return self._found(record, {"input_tokens": checked.tokens})
        if given.path == "/v1/models" and given.method == "GET":
            return self._found(record, wire.page(list(self._models.values()), given.query))
        if given.path.startswith("/v1/models/") and given.method == "GET":
            return self._found(record, models.model_info(self._model(given.path.removeprefix("/v1/models/"))))
        if given.path.startswith("/v1/m"):
            return self._refuse(record, 405, Refused("Method Not Allowed"))
        raise Refused("Not Found", "not_found_error")

    def _model(self, name: str) -> Model:
        if name not in self._models:
            raise Refused(f"model: {name}", "not_found_error")
        return self._models[name]

    def _refuse(
        self, record: Request, status: int, refused: Refused, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        _log.debug("claude_refused", status=status, type=refused.kind, request_id=record.request_id)
        self._records.end(record, "failed")
        record.status, record.billed_tokens = status, 0
        return wire.error_response(status, refused, record.request_id, headers or {})

    async def _check(self, given: web.Request, record: Request, *, counting: bool = False) -> Checked:
        version = record.headers.get("anthropic-version", "")
        if (given.content_length or 0) > _IN_A_THREAD_BYTES:
            return await asyncio.to_thread(self._checker.check, record.body, version, counting=counting)
        return self._checker.check(record.body, version, counting=counting)

    async def _messages(self, given: web.Request, record: Request) -> web.StreamResponse:
        checked = await self._check(given, record)
        reply = self._next_reply(checked)
        if reply.status >= 400:
            kind = reply.error_type or TYPE_BY_STATUS.get(reply.status, "api_error")
            refused = Refused(reply.error_message or words(kind), kind, details=reply.error_details)
            return self._refuse(record, reply.status, refused, reply.headers)
        finished = self._finish(reply, checked)
        record.status = 200
        record.billed_tokens = finished.input_tokens
        record.answer = "".join(part.block.get("text", "") for part in finished.parts)
        if record.stream:
            return await self._stream(given, record, reply, finished)
        return await self._whole(given, record, reply, finished)

    def _next_reply(self, checked: Checked) -> Reply:
        scripted = self._scripted.popleft() if self._scripted else self.otherwise
        if isinstance(scripted, Reply):
            return scripted
        if scripted is not None:
            return scripted(checked.body)
        reply = answer.answer(checked.body, checked.messages, self._reader)
        thinking = self._thinking(checked)
        return reply if thinking is None else Reply(blocks=[thinking, *reply.content()])

    def _thinking(self, checked: Checked) -> Json | None:
        """Return the thinking block of an unscripted answer, as the request and the model want it, or None."""
        asked = checked.body.get("thinking") or {}
        kind = asked.get("type", "adaptive" if checked.model.thinks_unasked else "disabled")
        if kind not in ("adaptive", "enabled") or not (self._think or asked.get("display") == "summarized"):
            return None
        display = asked.get("display") or ("omitted" if checked.model.omits_thinking else "summarized")
        turns = read_talk(checked.messages).turns
        return {"type": "thinking", "thinking": "" if display == "omitted" else answer.thought(turns)}

    def _finish(self, reply: Reply, checked: Checked) -> Finished:
        cost = self._cache.use(checked.segments, checked.model, asyncio.get_running_loop().time())

        def sign(thinking: str, number: int) -> str:
            prefix = prefix_digests(checked.body, checked.messages)[-1]
            return self._signer.sign(thinking, Seal(checked.model.id, prefix, checked.ordinal + number))

        return finish(reply, checked.body, cost, checked.model.context - cost.total, sign)

    async def _stream(
        self, given: web.Request, record: Request, reply: Reply, finished: Finished
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=wire.stream_headers(record.request_id, reply.headers))
        await response.prepare(given)
        clock = asyncio.get_running_loop().time

        read_tokens = record.billed_tokens

        def wrote(characters: int, tokens: int) -> None:
            record.written.append((clock(), characters))
            record.billed_tokens = read_tokens + tokens
            self._records.changed()

        await Player(reply, self.pace, response.write, wrote).play(steps(finished, reply))
        fault = reply.fault
        if fault is None:
            self._records.end(record, "finished")
        elif fault.kind == "stall":
            record.stalled = True
            self._records.changed()
            await asyncio.Event().wait()  # until the client leaves, which cancels this
        else:
            self._records.end(record, "failed")
        if fault is not None and fault.kind == "error":
            record.billed_tokens = 0 if fault.after < 0 else record.billed_tokens
            kind = reply.error_type or "overloaded_error"
            await response.write(event("error", **wire.error_event(kind, reply, record.request_id)))
        if fault is not None and fault.kind == "cut":
            wire.cut(given)
        return response

    async def _whole(self, given: web.Request, record: Request, reply: Reply, finished: Finished) -> web.StreamResponse:
        fault = reply.fault
        if fault is not None and fault.kind == "stall":
            await asyncio.Event().wait()
        if reply.gate is not None:
            await reply.gate.wait()
        later = max(0, sum(step.counts for step in steps(finished, reply)) - 1)
        piece_s = pick(reply.piece_s, self.pace.piece_s)
        await asyncio.sleep(pick(reply.first_token_s, self.pace.first_token_s) + piece_s * later)
        if fault is not None and fault.kind == "error":
            kind = reply.error_type or "overloaded_error"
            refused = Refused(reply.error_message or words(kind), kind, details=reply.error_details)
            return self._refuse(record, refused.status, refused, reply.headers)
        if fault is not None:
            self._records.end(record, "failed")
            wire.cut(given)
            return web.Response()
        self._records.end(record, "finished")
        record.billed_tokens += finished.usage["output_tokens"]
        return wire.json_response(finished.message(), record.request_id, reply.headers)

    def _found(self, record: Request, body: Json) -> web.Response:
        record.status = 200
        self._records.end(record, "finished")
        return wire.json_response(body, record.request_id)


def _extra(given: Iterable[str | Model]) -> dict[str, Model]:
    made = [Model(model, 5.5) if isinstance(model, str) else model for model in given]
    return {model.id: model for model in made}
