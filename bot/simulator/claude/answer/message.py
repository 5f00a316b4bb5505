"""A reply → the finished message: ids, signatures, where it stops and why, and what it costs."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.simulator.claude.answer.reply import Reply
from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.tokens import Input, text_tokens

_BYTES_PER_TOKEN = 4
_TOOL_PREFIX = {"tool_use": "toolu_", "server_tool_use": "srvtoolu_"}


@dataclass(slots=True)
class Part:
    """One content block as a non-streamed message holds it. `raw_input`: a tool's input as JSON, perhaps cut short."""

    block: Json
    raw_input: str = ""

    @property
    def tokens(self) -> int:
        """What the block costs as output."""
        if self.raw_input:
            return text_tokens(self.raw_input) + 8
        if self.block["type"] == "text":
            return text_tokens(self.block["text"])
        if self.block["type"] == "thinking":
            return text_tokens(self.block["thinking"]) + 8
        return 0 if self.block["type"].endswith("_result") else 8


@dataclass(frozen=True, slots=True)
class Finished:
    """A whole answer, as both ways of sending it need it."""

    id: str
    model: str
    parts: Sequence[Part]
    stop_reason: str
    stop_sequence: str | None
    stop_details: Mapping[str, Any] | None
    usage: Mapping[str, Any]

    @property
    def input_tokens(self) -> int:
        """All that was read, from the cache and into it included."""
        kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        return sum(self.usage[kind] or 0 for kind in kinds)

    def message(self, *, started: bool = False) -> Json:
        """Return the message as JSON; `started`: as message_start has it, with no content and one output token."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [] if started else [part.block for part in self.parts],
            "stop_reason": None if started else self.stop_reason,
            "stop_sequence": None if started else self.stop_sequence,
            "stop_details": None if started or self.stop_details is None else dict(self.stop_details),
            "usage": {**self.usage, "output_tokens": 1} if started else dict(self.usage),
        }


def new_id(prefix: str) -> str:
    """Return an id in the API's style."""
    return f"{prefix}01{secrets.token_urlsafe(16).replace('-', 'A').replace('_', 'B')}"


def finish(reply: Reply, body: Mapping[str, Any], cost: Input, room: int, sign: Callable[[str, int], str]) -> Finished:
    """Return the message a reply becomes as the answer to a checked request.

    `room`: tokens left in the context window. `sign`: makes a thinking block's signature from its text and how many
    thinking blocks stand before it in this reply.
    """
    parts = [_part(block) for block in reply.content()]
    thoughts = [part.block for part in parts if part.block["type"] == "thinking"]
    for number, block in enumerate(thoughts):
        block["signature"] = block.get("signature") or sign(block["thinking"], number)
    stop_reason, stop_sequence = reply.stop_reason, reply.stop_sequence
    if stop_reason is None:
        parts, stop_reason, stop_sequence = _stop(parts, body, room)
    return Finished(
        reply.id or new_id("msg_"),
        reply.model or str(body["model"]),
        parts,
        stop_reason,
        reply.stop_sequence or stop_sequence,
        reply.stop_details,
        {**_usage(parts, cost), **reply.usage},
    )


def _part(block: Json) -> Part:
    kind = block["type"]
    if kind not in _TOOL_PREFIX:
        return Part({"citations": None, **block} if kind == "text" else block)
    given = block.get("input", {})
    raw = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return Part({"id": new_id(_TOOL_PREFIX[kind]), **block, "input": _parsed(raw)}, raw)


def _parsed(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {}


def _stop(parts: list[Part], body: Mapping[str, Any], room: int) -> tuple[list[Part], str, str | None]:
    """Cut where a stop sequence or the end of the allowed tokens comes, and say which."""
    parts, stop = _stop_at_sequence(parts, body.get("stop_sequences") or [])
    allowed = min(body["max_tokens"], room)
    if sum(part.tokens for part in parts) > allowed or allowed == 0:
        return _take(parts, allowed), "max_tokens" if body["max_tokens"] <= room else _WINDOW, None
    if stop is not None:
        return parts, "stop_sequence", stop
    return parts, "tool_use" if any(part.block["type"] == "tool_use" for part in parts) else "end_turn", None


_WINDOW = "model_context_window_exceeded"


def _stop_at_sequence(parts: list[Part], stops: Sequence[str]) -> tuple[list[Part], str | None]:
    for index, part in enumerate(parts):
        if part.block["type"] != "text":
            continue
        text = part.block["text"]
        found = [(text.index(stop), stop) for stop in stops if stop in text]
        if found:
            at, stop = min(found)
            kept = [Part({**part.block, "text": text[:at]})] if at else []
            return [*parts[:index], *kept], stop
    return parts, None


def _take(parts: Sequence[Part], allowed: int) -> list[Part]:
    """Return as much as fits in so many tokens; the last block may be cut in the middle."""
    kept: list[Part] = []
    for part in parts:
        if part.tokens <= allowed:
            kept.append(part)
            allowed -= part.tokens
            continue
        kept += _shortened(part, allowed)
        break
    return kept


def _shortened(part: Part, allowed: int) -> list[Part]:
    if allowed <= 0 or (part.block["type"] != "text" and not part.raw_input):
        return []
    whole = part.raw_input or part.block["text"]
    text = whole.encode(errors="surrogatepass")[: allowed * _BYTES_PER_TOKEN].decode(errors="ignore")
    if part.raw_input:
        return [Part({**part.block, "input": {}}, text)]
    return [Part({**part.block, "text": text})] if text else []


def _usage(parts: Sequence[Part], cost: Input) -> Json:
    usage: Json = {
        "input_tokens": cost.uncached,
        "cache_creation_input_tokens": cost.created_5m + cost.created_1h,
        "cache_read_input_tokens": cost.read,
        "cache_creation": {"ephemeral_5m_input_tokens": cost.created_5m, "ephemeral_1h_input_tokens": cost.created_1h},
        "output_tokens": max(1, sum(part.tokens for part in parts)),
        "service_tier": "standard",
    }
    thinking = [part.tokens for part in parts if part.block["type"] in ("thinking", "redacted_thinking")]
    if thinking:
        usage["output_tokens_details"] = {"thinking_tokens": sum(thinking)}
    used = [part.block["name"] for part in parts if part.block["type"] == "server_tool_use"]
    if used:
        usage["server_tool_use"] = {
            "web_search_requests": used.count("web_search"),
            "web_fetch_requests": used.count("web_fetch"),
        }
    return usage
