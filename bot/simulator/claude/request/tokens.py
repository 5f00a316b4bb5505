"""What a request costs, and how much of it is in the prompt cache. An estimate, the same every time for the same text.

A request is a row of segments (tools, system, messages' blocks, in this order, as the cache sees them); a breakpoint
caches all segments up to it. Source: Claude docs, build-with-claude/prompt-caching.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.simulator.claude.request import pictures
from bot.simulator.claude.request.blocks import pdf_pages
from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.models import Model
from bot.simulator.claude.request.pictures import PictureReader
from bot.simulator.claude.request.signatures import canonical

LOOKBACK_SEGMENTS = 20
TTL_S = {"5m": 300.0, "1h": 3600.0}
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_PDF_PAGE = 2000


def text_tokens(text: str) -> int:
    """Return the estimate for a text: one token for each four bytes of UTF-8, rounded up."""
    return tokens_in(len(text.encode(errors="surrogatepass")))


def tokens_in(size_bytes: int) -> int:
    """Return the estimate for so many bytes of text."""
    return -(-size_bytes // 4)


@dataclass(frozen=True, slots=True)
class Segment:
    """One cacheable piece of a request. `digest`: of everything up to and with it. `ttl`: "" is no breakpoint."""

    digest: bytes
    tokens: int
    ttl: str


class Counter:
    """Counts tokens for one model; images and PDFs by their real size."""

    def __init__(self, reader: PictureReader, model: Model) -> None:
        self._reader = reader
        self._model = model

    def segments(self, body: Mapping[str, Any], messages: Sequence[Json]) -> list[Segment]:
        """Return a checked request's segments in the order of the cache."""
        rows: list[tuple[object, int, str]] = [
            (tool, text_tokens(json.dumps(tool, ensure_ascii=False)), _ttl(tool)) for tool in body.get("tools") or []
        ]
        system = body.get("system") or []
        system = [{"type": "text", "text": system}] if isinstance(system, str) else system
        rows += [(block, text_tokens(block["text"]), _ttl(block)) for block in system]
        manner = [body.get("thinking"), (body.get("output_config") or {}).get("effort")]
        for message in messages:
            overhead = _TOKENS_PER_MESSAGE
            for block in message["content"]:
                rows.append(([message["role"], manner, block], self.block(block) + overhead, _ttl(block)))
                overhead = 0
        if body.get("cache_control") is not None and rows:
            content, count, _ = rows[-1]
            rows[-1] = (content, count, _ttl(body))
        return _chain(self._model.id, rows)

    def block(self, block: Mapping[str, Any]) -> int:
        """Return what one content block costs."""
        kind = block.get("type")
        if kind == "text":
            return text_tokens(block["text"])
        if kind == "image":
            return pictures.tokens(self._reader.read(block["source"]["data"], "image"), self._model)
        if kind == "document":
            return self._document(block["source"])
        if kind == "tool_result":
            return 8 + self._nested(block.get("content") or "")
        if kind == "thinking":
            return text_tokens(block["thinking"]) + 8
        return text_tokens(json.dumps(block, ensure_ascii=False))

    def _document(self, source: Json) -> int:
        if source["type"] == "base64":
            return _TOKENS_PER_PDF_PAGE * pdf_pages(source["data"], "document")
        return self._nested(source["data"] if source["type"] == "text" else source["content"])

    def _nested(self, content: Any) -> int:
        if isinstance(content, str):
            return text_tokens(content)
        return sum(self.block(block) for block in content)


def _ttl(holder: Mapping[str, Any]) -> str:
    control = holder.get("cache_control")
    return str(control.get("ttl") or "5m") if control else ""


def _chain(seed: str, rows: Sequence[tuple[object, int, str]]) -> list[Segment]:
    digest = hashlib.sha256(seed.encode())
    segments = []
    for content, count, ttl in rows:
        digest.update(canonical(content))
        segments.append(Segment(digest.digest(), count, ttl))
    return segments


@dataclass(frozen=True, slots=True)
class Input:
    """The input side of usage, in tokens; `total` is what count_tokens says."""

    uncached: int
    read: int = 0
    created_5m: int = 0
    created_1h: int = 0

    @property
    def total(self) -> int:
        """All input tokens, cached or not."""
        return self.uncached + self.read + self.created_5m + self.created_1h


class PromptCache:
    """What earlier requests left in the cache, by the digest of the prefix, until its time is over."""

    def __init__(self, minimum_tokens: int | None = None) -> None:
        self._minimum = minimum_tokens
        self._until_s: dict[bytes, tuple[float, float]] = {}  # digest → (expires at, lives for)

    def use(self, segments: Sequence[Segment], model: Model, now_s: float) -> Input:
        """Return what is read and written for a request that starts now, and write it."""
        minimum = model.cache_minimum if self._minimum is None else self._minimum
        ends = [index + 1 for index, segment in enumerate(segments) if segment.ttl]
        ends = [end for end in ends if _sum(segments[:end]) >= minimum]
        if not ends:
            return Input(_sum(segments))
        known = max((self._longest(segments, end, now_s) for end in ends), default=0)
        if known:
            self._refresh(segments[known - 1].digest, now_s)
        created = {"5m": 0, "1h": 0}
        start = known
        for end in ends:
            if end > start:
                segment = segments[end - 1]
                created[segment.ttl] += _sum(segments[start:end])
                self._until_s[segment.digest] = (now_s + TTL_S[segment.ttl], TTL_S[segment.ttl])
                start = end
        return Input(_sum(segments[start:]), _sum(segments[:known]), created["5m"], created["1h"])

    def _longest(self, segments: Sequence[Segment], end: int, now_s: float) -> int:
        for length in range(end, max(0, end - LOOKBACK_SEGMENTS), -1):
            if self._until_s.get(segments[length - 1].digest, (0.0, 0.0))[0] > now_s:
                return length
        return 0

    def _refresh(self, digest: bytes, now_s: float) -> None:
        lives_s = self._until_s[digest][1]
        self._until_s[digest] = (now_s + lives_s, lives_s)


def _sum(segments: Sequence[Segment]) -> int:
    return sum(segment.tokens for segment in segments)
