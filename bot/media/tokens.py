"""What a block of a request costs, estimated before the call, because budgets are decided before money is spent.

Images are estimated by Claude's own formula; text and PDFs on the high side, because only Claude knows its tokenizer.
Source: platform.claude.com, build-with-claude/vision and pdf-support (August 2026).
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from bot.media.formats.header import read_header
from bot.media.formats.kinds import PDF

PATCH_PX = 28
"""An image costs one token for each square with sides of this many pixels, partial squares included."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a model sees of one image: it is scaled down to this long edge, in pixels, and to this many tokens."""

    edge_px: int
    tokens: int


SIGHT = Sight(2576, 4784)
"""Claude 4.7 and later."""
OLD_SIGHT = Sight(1568, 1568)
"""Claude 4.6 and earlier."""

_PAGE_TEXT_TOKENS = 2250
"""The documentation says 1,500 to 3,000 for the text of a page."""
_PAGE_IMAGE_TOKENS = 1568
"""A page is also shown as an image. Its size is not documented; this is the most that an image costs before Claude
4.7.
"""
_BYTES_PER_TOKEN = 3
"""English has about four bytes per token, code and other languages fewer; Claude 4.7 counts a third more tokens than
its predecessors.
"""


def patches(width: float, height: float) -> int:
    """Return how many squares an image has: its tokens, if a model sees it at this size."""
    return ceil(width / PATCH_PX) * ceil(height / PATCH_PX)


def image_tokens(width: int, height: int, sight: Sight = SIGHT) -> int:
    """Return what an image of this size, in pixels, costs."""
    scale = min(1.0, sight.edge_px / max(width, height))
    return min(patches(width * scale, height * scale), sight.tokens)


def pdf_tokens(pages: int) -> int:
    """Return about what a PDF costs: the text and the image of each page."""
    return max(1, pages) * (_PAGE_TEXT_TOKENS + _PAGE_IMAGE_TOKENS)


def text_tokens(size_bytes: int) -> int:
    """Return about what a text of this many bytes in UTF-8 costs."""
    return ceil(size_bytes / _BYTES_PER_TOKEN)


def estimate_tokens(block: Mapping[str, Any], sight: Sight = SIGHT) -> int:
    """Return about what one content block costs, in tokens: an image, a PDF, a text, or anything else in plain JSON.

    A block whose bytes are stored elsewhere states it itself: `{"source": {"type": "blob", "tokens": 2352, …}}`. The
    size of an image is read from its header, the pages of a PDF from the `context` that `block_for` wrote. Raise
    `ValueError` for a blob without `tokens`; other images and documents must be those that `read` accepted.
    """
    source = block.get("source")
    if not isinstance(source, Mapping):
        return _of_content(block, sight)
    if source.get("type") == "blob":
        if "tokens" not in source:
            raise ValueError("a block without its bytes must say its tokens")
        return int(source["tokens"])
    if source.get("type") == "base64" and source["media_type"] == PDF:
        return pdf_tokens(_pages(block))
    if source.get("type") == "base64":
        return image_tokens(*_size(source), sight)
    return text_tokens(_size_bytes(source.get("data", source))) + text_tokens(_size_bytes(block.get("title", "")))


def _size(source: Mapping[str, Any]) -> tuple[int, int]:
    if source["media_type"] == "image/png":  # the only type that can be large; its size is at the beginning
        head = base64.b64decode(source["data"][:32])
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    header = read_header(base64.b64decode(source["data"]), source["media_type"])
    return header.width, header.height


def _of_content(block: Mapping[str, Any], sight: Sight) -> int:
    """Return about what a block's content costs: a tool's result holds blocks, and of a text only the text counts."""
    content = block.get("content")
    if isinstance(content, list):
        return sum(estimate_tokens(inner, sight) for inner in content)
    return text_tokens(_size_bytes(block.get("text", block)))


def _size_bytes(value: object) -> int:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode(errors="surrogatepass"))


def pages_context(pages: int) -> str:
    """Return what the `context` of a document block says about a PDF."""
    return f"{pages} page{'' if pages == 1 else 's'}"


_CONTEXT = re.compile(r"(\d{1,4}) pages?")
_BYTES_PER_PAGE = 50_000


def _pages(block: Mapping[str, Any]) -> int:
    said = _CONTEXT.fullmatch(block.get("context") or "")
    return int(said[1]) if said else ceil(len(block["source"]["data"]) * 3 / 4 / _BYTES_PER_PAGE)
