"""The one way to call Slack's Web API: over one session, in bounded time, with our errors, each call made once.

slack_sdk's own retries stay off: after a lost response they would post a second time.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Rejected, Unreachable
from bot.platforms.kernel.clock import PlatformClock
from bot.platforms.kernel.gate import ClientGate
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.limits import WorkspaceBudgets, rank_of
from bot.reply.pacing.pacer import Pacer
from bot.telemetry import CallMade, Emit, Outcome, ignore

TIMEOUT = aiohttp.ClientTimeout(total=20.0, sock_connect=10.0)
"""slack_sdk ignores its own timeout when it is given a session, and aiohttp's is five minutes."""
_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=120.0, sock_connect=10.0)
_RETRY_AFTER_S = 30.0
_TURN_WAIT_S = 10.0
"""So long a call that no reply has asked for waits for its turn."""

REFUSED = frozenset({
    "account_inactive", "ekm_access_denied", "enterprise_is_restricted", "invalid_auth", "not_allowed_token_type",
    "not_authed", "org_login_required", "team_access_not_granted", "token_expired", "token_revoked",
    "two_factor_setup_required",
})  # fmt: skip
"""The token is refused (Slack docs, each method's common errors)."""
_FORBIDDEN = REFUSED | {
    "access_denied", "cannot_reply_to_message", "cant_update_message", "edit_window_closed", "messages_tab_disabled",
    "missing_scope", "no_permission", "not_in_channel", "user_is_restricted",
}  # fmt: skip
_NO_MESSAGE = frozenset({"message_not_found", "thread_not_found"})
_GONE = frozenset({"channel_not_found", "file_deleted", "file_not_found", "is_archived", "user_not_found"})
_IN_DOUBT = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"""Slack docs: some part of the operation may have succeeded before the error was raised."""
_LIMITED = frozenset({"rate_limited", "ratelimited"})


class NotSent(Unreachable):
    """No connection was made: the call cannot have taken effect."""


class NoMessage(Gone):
    """The message that a call is about is no longer there."""


class SlackRejected(Rejected):
    """Slack rejected what was sent. `code`: its word for the reason, such as `invalid_blocks`."""

    def __init__(self, sentence: str, detail: str = "", *, code: str) -> None:
        super().__init__(sentence, detail)
        self.code = code


class Refused(Forbidden):
    """Slack refused a call. `code`: its word for the reason, such as `missing_scope`."""

    def __init__(self, sentence: str, detail: str = "", *, code: str) -> None:
        super().__init__(sentence, detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is. `user`: `U…`, its member id. `bot`: `B…`, the author of its messages. `team`: `T…`, and
    `workspace` its name.
    """

    user: str
    bot: str
    team: str
    name: str
    enterprise: str = ""
    workspace: str = ""


class Calls:
    """Calls with the bot's token, while it is signed in.

    `clock`: Slack's. `emit` receives a fact of each call. `pacer` paces all calls; `budgets`: what each may do. A call
    made before the bot is signed in, or between two connections, waits up to `gate.WAIT_S`.
    """

    def __init__(self, pacer: Pacer, emit: Emit = ignore) -> None:
        self._emit = emit
        self.clock = PlatformClock()
        self.pacer = pacer
        self.budgets = WorkspaceBudgets(pacer)
        self._gate = ClientGate[tuple[AsyncWebClient, Me]](_not_sent)

    def use(self, client: AsyncWebClient, me: Me) -> None:
        """Make calls through this client from now on."""
        self._gate.open((client, me))

    def stop(self) -> None:
        """Make no more calls: there is no client any more."""
        self._gate.close()

    async def me(self) -> Me:
        """Return who the bot is. Raise `Unreachable`."""
        return (await self._gate.client())[1]

    async def read(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer of a reading method; its arguments go in the query. Raise only `PlatformError`s."""
        return await self._call(method, arguments, "params")

    async def write(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer of a writing method; its arguments go as JSON. Raise only `PlatformError`s.

        If it raises `Unreachable` (but not `NotSent`), or is cancelled, the call may or may not have taken effect.
        """
        return await self._call(method, arguments, "json")

    async def _call(self, method: str, arguments: dict[str, Any], sent_as: Literal["params", "json"]) -> dict[str, Any]:
        """Make one call in its turn. If its turn is known not to come soon, refuse it as Slack would."""
        client, me = await self._gate.client()
        budget, rank = self.budgets.of(me.team, method, str(arguments.get("channel", ""))), rank_of(method)
        if (wait_s := self.pacer.wait_s(budget, rank)) > _TURN_WAIT_S:
            raise RateLimited("Slack asks the bot to slow down.", f"{method}: its turn is later", retry_after_s=wait_s)
        grant = await self.pacer.admit(budget, rank)
        try:
            with self._told(method):
                body, headers = await call(client, method, **{sent_as: arguments})
        except RateLimited as error:
            self.budgets.refused(me.team, method, budget, error.retry_after_s)
            raise
        except asyncio.CancelledError:
            grant.lose()
            raise
        finally:
            grant.end()
        self.clock.told(header(headers, "Date"))
        return body

    @contextmanager
    def _told(self, method: str) -> Iterator[None]:
        """Emit the result of the call made inside."""
        begun_s = time.perf_counter()
        outcome: Outcome = "ok"
        try:
            yield
        except RateLimited:
            outcome = "refused"
            raise
        except (Unreachable, asyncio.CancelledError):
            outcome = "lost"
            raise
        except PlatformError:
            outcome = "rejected"
            raise
        finally:
            self._emit(CallMade("slack", method, outcome, time.perf_counter() - begun_s))

    async def upload(self, url: str, data: bytes) -> None:
        """Send a file's bytes to an address that Slack gave for them. Raise only `PlatformError`s."""
        client, _ = await self._gate.client()
        assert client.session is not None  # ours always has one
        try:
            async with client.session.post(url, data=data, proxy=client.proxy, timeout=_UPLOAD_TIMEOUT) as answer:
                if answer.status != 200:
                    raise _unreachable(f"upload: HTTP {answer.status}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _unreachable(f"upload: {type(error).__name__}") from error


async def call(
    client: AsyncWebClient, method: str, *, params: dict[str, Any] | None = None, json: dict[str, Any] | None = None
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Make one call; return the answer's body and headers. Raise only `PlatformError`s."""
    try:
        verb = "GET" if json is None else "POST"
        answer = await client.api_call(method, http_verb=verb, params=params, json=json)
    except SlackApiError as error:
        raise _refusal(method, error) from error
    except aiohttp.InvalidURL as error:
        raise PlatformError("The address of Slack's Web API cannot be used.", f"{method}: {error}") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise _unreachable(f"{method}: {type(error).__name__}", NotSent) from error
    except (aiohttp.ClientError, OSError, *MISREAD) as error:  # TimeoutError is an OSError; MISREAD: no JSON object
        raise _unreachable(f"{method}: {type(error).__name__}") from error
    body = answer.data
    if not isinstance(body, dict):
        raise _unreachable(f"{method}: an answer that is no JSON")
    return body, answer.headers


def field(answer: Mapping[str, Any], name: str, method: str) -> str:
    """Return a text field of an answer. Raise `Unreachable` if it is missing: the call may have taken effect."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        misread("slack_answer_unreadable", answer, KeyError(name), method=method)
        raise _unreachable(f"{method}: an answer without {name}")
    return value


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's value; slack_sdk hands on names in the server's case."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def _refusal(method: str, error: SlackApiError) -> PlatformError:
    """Return our error for a call that Slack answered with anything but `ok`."""
    response: Any = error.response
    # for a body of broken JSON slack_sdk hands on aiohttp's response, which has no `data`
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    body: Any = getattr(response, "data", None)
    code = str(body.get("error", "")) if isinstance(body, dict) else ""
    needs = f" (needs {body['needed']})" if isinstance(body, dict) and body.get("needed") else ""
    detail = f"{method}: {code or 'no usable answer'}{needs}, HTTP {status}"
    if status == 429 or code in _LIMITED:
        retry_after_s = _seconds(getattr(response, "headers", {}).get("Retry-After"))
        return RateLimited("Slack asks the bot to slow down.", detail, retry_after_s=retry_after_s)
    if status >= 500 or code in _IN_DOUBT or (not code and status in {0, 200, 408}):
        return _unreachable(detail)
    if code in _NO_MESSAGE | _GONE:
        kind = NoMessage if code in _NO_MESSAGE else Gone
        return kind("The message or its channel in Slack is no longer there.", detail)
    if code in _FORBIDDEN or code.startswith("restricted_action"):
        return Refused("Slack does not allow the bot to do this here.", detail, code=code)
    return SlackRejected("Slack did not accept what the bot sent.", detail, code=code)


def _seconds(header: object) -> float:
    try:
        return max(0.0, float(str(header)))
    except ValueError:
        return _RETRY_AFTER_S


def _not_sent(detail: str) -> Unreachable:
    return _unreachable(detail, NotSent)


def _unreachable(detail: str, kind: type[Unreachable] = Unreachable) -> Unreachable:
    return kind("Slack cannot be reached at the moment.", detail)
