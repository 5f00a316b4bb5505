"""History ↔ what Claude is sent. The store keeps an image once, by its hash; the history only points to it.

{"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": "…"}}      in the store
{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "…"}}      to Claude
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bot.ports import Store

REQUEST_BYTES = 24_000_000
"""How much of a request may be images and documents. The API's limit is 32 MB for a whole request
(platform.claude.com, vision); the rest is for words."""
REQUEST_IMAGES = 100
"""How many images and documents one request may hold: the API's limit on models with the smaller context."""

GONE = "(An image or file from earlier in this thread is no longer shown: the thread holds too many.)"


async def detach(messages: Sequence[Mapping[str, Any]], store: Store) -> list[dict[str, Any]]:
    """Return messages for the store: every embedded image and document kept as a blob, and pointed to."""
    return [{**message, "content": await _detach_content(message["content"], store)} for message in messages]


async def _detach_content(content: Any, store: Store) -> Any:
    if not isinstance(content, list):
        return content
    return [await _detach_block(block, store) for block in content]


async def _detach_block(block: Mapping[str, Any], store: Store) -> Mapping[str, Any]:
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "base64":
        return block
    sha256 = await store.keep(base64.b64decode(source["data"]), source["media_type"])
    return {**block, "source": {"type": "blob", "media_type": source["media_type"], "sha256": sha256}}


async def attach(messages: Sequence[Mapping[str, Any]], store: Store) -> list[dict[str, Any]]:
    """Return messages for Claude: every blob embedded again, the newest first within what one request may hold.

    What no longer fits is replaced by a sentence, oldest first, so that Claude knows of it.
    """
    room, places = REQUEST_BYTES, REQUEST_IMAGES
    attached: list[dict[str, Any]] = []
    for message in reversed(messages):
        content = message["content"]
        if isinstance(content, list):
            blocks = []
            for block in reversed(content):
                shown = await _attach_block(block, store, room if places else 0)
                if shown is not block and shown["type"] != "text":
                    room -= len(shown["source"]["data"])
                    places -= 1
                blocks.append(shown)
            content = blocks[::-1]
        attached.append({**message, "content": content})
    return attached[::-1]


async def _attach_block(block: Mapping[str, Any], store: Store, room: int) -> Mapping[str, Any]:
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "blob":
        return block
    try:
        data, media_type = await store.blob(source["sha256"])
    except KeyError:
        return {"type": "text", "text": GONE}
    encoded = base64.b64encode(data).decode("ascii")
    if len(encoded) > room:
        return {"type": "text", "text": GONE}
    return {**block, "source": {"type": "base64", "media_type": media_type, "data": encoded}}
