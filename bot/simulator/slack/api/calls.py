"""One Web API call: its arguments, however they were sent, and its record.

Slack docs, apis/web-api: arguments come in a JSON body, a form body or the query string; in the latter two, nested
values are JSON text and booleans are `1`, `0`, `true` or `false`. The token comes in a header or as an argument.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.simulator.slack.workspace.errors import SlackError


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made. `at_s`: the loop's clock at its start. `status`: 0 if it got no answer. `error`: or ""."""

    at_s: float
    method: str
    status: int
    error: str
    args: Mapping[str, Any]


class Args:
    """The arguments of one call."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str) -> str:
        """Return a text argument, "" if it was not given."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def needed(self, name: str, error: str = "invalid_arguments") -> str:
        """Return a text argument. Raise `SlackError` if it was not given."""
        value = self.text(name)
        if not value:
            message = f"[ERROR] missing required field: {name}"
            raise SlackError(error, response_metadata={"messages": [message]})
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean argument."""
        return self.text(name).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """Return a whole number. Raise `SlackError` (`invalid_arguments`)."""
        value = self.text(name) or str(default)
        if not value.isdigit():
            raise SlackError("invalid_arguments")
        return int(value)

    def nested(self, name: str, error: str) -> Any:
        """Return a nested argument, None if it was not given. Raise `SlackError(error)` if it is no JSON."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None


async def read(request: web.Request) -> tuple[Args, str]:
    """Return a call's arguments and its token ("" if it has none). Raise `SlackError` (`invalid_json` …)."""
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        values |= await _json_body(request)
    elif request.can_read_body:
        values |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    argument = str(values.pop("token", ""))
    scheme, _, header = request.headers.get("Authorization", "").partition(" ")
    return Args(values), header.strip() if scheme.lower() == "bearer" else argument


async def _json_body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
