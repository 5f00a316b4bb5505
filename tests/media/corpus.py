"""Files made to do harm, and what is said of each."""

import os
import random
import struct
import zlib
from dataclasses import dataclass

from .conftest import animated, chunk, noise, pdf, picture, png_claiming, turned, zipped

TOO_MANY = r"\d+ × \d+ pixels, and I read 50 megapixels at most"
DAMAGED = "damaged or incomplete|cannot be decoded"
SHOWN = ""


@dataclass(frozen=True)
class Hostile:
    """A file; what its refusal must match; `SHOWN`: it is harmless as it is read, and so it is shown."""

    name: str
    data: bytes
    refused: str


def corpus() -> list[Hostile]:
    """Return all of them, made anew."""
    return [*_bombs(), *_broken(), *_disguised(), *_pdfs()]


def _bombs() -> list[Hostile]:
    png = picture((40, 30))
    wide = picture((2400, 10))
    note = chunk(b"zTXt", b"note\0\0" + zlib.compress(b"x" * 70_000_000))
    jpeg = picture(form="JPEG")
    sof = b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x11\0\x02\x11\0\x03\x11\0"
    sos = b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0"
    entries = b"\xff\xff" + b"\x12\x34\0\x02\0\0\xff\xff\0\0\0\x08" * 5000
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + entries
    app1 = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return [
        Hostile("PNG of 20000 × 20000", png_claiming(20_000, 20_000), TOO_MANY),
        Hostile("PNG of one long line", png_claiming(50_000_001, 1), TOO_MANY),
        Hostile("PNG that promises more than it has", png_claiming(6000, 6000), DAMAGED),
        Hostile("PNG that has more than it promises", png_claiming(2400, 2400, b"\0" * 30_000_000), SHOWN),
        Hostile("PNG whose note unfolds to 70 MB", wide[:33] + note + wide[33:], DAMAGED),
        Hostile("PNG with an EXIF of a megabyte", png[:33] + chunk(b"eXIf", exif[6:] + entries * 20) + png[33:], SHOWN),
        Hostile("JPEG of 65535 × 65535", jpeg[:2] + sof + sos + b"\xff\xd9", TOO_MANY),
        Hostile("JPEG with a huge EXIF", jpeg[:2] + app1 + jpeg[2:], SHOWN),
        Hostile("GIF of 65535 × 65535", b"GIF89a\xff\xff\xff\xff" + picture(form="GIF")[10:], TOO_MANY),
        Hostile("WebP of 16777216 × 16777216", b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + b"\0" * 4 + b"\xff" * 6, TOO_MANY),
        Hostile("BMP of 30000 × 30000", _claiming(picture(form="BMP"), 18, "<II"), TOO_MANY),
        Hostile("TIFF of 30000 × 30000", _tiff_claiming(), TOO_MANY),
        Hostile("HEIC of 30000 × 30000", _box_claiming(picture(form="HEIF")), f"{TOO_MANY}|{DAMAGED}"),
        Hostile("AVIF of 30000 × 30000", _box_claiming(picture(form="AVIF")), f"{TOO_MANY}|{DAMAGED}"),
        Hostile("GIF of 100000 frames", _gif(100_000, 1, 1), SHOWN),
        Hostile("GIF of 5000 frames of 6000 × 6000", _gif(5000, 6000, 6000), SHOWN),
        Hostile("APNG that promises 4294967295 frames", _apng_claiming(0xFFFFFFFF), SHOWN),
        Hostile("APNG that promises 60 frames of 3", _apng_claiming(60), DAMAGED),
        Hostile("TIFF whose pages go in a circle", _circle(), SHOWN),
    ]


def _claiming(data: bytes, at: int, form: str) -> bytes:
    return data[:at] + struct.pack(form, 30_000, 30_000) + data[at + struct.calcsize(form) :]


def _box_claiming(data: bytes) -> bytes:
    return _claiming(data, data.index(b"ispe") + 8, ">II")


def _tiff_claiming() -> bytes:
    data = bytearray(picture(form="TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    for entry in range(*struct.unpack_from("<H", data, directory)):
        at = directory + 2 + 12 * entry
        if struct.unpack_from("<H", data, at)[0] in {256, 257}:
            struct.pack_into("<HII", data, at + 2, 4, 1, 30_000)
    return bytes(data)


def _gif(frames: int, width: int, height: int) -> bytes:
    size = struct.pack("<HH", width, height)
    frame = b"\x21\xf9\x04\0\x01\0\0\0" + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    return b"GIF89a" + size + b"\x80\0\0" + b"\xff\0\0\0\xff\0" + frame * frames + b";"


def _apng_claiming(frames: int) -> bytes:
    data = animated("PNG", 3)
    at = data.index(b"acTL")
    return data[: at - 4] + chunk(b"acTL", struct.pack(">II", frames, 0)) + data[at + 16 :]


def _circle() -> bytes:
    data = bytearray(picture(form="TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    struct.pack_into("<I", data, directory + 2 + 12 * count, directory)
    return bytes(data)


def _broken() -> list[Hostile]:
    chance = random.Random("broken")
    forms = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF")
    halves = [Hostile(f"half of a {form}", noise((64, 48), form=form)[:700], DAMAGED) for form in forms]
    return [
        *halves,
        Hostile("PNG that becomes a JPEG", picture(form="PNG")[:60] + picture(form="JPEG"), DAMAGED),
        Hostile("JPEG that becomes a PNG", picture(form="JPEG")[:20] + picture(form="PNG"), DAMAGED),
        Hostile("JPEG of noise", b"\xff\xd8\xff\xe0" + chance.randbytes(1_000_000) + b"\xff\xd9", DAMAGED),
        Hostile("HEIC of noise", picture(form="HEIF")[:400] + chance.randbytes(1_000_000), DAMAGED),
        Hostile("a large JPEG, and nothing wrong with it", noise((5000, 4000), form="JPEG"), SHOWN),
        Hostile("a photo on its side, and nothing wrong with it", turned(6, size=(3000, 2000)), SHOWN),
    ]


def _disguised() -> list[Hostile]:
    link = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/latest/meta-data"/></svg>'
    entity = b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><text>&a;</text></svg>'
    return [
        Hostile("SVG with a link", link, SHOWN),  # as the text it is: nothing is followed
        Hostile("SVG with a file of ours", entity, SHOWN),
        Hostile("HTML", b"<!DOCTYPE html><script src='https://evil.example/x.js'></script>", SHOWN),
        Hostile("ZIP", zipped("a.png"), "archive"),
        Hostile("ZIP bomb", zipped("a", content=b"\0" * 1_000_000), "archive"),
        Hostile("program", b"\x7fELF" + os.urandom(1000), "program"),
        Hostile("noise", b"\0" + os.urandom(1_000_000), "know how to read"),
        Hostile("text of 20 MB", b"word " * 4_000_000, "more than 256 kB"),
    ]


def _pdfs() -> list[Hostile]:
    js, launch = b"<< /S /JavaScript /JS (x) >>", b"<< /S /Launch /F (calc.exe) >>"
    file = b"<< /Type /Filespec /EF << /F 5 0 R >> >>"
    deep = b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>"
    long_ago = b"%PDF-1.7\n" + b"1 0 obj\n<< >>\nendobj\n" * 300_000 + b"%%EOF\n"
    stream = zlib.compress(b"<< /Type /Page >> " * 5_000_000, 1)
    packed = b"<< /Type /ObjStm /N 5000000 /First 0 /Length %d /Filter /FlateDecode >>\nstream\n" % len(stream)
    return [
        Hostile("PDF with a script", pdf(1, js), "has scripts in it"),
        Hostile("PDF with a script, packed", pdf(1, js, packed=True), "has scripts in it"),
        Hostile("PDF that starts a program", pdf(1, launch), "would start a program"),
        Hostile("PDF with a file", pdf(1, file), "has other files in it"),
        Hostile("PDF whose pages go in a circle", pdf(1).replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), DAMAGED),
        Hostile("PDF of 5000 page trees, one in the other", pdf(1, *(deep % (5 + n) for n in range(5000))), SHOWN),
        Hostile("PDF that unfolds to 90 MB", pdf(1, packed + stream + b"\nendstream"), f"{SHOWN}|{DAMAGED}"),
        Hostile("PDF of 300000 objects without a table", long_ago, f"{DAMAGED}|too long|no pages"),
        Hostile("PDF of brackets", b"%PDF-1.7\n" + b"[<<" * 1_000_000 + b"\n%%EOF\n", DAMAGED),
        Hostile("PDF with 8 MB of noise", pdf(90) + b"stream" + os.urandom(8_000_000) + b"%%EOF", f"{DAMAGED}|{SHOWN}"),
    ]
