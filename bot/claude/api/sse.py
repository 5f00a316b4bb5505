"""The API's stream: bytes → events → the message, pure. The SDK's own helper costs five times the CPU.

Source: Claude docs, build-with-claude/streaming; the WHATWG rules for `text/event-stream`.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from bot.claude.events import Event, Thinking, ToolUse, UsageSoFar
from bot.claude.messages.records import Block, Json, Message, Usage

BYTES_PER_TOKEN = 3.5
"""About how many bytes of UTF-8 are one token, for the output of an answer that broke off."""
BLOCK_TOKENS = 8
"""About how many tokens a block costs besides its text, if it is not a text block."""
THINKING_TOKENS_PER_S = 200
"""For thinking, of which little or nothing is visible: about the fastest that any model writes."""

CUT_INPUT = "the input is cut off or is no valid JSON object"
_COME_IN_DELTAS = ("thinking", "tool_use", "server_tool_use", "mcp_tool_use")
_CUTS = ("max_tokens", "model_context_window_exceeded")


class EventSplitter:
    """Bytes in pieces of any size → the JSON objects of complete events. Lines may end in LF, CR LF or CR."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Json]:
        """Yield the events that are complete now. Raise `ValueError` for data that is not a JSON object."""
        if b"\r" in chunk or self._rest.endswith(b"\r"):
            chunk = self._unify(chunk)
        if b"\n\n" not in self._rest[-1:] + chunk:
            self._rest += chunk
            return
        *whole, self._rest = (self._rest + chunk).split(b"\n\n")
        for event in whole:
            data = event_data(event)
            if data:
                yield parse(data)

    def _unify(self, chunk: bytes) -> bytes:
        """Return the chunk with LF line ends; a CR at its end waits for the LF that may follow."""
        if self._rest.endswith(b"\r"):
            self._rest, chunk = self._rest[:-1], b"\r" + chunk
        held = b"\r" if chunk.endswith(b"\r") else b""
        body = chunk[: len(chunk) - len(held)]
        return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held


def event_data(event: bytes) -> bytes:
    """Return the data of one event ("" for a comment). The event's name is not needed, because the data has a
    `type`.
    """
    lines = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines).strip()


def parse(data: bytes) -> Json:
    """Return one event's JSON object; None for the `[DONE]` that some gateways end with. Raise `ValueError`."""
    if data == b"[DONE]":
        return {"type": "ping"}
    value = json.loads(data.decode())
    if not isinstance(value, dict):
        raise ValueError("an event's data is no JSON object")  # noqa: TRY004 - one kind of error for all bad data
    return value


class ErrorEvent(Exception):  # noqa: N818 - the API's own name for it
    """An error that the API reports in the middle of a stream. `kind`: its type, such as "overloaded_error"."""

    def __init__(self, error: Json) -> None:
        super().__init__(str(error.get("message", "")))
        self.kind = str(error.get("type", "api_error"))
        self.details: Json = error.get("details") or {}


class Accumulator:
    """Events → the message so far. `started`: the first block has been announced.
    `begun`: the first token of it has come. `complete`: the message has ended as it should.

    Text blocks with something else between them are two paragraphs; with `after_text`, so are the first one and the
    text before this message.
    """

    def __init__(self, *, after_text: bool = False, now_s: Callable[[], float] = time.monotonic) -> None:
        self.message: Json = {}
        self.usage: Json = {}
        self.started = False
        self.begun = False
        self.complete = False
        self.bad_inputs: dict[str, str] = {}
        self._blocks: dict[int, Json] = {}
        self._parts: dict[int, list[str]] = {}
        self._open: set[int] = set()
        self._citations: dict[int, list[Json]] = {}
        self._now_s = now_s
        self._thinks_since_s: float | None = None
        self._thinks_s = 0.0
        self._apart = self._said = after_text
        self._apply: dict[str, Callable[[Json], str | Event | None]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._start_block,
            "content_block_stop": self._stop_block,
            "message_start": self._start,
            "message_delta": self._change,
            "message_stop": self._stop,
            "error": self._error,
        }

    def apply(self, event: Json) -> str | Event | None:
        """Apply one event; return the text or the event that it results in, if any. Unknown events are ignored.

        Raise `ErrorEvent`; `LookupError`, `TypeError` or `ValueError` for what is not the API's stream.
        """
        apply = self._apply.get(event["type"])
        return None if apply is None else apply(event)

    def _start(self, event: Json) -> UsageSoFar:
        self.message = dict(event["message"])
        self._use(self.message.pop("usage", None))
        return UsageSoFar(Usage(self.usage))

    def _use(self, given: Json | None) -> None:
        """Take over the counts. They are cumulative: later ones replace earlier ones, and the split by lifetime comes
        only once.
        """
        self.usage.update({name: value for name, value in (given or {}).items() if value is not None})

    def _start_block(self, event: Json) -> str | None:
        self.started = True
        block = {name: value for name, value in event["content_block"].items() if value is not None}
        index = event["index"]
        self._blocks[index], self._parts[index] = block, []
        self._open.add(index)
        if block["type"] == "text":
            return self._text(index, block["text"])
        self._apart = True
        if block["type"] == "thinking":
            self._thinks_since_s = self._now_s()
        self.begun = self.begun or block["type"] not in _COME_IN_DELTAS
        return None

    def _delta(self, event: Json) -> str | Event | None:
        self.begun = True
        delta, index = event["delta"], event["index"]
        kind = delta["type"]
        if kind == "text_delta":
            return self._text(index, delta["text"])
        if kind == "thinking_delta":
            self._parts[index].append(delta["thinking"])
            return Thinking(delta["thinking"]) if delta["thinking"] else None
        if kind == "input_json_delta":
            self._parts[index].append(delta["partial_json"])
        elif kind == "signature_delta":
            self._blocks[index]["signature"] = delta["signature"]
        elif kind == "citations_delta":
            self._citations.setdefault(index, []).append(delta["citation"])
        return None

    def _text(self, index: int, text: str) -> str | None:
        self._parts[index].append(text)
        if not text:
            return None
        self.begun = True
        apart, self._apart = self._apart and self._said, False
        self._said = True
        return f"\n\n{text}" if apart else text

    def _stop_block(self, event: Json) -> ToolUse | None:
        index = event["index"]
        block, joined = self._blocks[index], "".join(self._parts[index])
        self._open.discard(index)
        if block["type"] == "text":
            block["text"] = joined
            if index in self._citations:
                block["citations"] = self._citations[index]
        elif block["type"] == "thinking":
            block["thinking"] = block.get("thinking", "") + joined
            self._thinks_s += self._thought_s()
            self._thinks_since_s = None
        elif block["type"] in ("tool_use", "server_tool_use", "mcp_tool_use"):
            self._read_input(block, joined)
            return ToolUse(block["id"], block["name"], block["input"], server=block["type"] != "tool_use")
        return None

    def _read_input(self, block: Json, joined: str) -> None:
        """Record an input that is incomplete: the API accepts a tool use with an empty input back, but not with half of
        one.
        """
        if not joined:
            return
        try:
            value = json.loads(joined)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self.bad_inputs[block["id"]] = CUT_INPUT
        block["input"] = value if isinstance(value, dict) else {}

    def _change(self, event: Json) -> UsageSoFar:
        self.message.update(event["delta"])
        self._use(event.get("usage"))
        return UsageSoFar(Usage(self.usage))

    def _stop(self, _event: Json) -> None:
        self.end()

    def end(self) -> None:
        """Handle the end of the stream: some servers leave out `message_stop`, but never the stop reason."""
        self.complete = self.complete or self.message.get("stop_reason") is not None

    def _error(self, event: Json) -> None:
        raise ErrorEvent(event.get("error") or {})

    def estimated(self) -> Usage:
        """Return the usage of an answer that broke off: the input is exact, the output is an estimate and marked as
        one.

        Thinking is billed whether it is visible or not; it is estimated from the time it took.
        """
        texts = ["".join(parts) for parts in self._parts.values()]
        size_bytes = sum(len(text.encode(errors="surrogatepass")) for text in texts)
        others = sum(block["type"] != "text" for block in self._blocks.values())
        thoughts = round((self._thinks_s + self._thought_s()) * THINKING_TOKENS_PER_S)
        out = round(size_bytes / BYTES_PER_TOKEN) + others * BLOCK_TOKENS + thoughts
        out = max(1, out)  # some text may be written before a word arrives
        return Usage({**self.usage, "output_tokens": out, "estimated_output_tokens": out})

    def _thought_s(self) -> float:
        """Return how long the open block of thinking has lasted."""
        return 0.0 if self._thinks_since_s is None else self._now_s() - self._thinks_since_s

    def finished(self) -> Message:
        """Return the message; a tool use without a complete input has an empty one and is in `bad_inputs`."""
        for index in sorted(self._open):
            self._stop_block({"index": index})
        blocks: list[Any] = [Block(self._blocks[index]) for index in sorted(self._blocks)]
        if blocks and blocks[-1]["type"] == "tool_use" and self.message.get("stop_reason") in _CUTS:
            last = max(self._blocks)
            if not self._parts[last]:
                self.bad_inputs[blocks[-1]["id"]] = CUT_INPUT
        message = Message({**self.message, "content": blocks, "usage": Usage(self.usage)})
        message.bad_inputs = self.bad_inputs
        return message
