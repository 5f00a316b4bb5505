"""Files of every kind, made here, and a way to hand them in."""

import functools
import io
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.events import Upload
from bot.media import Media, MediaLimits, read

Reader = Callable[..., Awaitable[Media]]


def picture(size: tuple[int, int] = (40, 30), mode: str = "RGB", form: str = "PNG", **options: Any) -> bytes:
    """Return an image file: its left half is dark, its upper right corner bright."""
    image = Image.new("RGB", size, (200, 120, 40))
    image.paste((10, 20, 30), (0, 0, size[0] // 2, size[1]))
    image.paste((250, 250, 250), (size[0] - max(1, size[0] // 4), 0, size[0], max(1, size[1] // 4)))
    return saved(image.convert(mode), form, **options)


@functools.cache
def noise(size: tuple[int, int], mode: str = "RGB", form: str = "PNG") -> bytes:
    """Return an image file that hardly compresses."""
    return saved(Image.effect_noise(size, 80).convert(mode), form)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


@functools.cache
def animated(form: str, frames: int = 3) -> bytes:
    images = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")] * (frames // 3)
    return saved(images[0], form, save_all=True, append_images=images[1:])


def turned(orientation: int, form: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a picture that lies on its side and says so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return picture(size, form=form, exif=exif)


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png_claiming(width: int, height: int, body: bytes = b"") -> bytes:
    """Return a PNG whose header says any size, and whose pixels are few."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    pixels = zlib.compress(body or b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def pdf(pages: int = 1, *, packed: bool = False, extra: bytes = b"") -> bytes:
    """Return the text of a PDF; `packed`: its pages stand in a compressed object stream."""
    objects = b"".join(b"<< /Type /Page /Parent 2 0 R >>\n" for _ in range(pages))
    objects += b"<< /Type /Pages /Count %d >>" % pages
    if packed:
        objects = b"5 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\r\n" + zlib.compress(objects)
        objects += b"\nendstream\nendobj"
    return b"%PDF-1.7\n" + objects + b"\ntrailer << " + extra + b" >>\nstartxref\n9\n%%EOF\n"


def opened(media: Media) -> Image.Image:
    image = Image.open(io.BytesIO(media.data))
    image.load()
    return image


@pytest.fixture
def hand_in() -> Reader:
    async def handed_in(data: bytes, name: str = "file", media_type: str = "", **limits: Any) -> Media:
        return await read(data, Upload("1", name, "", media_type, len(data)), MediaLimits(**limits))

    return handed_in
