"""History ↔ what Claude is sent. The store keeps an image once, by its hash; the history only points to it.

{"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": "…", "tokens": 9, "bytes": 70}}
    in the store
{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "…"}}
    to Claude
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bot.engine.answer.prompt.trim import GONE, HistoryLimits, tokens_of, trimmed
from bot.engine.patience import patiently
from bot.media import estimate_tokens
from bot.ports import History

REQUEST_BYTES = 24_000_000
"""How much of a request may be images and documents. The API's limit is 32 MB for a whole request
(platform.claude.com, vision); the rest is for words."""
REQUEST_FILES = 100
"""How many images and documents one request may hold: the API's limit on models with the smaller context."""

_OURS = frozenset({"said", "line", "asked"})
"""The fields of a block that only the store has; Claude is not sent them."""


async def without_bytes(messages: Sequence[Mapping[str, Any]], store: History) -> list[dict[str, Any]]:
    """Return messages for the store: every embedded image and document is kept as a blob, and pointed to."""
    return [{**message, "content": await _detach_content(message["content"], store)} for message in messages]


async def _detach_content(content: Any, store: History) -> Any:
    if not isinstance(content, list):
        return content
    return [await _detach_block(block, store) for block in content]


async def _detach_block(block: Mapping[str, Any], store: History) -> Mapping[str, Any]:
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "base64":
        return block
    data = base64.b64decode(source["data"])
    sha256 = await patiently(store.keep, data, source["media_type"])
    known = {"tokens": estimate_tokens(block), "bytes": len(data)}
    return {**block, "source": {"type": "blob", "media_type": source["media_type"], "sha256": sha256, **known}}


def sendable(blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return content blocks without the fields that only the store has."""
    return [{key: value for key, value in block.items() if key not in _OURS} for block in blocks]


def room_beside(question: Sequence[Mapping[str, Any]], tokens: int) -> HistoryLimits:
    """Return the room that a question leaves for the history before it, out of so many tokens."""
    sources = [block["source"] for block in question if isinstance(block.get("source"), Mapping)]
    files = [len(source["data"]) for source in sources if source.get("type") == "base64"]
    step = max(1, tokens // 8)  # small differences between questions must not change what is left out
    asked = -(-tokens_of(question) // step) * step
    return HistoryLimits(max(1, tokens - asked), max(0, REQUEST_FILES - len(files)), max(0, REQUEST_BYTES - sum(files)))


async def with_bytes(
    messages: Sequence[Mapping[str, Any]], store: History, room: HistoryLimits
) -> list[dict[str, Any]]:
    """Return messages for Claude that fit the room: every blob embedded again, or a sentence in its place."""
    return await embedded(trimmed(messages, room), store)


async def embedded(messages: Sequence[Mapping[str, Any]], store: History) -> list[dict[str, Any]]:
    """Return messages for Claude: every blob embedded again, or a sentence in its place if it is gone."""
    attached: list[dict[str, Any]] = []
    for message in messages:
        content = message["content"]
        if isinstance(content, list):
            content = sendable([await _attach_block(block, store) for block in content])
        attached.append({**message, "content": content})
    return attached


async def _attach_block(block: Mapping[str, Any], store: History) -> Mapping[str, Any]:
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "blob":
        return block
    try:
        data, media_type = await patiently(store.blob, source["sha256"])
    except KeyError:
        return {"type": "text", "text": GONE}
    encoded = base64.b64encode(data).decode("ascii")
    return {**block, "source": {"type": "base64", "media_type": media_type, "data": encoded}}
