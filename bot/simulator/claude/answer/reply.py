"""What a test or a demonstration tells the simulated Claude to answer: the words, their timing and their mishaps."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bot.simulator.claude.request.fields import Json

_WORD = re.compile(r"\s*\S{1,24}|\s+$")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it writes, in seconds: until the first delta, and between deltas."""

    first_token_s: float = 0.0
    piece_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in a reply (`error`, `cut`, `end`, `stall`) after how many deltas (-1: before message_start)."""

    kind: str
    after: int


@dataclass(kw_only=True)
class Reply:
    """One scripted answer. Blocks are sent as they stand; only ids and signatures that are missing are filled in.

    `text` or `blocks`: what it says. Blocks are `text` (with `citations` if any), `thinking`, `redacted_thinking`,
    `tool_use` (an `input` that is a string is sent as it is, for broken JSON), `server_tool_use` and results.
    `pieces`: how the text is cut into deltas: a list (one text block; it may stand for `text`), a number of pieces of
    about equal length, or None for about words.
    `stop_reason`: None derives it (tool_use, max_tokens, stop_sequence or end_turn), and text is then cut at
    `max_tokens` and at stop sequences as the API does; a reason given here leaves the text alone.
    `usage`: fields that replace the estimate. `first_token_s`, `piece_s`: None is the server's pace.
    `status` ≥ 400, with `error_type` and `error_message`: an HTTP error. `headers`: more response headers.
    `error_after`, `cut_after`, `end_after`, `stall_after`: after so many deltas (0: before the first, -1: before
    message_start, more than there are: after the last) an `error` event of `error_type`, a connection closed in the
    middle of a chunk, a clean end without message_stop, or silence until the client leaves.
    `gate`: is waited for before the delta with index `gate_at`. `one_write`: as few writes as the above allow.
    `chunk_bytes`: cut what is written into chunks of so many bytes, wherever events and characters end.
    """

    text: str = ""
    blocks: Sequence[Mapping[str, Any]] = ()
    pieces: Sequence[str] | int | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    first_token_s: float | None = None
    piece_s: float | None = None
    status: int = 200
    error_type: str | None = None
    error_message: str | None = None
    error_details: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error_after: int | None = None
    cut_after: int | None = None
    end_after: int | None = None
    stall_after: int | None = None
    gate: asyncio.Event | None = None
    gate_at: int = 0
    one_write: bool = False
    chunk_bytes: int | None = None
    model: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        if self.text and self.blocks:
            raise ValueError("Reply: give `text` or `blocks`, not both")
        if isinstance(self.pieces, int) and self.pieces < 1:
            raise ValueError("Reply: `pieces` is a number of pieces, at least 1")
        if isinstance(self.pieces, str):
            raise ValueError("Reply: `pieces` is a list of texts; wrap the text in a list")  # noqa: TRY004 - one kind
        if isinstance(self.pieces, Sequence):
            self._fit_pieces("".join(self.pieces))
        if len(self._faults()) > 1:
            raise ValueError("Reply: only one of error_after, cut_after, end_after and stall_after")
        if self.chunk_bytes is not None and self.chunk_bytes < 1:
            raise ValueError("Reply: `chunk_bytes` is at least 1")

    def _fit_pieces(self, joined: str) -> None:
        if not self.text and not self.blocks:
            self.text = joined
        texts = [block["text"] for block in self.content() if block["type"] == "text"]
        if texts != [joined]:
            raise ValueError("Reply: `pieces` as a list must join to the reply's one text block")

    def _faults(self) -> list[Fault]:
        given = {"error": self.error_after, "cut": self.cut_after, "end": self.end_after, "stall": self.stall_after}
        return [Fault(kind, after) for kind, after in given.items() if after is not None]

    @property
    def fault(self) -> Fault | None:
        """What goes wrong in the body of this reply, if anything."""
        return next(iter(self._faults()), None)

    def content(self) -> list[Json]:
        """Return the blocks to send."""
        if self.blocks:
            return [dict(block) for block in self.blocks]
        return [{"type": "text", "text": self.text}] if self.text else []

    def cut(self, text: str) -> list[str]:
        """Return one text block's pieces; together they are the text."""
        if self.pieces is None:
            return _WORD.findall(text)
        if isinstance(self.pieces, int):
            return cut_evenly(text, self.pieces)
        return _shorten(self.pieces, len(text))


def cut_evenly(text: str, count: int) -> list[str]:
    """Return `text` in `count` pieces (fewer if it is shorter) whose lengths differ by at most one."""
    count = max(1, min(count, len(text)))
    edges = [len(text) * index // count for index in range(count + 1)]
    return [text[start:end] for start, end in pairwise(edges) if end > start]


def _shorten(pieces: Sequence[str], length: int) -> list[str]:
    """Return the pieces up to a total length: the text may have been cut at max_tokens."""
    kept = []
    for piece in pieces:
        kept.append(piece[:length])
        length -= len(kept[-1])
        if length <= 0:
            break
    return kept
