"""One downloaded file → what is shown of it to Claude, or the reason why it is not."""

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from bot.errors import MediaError
from bot.events import Upload
from bot.media.decode.pdf import check_pdf
from bot.media.decode.shrink import Order, shrink, too_many_pixels
from bot.media.decode.worker import ProcessLimits, run
from bot.media.formats.header import Header, read_header
from bot.media.formats.kinds import PDF, PILLOW_NAMES, TAKEN, TEXT, Unreadable, kind_of, text_of
from bot.media.names import called
from bot.media.notes import about, note_on
from bot.media.tokens import SIGHT, image_tokens, patches, pdf_tokens, text_tokens

PAGE_MARGIN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """How much of a file is read and sent; sizes in bytes before base64 encoding, edges in pixels.

    From platform.claude.com, build-with-claude/vision and pdf-support: an image may have 10 MB in base64 and 8000 px a
    side, but 2000 px among more than twenty; Claude 4.7 and later see 2576 px and 4784 tokens of it. A PDF may have 100
    pages on models with the smaller context, and a whole request 32 MB. So the limit is 2000 px: a picture is sent
    again with every later turn of its thread, byte for byte the same, among more and more images.

    The rest are our own limits. `max_pixels`: the most that are ever decoded, as many as the largest phone cameras
    have; twice that for all frames of an animation. `sheet_frames` of its first `read_frames` are shown, side by side,
    for `sheet_tokens` in total.
    """

    long_edge_px: int = 2000
    image_tokens: int = SIGHT.tokens
    max_pixels: int = 50_000_000
    image_bytes: int = 7_500_000
    sheet_frames: int = 9
    sheet_tokens: int = 1568
    read_frames: int = 1000
    document_bytes: int = 16_000_000
    document_pages: int = 100
    text_bytes: int = 256_000
    child_memory_bytes: int = 768_000_000
    child_cpu_s: float = 10.0

    @property
    def bounds(self) -> ProcessLimits:
        """What the decoding process may use."""
        return ProcessLimits(self.child_memory_bytes, self.child_cpu_s, self.image_bytes)


DEFAULT_LIMITS = MediaLimits()


@dataclass(frozen=True, slots=True)
class Media:
    """A file that can be shown to Claude. `width` and `height` are an image's, in pixels; `pages` a PDF's.

    `media_type` is one of Claude's four image types, application/pdf or text/plain (then `data` is UTF-8). `note`: one
    sentence for the reader about what was done to the file, or "". `about`: what Claude must be told to understand what
    it sees, or "".
    """

    kind: Literal["image", "document", "text"]
    media_type: str
    data: bytes
    name: str
    width: int | None = None
    height: int | None = None
    note: str = ""
    about: str = ""
    pages: int = 0

    @property
    def tokens(self) -> int:
        """About what the file costs in a request, as `estimate_tokens` computes it for its block."""
        if self.width and self.height:
            return image_tokens(self.width, self.height)
        if self.pages:
            return pdf_tokens(self.pages)
        return text_tokens(len(self.data)) + text_tokens(len(called(self.name).encode()))


async def read(data: bytes, upload: Upload, limits: MediaLimits = DEFAULT_LIMITS) -> Media:
    """Return what Claude is shown of a file. Its bytes decide what it is; its name and declared type decide nothing.

    An image that fits is sent as it is. One that is too large, of a type that Claude does not accept, or lying on its
    side is made anew in a separate process. Up to nine frames of an animation are shown, evenly chosen from first to
    last, side by side in one picture: enough to see what happens, for about the price of one photo. Of a file with
    several pages or photos (TIFF, HEIF) the first one is shown. A PDF is examined in a separate process and sent as it
    is, or not at all. The event loop is never blocked. Raise `MediaError`, whose sentence names the file and the
    reason.

    A spoiler is read like any other upload: the caller knows whether it is wanted.
    """
    try:
        media_type = kind_of(data)
        if media_type == PDF:
            pages = await check_pdf(data, limits.document_bytes, limits.document_pages, limits.bounds)
            return Media("document", PDF, data, upload.name, pages=pages)
        if media_type == TEXT:
            return await asyncio.to_thread(_text, data, upload, limits)
        return await _image(data, media_type, upload.name, limits)
    except Unreadable as problem:
        raise MediaError(f"I cannot use {called(upload.name)}: {problem.reason}.", problem.detail) from None


async def read_page(data: bytes, name: str, limits: MediaLimits = DEFAULT_LIMITS) -> bytes:
    """Return what a reader sees of an HTML page, as text in UTF-8, read in a separate process.

    Raise `MediaError`, whose sentence has the name and the reason.
    """
    bounds = replace(limits.bounds, answer_bytes=3 * len(data) + PAGE_MARGIN_BYTES)
    try:
        _, text = await run("page", data, {}, bounds)
    except Unreadable as problem:
        raise MediaError(f"I cannot use {called(name)}: {problem.reason}.", problem.detail) from None
    return text


def _text(data: bytes, upload: Upload, limits: MediaLimits) -> Media:
    text, encoding = text_of(data, limits.text_bytes)
    name = called(upload.name)
    note = ""
    if upload.media_type.startswith("image/") or upload.media_type == PDF:
        note = f"I read {name} as text, for that is what it holds."
    elif encoding:
        note = f"I read {name} as {encoding}, for it is not UTF-8: some letters may be wrong."
    return Media("text", TEXT, text.encode(), upload.name, note=note)


async def _image(data: bytes, media_type: str, name: str, limits: MediaLimits) -> Media:
    header = await asyncio.to_thread(read_header, data, media_type) if media_type in TAKEN else None
    if header and header.width * header.height > limits.max_pixels:
        raise too_many_pixels(header.width, header.height, limits.max_pixels)
    if header and _fits(header, len(data), limits):
        return Media("image", media_type, data, name, header.width, header.height)
    order = Order(
        PILLOW_NAMES[media_type],
        limits.long_edge_px,
        limits.image_tokens,
        limits.max_pixels,
        limits.image_bytes,
        limits.sheet_frames,
        limits.sheet_tokens,
        limits.read_frames,
    )
    made = await shrink(data, order, limits.bounds)
    return Media("image", made.media_type, made.data, name, *made.size, note_on(called(name), made), about(made))


def _fits(header: Header, size_bytes: int, limits: MediaLimits) -> bool:
    small = max(header.width, header.height) <= limits.long_edge_px and size_bytes <= limits.image_bytes
    cheap = patches(header.width, header.height) <= limits.image_tokens
    return small and cheap and header.plain and header.orientation == 1 and not header.animated
