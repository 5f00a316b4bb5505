"""What an image's container says about it, read without decoding anything: a bomb is recognised by its header.

Each reader also goes to the end of the picture, so that a truncated file is noticed here and not by the API, which
would refuse the whole request. Formats: PNG (w3.org/TR/png-3), JPEG (ITU-T T.81), GIF89a, WebP (RFC 9649).
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.media.formats.kinds import DAMAGED, Unreadable


@dataclass(frozen=True, slots=True)
class Header:
    """A picture's stored size, before it is turned according to `orientation` (EXIF, 1 to 8).

    `plain`: of a kind that every decoder reads (a JPEG in grey or YCbCr, baseline or progressive).
    """

    width: int
    height: int
    orientation: int = 1
    animated: bool = False
    plain: bool = True


def read_header(data: bytes, media_type: str) -> Header:
    """Return the header of a PNG, JPEG, GIF or WebP. Raise `Unreadable` if it is damaged or incomplete."""
    try:
        header = _READERS[media_type](data)
    except (IndexError, _Cut):
        raise Unreadable(DAMAGED, f"header of {media_type}") from None
    if not (header.width and header.height):
        raise Unreadable(DAMAGED, f"{media_type} without a size")
    return header


class _Cut(Exception):  # noqa: N818
    """The file does not continue as its format requires."""


def _number(data: bytes, at: int, size: int, order: str = "big") -> int:
    if at + size > len(data):
        raise _Cut
    return int.from_bytes(data[at : at + size], "little" if order == "little" else "big")


def _png(data: bytes) -> Header:
    chunks = dict(_png_chunks(data))
    if b"IHDR" not in chunks or b"IDAT" not in chunks:
        raise _Cut
    at = chunks[b"IHDR"]
    orientation = _orientation(data[chunks[b"eXIf"] :][:_EXIF_BYTES]) if b"eXIf" in chunks else 1
    return Header(_number(data, at, 4), _number(data, at + 4, 4), orientation, animated=b"acTL" in chunks)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield each chunk's type and where its data begins, up to the end of the picture."""
    view, at, kind = memoryview(data), 8, b""
    while kind != b"IEND":
        size = _number(data, at, 4)
        if zlib.crc32(view[at + 4 : at + 8 + size]) != _number(data, at + 8 + size, 4):
            raise _Cut
        kind = data[at + 4 : at + 8]
        yield kind, at + 8
        at += 12 + size


_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE = frozenset({0x01, *range(0xD0, 0xD8)})


def _jpeg(data: bytes) -> Header:
    at, orientation, frame = 2, 1, None
    while True:
        if data[at] != 0xFF:
            raise _Cut
        kind = data[at + 1]
        if kind == 0xFF:  # padding
            at += 1
            continue
        if kind in _LONE:
            at += 2
            continue
        size = _number(data, at + 2, 2)
        if kind == 0xDA:
            break
        if kind in _SIZES:
            frame = (_number(data, at + 7, 2), _number(data, at + 5, 2), kind in {0xC0, 0xC1, 0xC2}, data[at + 9])
        elif kind == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _orientation(data[at + 10 : at + 2 + size])
        at += 2 + max(size, 2)
    if frame is None or data.rfind(b"\xff\xd9", at) < 0:
        raise _Cut
    width, height, usual, components = frame
    return Header(width, height, orientation, plain=usual and components in {1, 3})


def _gif(data: bytes) -> Header:
    at = 13 + _palette_bytes(data[10])
    frames = 0
    while frames < 2 and at < len(data) and data[at] != 0x3B:
        if data[at] == 0x21:
            at = _after_blocks(data, at + 2)
        elif data[at] == 0x2C:
            at = _after_blocks(data, at + 11 + _palette_bytes(data[at + 9]))
            frames += 1
        else:
            raise _Cut
    if not frames:
        raise _Cut
    return Header(_number(data, 6, 2, "little"), _number(data, 8, 2, "little"), animated=frames > 1)


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _webp(data: bytes) -> Header:
    if _number(data, 4, 4, "little") + 8 > len(data):
        raise _Cut
    chunks = dict(_webp_chunks(data))
    if b"VP8X" in chunks:
        at = chunks[b"VP8X"]
        width, height = (_number(data, at + offset, 3, "little") + 1 for offset in (4, 7))
        exif = data[chunks[b"EXIF"] :][:_EXIF_BYTES].removeprefix(b"Exif\0\0") if b"EXIF" in chunks else b""
        return Header(width, height, _orientation(exif), animated=b"ANIM" in chunks)
    if b"VP8L" in chunks:
        bits = _number(data, chunks[b"VP8L"] + 1, 4, "little")
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if b"VP8 " not in chunks:
        raise _Cut
    at = chunks[b"VP8 "]
    width, height = (_number(data, at + offset, 2, "little") & 0x3FFF for offset in (6, 8))
    return Header(width, height)


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    at, end = 12, _number(data, 4, 4, "little") + 8
    while at + 8 <= end:
        yield data[at : at + 4], at + 8
        size = _number(data, at + 4, 4, "little")
        at += 8 + size + size % 2


_READERS: dict[str, Callable[[bytes], Header]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}

_EXIF_BYTES = 65536
_ORIENTATION_TAG = 0x0112


def _orientation(exif: bytes) -> int:
    """Return how a picture is to be turned (1: not at all), even if its EXIF makes no sense."""
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[:4])
    if order is None:
        return 1
    try:
        directory = _number(exif, 4, 4, order)
        for entry in range(min(_number(exif, directory, 2, order), 200)):
            at = directory + 2 + 12 * entry
            if _number(exif, at, 2, order) == _ORIENTATION_TAG:
                value = _number(exif, at + 8, 2, order)
                return value if 1 <= value <= 8 else 1
    except _Cut:
        return 1
    return 1
