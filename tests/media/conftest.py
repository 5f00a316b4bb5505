"""Files of every kind, made here, and a way to hand them in."""

import functools
import io
import itertools
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from bot.events import Upload
from bot.media import Media, MediaLimits, read

register_heif_opener()
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
def animated(form: str, frames: int = 3, size: tuple[int, int] = (20, 20), duration: int = 100) -> bytes:
    """Return an animation: red, green, blue, and so on; one frame takes `duration` ms."""
    colours = ["red", "lime", "blue"]
    images = [Image.new("RGB", size, colours[index % 3]) for index in range(frames)]
    for index, image in enumerate(images):  # or else equal ones would become one
        image.putpixel((index % size[0], index // size[0] % size[1]), (index % 256, index // 256, 99))
    options = {} if form in {"TIFF", "HEIF"} else {"duration": duration}
    return saved(images[0], form, save_all=True, append_images=images[1:], **options)


def turned(orientation: int, form: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    """Return a picture that lies on its side and says so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return picture(size, form=form, exif=exif.tobytes() if form == "HEIF" else exif)


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png_claiming(width: int, height: int, body: bytes = b"") -> bytes:
    """Return a PNG whose header says any size, and whose pixels are few."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    pixels = zlib.compress(body or b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zipped(*names: str, content: bytes = b"content") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return data.getvalue()


def pdf(pages: int = 1, *more: bytes, packed: bool = False, trailer: bytes = b"") -> bytes:
    """Return a PDF with `more` objects, numbered from 3 + `pages` on; `packed`: in a compressed object stream."""
    kids = b" ".join(b"%d 0 R" % (3 + page) for page in range(pages))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    tree = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages)
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", tree, *[page] * pages, *more]
    return _packed_pdf(objects, trailer) if packed else _plain_pdf(objects, trailer)


def _plain_pdf(objects: list[bytes], trailer: bytes) -> bytes:
    data, at = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        at.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in at)
    xref = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(at) + 1, table)
    end = b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(at) + 1, trailer, len(data))
    return data + xref + end


def _packed_pdf(objects: list[bytes], trailer: bytes) -> bytes:
    number = len(objects) + 1
    places = list(itertools.accumulate((len(one) + 1 for one in objects), initial=0))
    index = b" ".join(b"%d %d" % pair for pair in enumerate(places[:-1], 1)) + b" "
    body = zlib.compress(index + b" ".join(objects))
    data = b"%%PDF-1.7\n%d 0 obj\n<< /Type /ObjStm /N %d /First %d /Length %d /Filter /FlateDecode >>\n" % (
        number, len(objects), len(index), len(body),
    )  # fmt: skip
    data += b"stream\n" + body + b"\nendstream\nendobj\n"
    rows = [b"\0" * 8] + [b"\x02" + number.to_bytes(4, "big") + at.to_bytes(3, "big") for at in range(len(objects))]
    rows += [b"\x01" + (9).to_bytes(4, "big") + b"\0\0\0", b"\x01" + len(data).to_bytes(4, "big") + b"\0\0\0"]
    about = (number + 1, number + 2, len(rows) * 8, trailer)
    xref = b"%d 0 obj\n<< /Type /XRef /Size %d /Root 1 0 R /W [1 4 3] /Length %d %s >>\nstream\n" % about
    return data + xref + b"".join(rows) + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(data)


def opened(media: Media) -> Image.Image:
    image = Image.open(io.BytesIO(media.data))
    image.load()
    return image


@pytest.fixture
def hand_in() -> Reader:
    async def handed_in(data: bytes, name: str = "file", media_type: str = "", **limits: Any) -> Media:
        return await read(data, Upload("1", name, "", media_type, len(data)), MediaLimits(**limits))

    return handed_in
