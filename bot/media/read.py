"""What a file is and how Claude is shown it."""

import asyncio
import base64
import io
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError

from bot.errors import MediaError
from bot.events import Upload
from bot.media.child import ReduceFailed, reduced
from bot.media.names import called

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
"""What is tried to be read. Everything else Pillow knows nobody posts, and each is a parser more to attack."""
_TAKEN = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
"""What Claude takes as it is, of moving ones the first frame (platform.claude.com, vision)."""
Image.MAX_IMAGE_PIXELS = None  # `MediaLimits.pixels` judges sizes; Pillow's own limit would hide what the file is
_DAMAGED = "the picture is damaged, or takes too much to read."
_CONTROLS = frozenset(range(0x20)) - frozenset(b"\t\n\r\f\x1b")


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Claude's limits and ours. Sides and areas in pixels, sizes in bytes.

    `long_side`: the size to which a larger picture is reduced: what Claude's standard tier sees in full, and small
    enough for any number of pictures in a request (platform.claude.com, vision: 1568; above 20 pictures 2000 each).
    `pixels`: a picture of more is never decoded. `image_bytes`: 10 MB is the limit for base64, which is 4/3 of these.
    """

    long_side: int = 1568
    pixels: int = 50_000_000
    image_bytes: int = 7_000_000
    pdf_bytes: int = 20_000_000
    text_bytes: int = 400_000


@dataclass(frozen=True, slots=True)
class Media:
    """A file as Claude takes it. `width`, `height`: an image's, in pixels. `note`: "" or one sentence for readers."""

    kind: Literal["image", "document", "text"]
    media_type: str
    data: bytes
    name: str
    width: int | None = None
    height: int | None = None
    note: str = ""


async def read(data: bytes, upload: Upload, limits: MediaLimits | None = None) -> Media:
    """Return a file as Claude takes it, never blocking the event loop for long.

    A picture that is too large, turned by EXIF or of another format is made anew; any other stays as it is, byte for
    byte. Raises `MediaError`, whose sentence names the file and the reason.
    """
    limits = limits or MediaLimits()
    name = called(upload.name)
    if not data:
        raise MediaError(f"{name} was left out: it is empty.")
    if data.startswith(b"%PDF-"):
        if len(data) > limits.pdf_bytes:
            raise MediaError(f"{name} was left out: a PDF may have {limits.pdf_bytes // 1_000_000} MB at most.")
        return Media("document", "application/pdf", data, name)
    try:
        look = await asyncio.to_thread(_look, data)
    except UnidentifiedImageError:
        return _text(data, name, limits)
    except Exception as error:  # noqa: BLE001 - a parser fed by strangers may raise anything
        raise MediaError(f"{name} was left out: {_DAMAGED}", type(error).__name__) from None
    return await _image(data, name, look, limits)


@dataclass(frozen=True, slots=True)
class _Look:
    """A picture's header."""

    form: str
    width: int
    height: int


def _look(data: bytes) -> _Look:
    """Read a picture's header and nothing more. Not even its EXIF, for which Pillow decodes a whole PNG."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        return _Look(str(image.format), *image.size)


async def _image(data: bytes, name: str, look: _Look, limits: MediaLimits) -> Media:
    if look.width * look.height > limits.pixels:
        most = limits.pixels // 1_000_000
        raise MediaError(f"{name} was left out: a picture may have {most} million pixels at most.")
    fits = max(look.width, look.height) <= limits.long_side and len(data) <= limits.image_bytes
    may_keep = look.form in _TAKEN and fits
    try:
        made = await reduced(data, limits.long_side, may_keep=may_keep)
    except ReduceFailed as error:
        raise MediaError(f"{name} was left out: {_DAMAGED}", str(error)) from None
    if not made.data:
        return Media("image", _TAKEN[look.form], data, name, look.width, look.height)
    smaller = {made.width, made.height} != {look.width, look.height}
    size = f"from {look.width}×{look.height} to {made.width}×{made.height} pixels"
    note = f"{name} was reduced {size}." if smaller else ""
    return Media("image", made.media_type, made.data, name, made.width, made.height, note)


def _text(data: bytes, name: str, limits: MediaLimits) -> Media:
    """A text of any name: UTF-8, or UTF-16 that says so. Markup such as HTML and SVG is text."""
    try:
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if any(ord(letter) in _CONTROLS for letter in text[:10_000]) or "\0" in text:
        raise MediaError(f"{name} was left out: Claude reads pictures, PDFs and text, and this is something else.")
    if len(data) > limits.text_bytes:
        raise MediaError(f"{name} was left out: a text may have {limits.text_bytes // 1000} kB at most.")
    if not text.strip():
        raise MediaError(f"{name} was left out: it is empty.")
    return Media("text", "text/plain", text.encode(), name)


def block_for(media_type: str, data: bytes, name: str) -> dict[str, Any]:
    """Return the content block that shows Claude a file (platform.claude.com, vision and PDF support)."""
    if media_type == "text/plain":
        source = {"type": "text", "media_type": "text/plain", "data": data.decode()}
        return {"type": "document", "source": source, "title": name[:255]}
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode("ascii")}
    if media_type == "application/pdf":
        return {"type": "document", "source": source, "title": name[:255]}
    return {"type": "image", "source": source}
