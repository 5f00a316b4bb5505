"""A file as Claude receives it: a content block of a user message (platform.claude.com, api/messages)."""

import base64
from typing import Any

from bot.media.formats.kinds import PDF, TAKEN, TEXT
from bot.media.names import called
from bot.media.tokens import pages_context


def block_for(media_type: str, data: bytes, name: str = "", pages: int = 0) -> dict[str, Any]:
    """Return the content block for what `read` made of a file: an image, or a document with the file's name as title.

    `pages`: the pages of a PDF as `read` counted them; the block tells Claude, and `estimate_tokens` reads it there.
    Raise `ValueError` for a media type that Claude does not take.
    """
    if media_type in TAKEN:
        return {"type": "image", "source": _base64(media_type, data)}
    if media_type == PDF:
        context = {"context": pages_context(pages)} if pages else {}
        return {"type": "document", "source": _base64(media_type, data), "title": called(name), **context}
    if media_type == TEXT:
        source = {"type": "text", "media_type": TEXT, "data": data.decode()}
        return {"type": "document", "source": source, "title": called(name)}
    raise ValueError(f"Claude takes no {media_type}")


def _base64(media_type: str, data: bytes) -> dict[str, str]:
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode("ascii")}
