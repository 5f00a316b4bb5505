"""A finished message → its server-sent events, in the API's order, and their writing: pace, gates and mishaps.

Order (Claude docs, build-with-claude/streaming): message_start, ping, for each block content_block_start, its deltas
and content_block_stop, then message_delta with cumulative usage and the stop reason, and message_stop.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.simulator.claude.answer.message import Finished, Part
from bot.simulator.claude.answer.reply import Pace, Reply, cut_evenly
from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.tokens import tokens_in

_JSON_PIECE = 24  # characters of a tool's input in one delta
_THOUGHT_PIECE = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One event. `counts`: it is a delta of content, to which a reply's `…_after` and `gate_at` refer.

    `characters`: how many characters of text it brings. `tokens`: what all that was written up to it costs.
    """

    data: bytes
    counts: bool = False
    characters: int = 0
    tokens: int = 0


def event(kind: str, **fields: object) -> bytes:
    """Return one server-sent event, whose data repeats its type."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n".encode(errors="backslashreplace")


def steps(finished: Finished, reply: Reply) -> list[Step]:
    """Return every event of a message."""
    found = [Step(event("message_start", message=finished.message(started=True))), Step(event("ping"))]
    most, before = finished.usage["output_tokens"], 0
    for index, part in enumerate(finished.parts):
        written = 0
        found.append(Step(event("content_block_start", index=index, content_block=_empty(part)), tokens=before))
        for delta in _deltas(part, reply):
            counts = delta["type"] in ("text_delta", "thinking_delta", "input_json_delta")
            data = event("content_block_delta", index=index, delta=delta)
            written += len(_words(delta).encode(errors="surrogatepass"))
            tokens = min(most, before + part.tokens, before + tokens_in(written))
            found.append(Step(data, counts, len(delta.get("text", "")), tokens))
        before = min(most, before + part.tokens)
        found.append(Step(event("content_block_stop", index=index), tokens=before))
    final = finished.message()
    told = {key: final[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    usage = {key: value for key, value in finished.usage.items() if key not in ("cache_creation", "service_tier")}
    found.append(Step(event("message_delta", delta=told, usage=usage), tokens=most))
    found.append(Step(event("message_stop"), tokens=most))
    return found


def _words(delta: Json) -> str:
    """Return what of a delta costs tokens."""
    return str(delta.get("text") or delta.get("thinking") or delta.get("partial_json") or "")


def _empty(part: Part) -> Json:
    """Return a block as content_block_start has it: what comes in deltas is empty, everything else is whole."""
    kind = part.block["type"]
    if kind == "text":
        cited = part.block.get("citations")
        return {**part.block, "text": "", "citations": [] if cited else None}
    if kind == "thinking":
        return {**part.block, "thinking": "", "signature": ""}
    return {**part.block, "input": {}} if part.raw_input else part.block


def _deltas(part: Part, reply: Reply) -> Iterator[Json]:
    kind = part.block["type"]
    if kind == "text":
        for piece in reply.cut(part.block["text"]):
            yield {"type": "text_delta", "text": piece}
        for citation in part.block.get("citations") or []:
            yield {"type": "citations_delta", "citation": citation}
    elif kind == "thinking":
        thought = part.block["thinking"]
        for piece in cut_evenly(thought, -(-len(thought) // _THOUGHT_PIECE)):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": part.block["signature"]}
    elif part.raw_input:
        yield {"type": "input_json_delta", "partial_json": ""}
        for piece in cut_evenly(part.raw_input, -(-len(part.raw_input) // _JSON_PIECE)):
            yield {"type": "input_json_delta", "partial_json": piece}


def index_after(row: Sequence[Step], deltas: int) -> int:
    """Return how many of the events are sent if something happens after so many deltas (see `Reply`)."""
    if deltas < 0:
        return 0
    counted = [index for index, step in enumerate(row) if step.counts]
    if not counted:
        return len(row) - 2  # no content: before message_delta
    return counted[0] if deltas == 0 else counted[min(deltas, len(counted)) - 1] + 1


class Player:
    """Writes one reply's events at its pace. `wrote` is called after each write with the characters of text so far and
    the tokens that all of it costs.
    """

    def __init__(
        self, reply: Reply, pace: Pace, write: Callable[[bytes], Awaitable[None]], wrote: Callable[[int, int], None]
    ) -> None:
        self._reply = reply
        self._pace = pace
        self._write = write
        self._wrote = wrote
        self._held: list[bytes] = []
        self._characters = 0
        self._tokens = 0

    async def play(self, row: Sequence[Step]) -> None:
        """Write the events up to the reply's fault, or all of them."""
        fault = self._reply.fault
        due_s = asyncio.get_running_loop().time() + pick(self._reply.first_token_s, self._pace.first_token_s)
        piece_s = pick(self._reply.piece_s, self._pace.piece_s)
        deltas = 0
        for step in row[: len(row) if fault is None else index_after(row, fault.after)]:
            if step.counts:
                due_s = await self._until(deltas, due_s) + piece_s
                deltas += 1
            self._held.append(step.data)
            self._characters += step.characters
            self._tokens = max(self._tokens, step.tokens)
            if not self._reply.one_write:
                await self._flush()
        await self._flush()

    async def _until(self, delta: int, due_s: float) -> float:
        """Hold until a delta may be written; return when that was due. After a gate the pace starts anew."""
        clock = asyncio.get_running_loop().time
        gate = self._reply.gate
        if gate is not None and delta == self._reply.gate_at and not gate.is_set():
            await self._flush()
            await gate.wait()
            due_s = max(due_s, clock())
        if due_s > clock():
            await self._flush()
            await asyncio.sleep(due_s - clock())
        return due_s

    async def _flush(self) -> None:
        if not self._held:
            return
        data = b"".join(self._held)
        self._held.clear()
        size = self._reply.chunk_bytes or len(data)
        for start in range(0, len(data), size):
            await self._write(data[start : start + size])
        self._wrote(self._characters, self._tokens)


def pick(value: float | None, default: float) -> float:
    """Return what the reply says, or else the server's pace."""
    return default if value is None else value
