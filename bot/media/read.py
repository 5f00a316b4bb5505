"""One downloaded file → what Claude is shown of it, or why it is not."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from bot.errors import MediaError
from bot.events import Upload
from bot.media.header import Header, read_header
from bot.media.kinds import PDF, PILLOW_NAMES, TAKEN, TEXT, Unreadable, kind_of, text_of
from bot.media.names import called
from bot.media.pdf import check_pdf
from bot.media.shrink import Order, Reduced, shrink, too_many_pixels


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """How much of a file is read and sent; sizes in bytes before base64 encoding, edges in pixels.

    From platform.claude.com, build-with-claude/vision and pdf-support: an image may have 10 MB in base64 and 8000 px a
    side, 2000 px among more than twenty; beyond 1568 px the standard models see no more. A PDF may have 100 pages on
    models with the smaller context, and a whole request 32 MB. The pixels and the text are our own limits.
    """

    long_edge_px: int = 1568
    max_pixels: int = 40_000_000
    image_bytes: int = 7_500_000
    document_bytes: int = 16_000_000
    document_pages: int = 100
    text_bytes: int = 256_000
    reduce_memory_bytes: int = 768_000_000
    reduce_time_s: float = 10.0


DEFAULT_LIMITS = MediaLimits()


@dataclass(frozen=True, slots=True)
class Media:
    """A file as Claude may be shown it. `width` and `height` are an image's, in pixels.

    `media_type` is one of Claude's four image types, application/pdf or text/plain (then `data` is UTF-8).
    `note`: "", or one sentence for the reader that says what was done to it.
    """

    kind: Literal["image", "document", "text"]
    media_type: str
    data: bytes
    name: str
    width: int | None = None
    height: int | None = None
    note: str = ""


async def read(data: bytes, upload: Upload, limits: MediaLimits = DEFAULT_LIMITS) -> Media:
    """Return what Claude is shown of a file. Its bytes decide what it is; its name and declared type decide nothing.

    An image that fits goes as it is. One that is too large, of a type Claude does not take, animated (the first frame
    is shown) or lying on its side is decoded in a process of its own. The event loop is never held up.
    Raises `MediaError`, whose sentence names the file and the reason.
    """
    try:
        found = await asyncio.to_thread(_inspect, data, upload, limits)
        return found if isinstance(found, Media) else await _image(data, found, upload.name, limits)
    except Unreadable as problem:
        raise MediaError(f"I cannot use {called(upload.name)}: {problem.reason}.", problem.detail) from None


@dataclass(frozen=True, slots=True)
class _Picture:
    """An image before it is read; `header` of those types that Claude takes."""

    media_type: str
    header: Header | None


def _inspect(data: bytes, upload: Upload, limits: MediaLimits) -> Media | _Picture:
    """Say what a file is; everything but an image is complete with that. Runs in a thread: some files are long."""
    media_type = kind_of(data)
    if media_type == PDF:
        if len(data) > limits.document_bytes:
            raise Unreadable(f"the PDF is larger than {limits.document_bytes / 1_000_000:g} MB")
        check_pdf(data, limits.document_pages)
        return Media("document", PDF, data, upload.name)
    if media_type == TEXT:
        text = text_of(data, limits.text_bytes)
        otherwise = upload.media_type.startswith("image/") or upload.media_type == PDF
        note = f"I read {called(upload.name)} as text, for that is what it holds." if otherwise else ""
        return Media("text", TEXT, text.encode(), upload.name, note=note)
    return _Picture(media_type, read_header(data, media_type) if media_type in TAKEN else None)


async def _image(data: bytes, picture: _Picture, name: str, limits: MediaLimits) -> Media:
    header = picture.header
    if header and header.width * header.height > limits.max_pixels:
        raise too_many_pixels(header.width, header.height, limits.max_pixels)
    if header and _fits(header, len(data), limits):
        return Media("image", picture.media_type, data, name, header.width, header.height)
    order = Order(
        PILLOW_NAMES[picture.media_type],
        limits.long_edge_px,
        limits.max_pixels,
        limits.image_bytes,
        limits.reduce_memory_bytes,
        limits.reduce_time_s,
    )
    made = await shrink(data, order)
    return Media("image", made.media_type, made.data, name, *made.size, _note(called(name), made))


def _fits(header: Header, size_bytes: int, limits: MediaLimits) -> bool:
    small = max(header.width, header.height) <= limits.long_edge_px and size_bytes <= limits.image_bytes
    return small and header.plain and header.orientation == 1 and not header.animated


def _note(name: str, made: Reduced) -> str:
    sizes = f"reduced from {made.was[0]} × {made.was[1]} to {made.size[0]} × {made.size[1]} pixels"
    if made.frames:
        return f"I see only the first frame of {name}{'' if made.size == made.was else f', {sizes}'}."
    return "" if made.size == made.was else f"{name} was {sizes}."
