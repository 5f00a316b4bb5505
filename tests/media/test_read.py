"""What a file is, its bytes decide; what Claude gets is always within its limits."""

import base64
import io
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.errors import MediaError
from bot.events import Upload
from bot.media import Media, MediaLimits, block_for, read

TURNED = 6


def picture(form: str = "PNG", size: tuple[int, int] = (60, 40), mode: str = "RGB", turned: int = 0) -> bytes:
    data = io.BytesIO()
    exif = Image.Exif()
    if turned:
        exif[0x0112] = turned
    Image.new(mode, size).save(data, form, exif=exif)
    return data.getvalue()


def upload(name: str, media_type: str = "") -> Upload:
    return Upload("1", name, "https://example.com/x", media_type)


async def refused(data: bytes, name: str = "thing.png", limits: MediaLimits | None = None) -> str:
    with pytest.raises(MediaError) as caught:
        await read(data, upload(name), limits)
    assert name in caught.value.sentence
    return caught.value.sentence


def size_of(media: Media) -> tuple[int, int]:
    with Image.open(io.BytesIO(media.data)) as image:
        image.load()
        return image.size


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
async def test_a_picture_claude_takes_stays_as_it_is_whatever_it_is_called(form: str, media_type: str) -> None:
    data = picture(form)
    media = await read(data, upload("report.pdf", "application/pdf"))
    assert (media.kind, media.media_type, media.data, media.note) == ("image", media_type, data, "")
    assert (media.width, media.height) == (60, 40)


@pytest.mark.parametrize("form", ["BMP", "TIFF", "AVIF"])
async def test_other_pictures_are_turned_into_ones_that_claude_takes(form: str) -> None:
    media = await read(picture(form), upload("photo"))
    assert media.media_type in {"image/png", "image/jpeg"}
    assert size_of(media) == (60, 40)


async def test_a_picture_that_was_taken_sideways_is_turned_upright() -> None:
    media = await read(picture("JPEG", turned=TURNED), upload("photo.jpg"))
    assert size_of(media) == (media.width, media.height) == (40, 60)


async def test_a_large_picture_is_reduced_and_the_reader_is_told() -> None:
    media = await read(picture("JPEG", (4000, 3000)), upload("photo.jpg"))
    assert size_of(media) == (1568, 1176)
    assert media.note == "photo.jpg was reduced from 4000×3000 to 1568×1176 pixels."


async def test_a_transparent_picture_stays_transparent() -> None:
    media = await read(picture("PNG", (2000, 100), "RGBA"), upload("logo.png"))
    with Image.open(io.BytesIO(media.data)) as image:
        assert image.mode == "RGBA"


async def test_a_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    assert "million pixels" in await refused(bomb)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_a_truncated_picture_is_refused(form: str) -> None:
    data = io.BytesIO()
    Image.effect_noise((300, 200), 80).convert("RGB").save(data, form)
    assert "damaged" in await refused(data.getvalue()[: len(data.getvalue()) * 2 // 3])


async def test_a_moving_picture_goes_through_as_it_is() -> None:
    data = io.BytesIO()
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "green", "blue")]
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:])
    assert (await read(data.getvalue(), upload("cat.gif"))).data == data.getvalue()


async def test_a_pdf_is_a_document() -> None:
    media = await read(b"%PDF-1.7 ...", upload("paper"))
    assert (media.kind, media.media_type) == ("document", "application/pdf")
    assert block_for(media.media_type, media.data, media.name) == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(media.data).decode()},
        "title": "paper",
    }


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,2\n",
        "naïve “text”".encode("utf-8-sig"),
        "text".encode("utf-16"),
        b"<svg onload='x'/>",
        b"<html>",
    ],
)
async def test_text_of_any_name_is_a_document_with_its_name(data: bytes) -> None:
    media = await read(data, upload("picture.png"))
    block = block_for(media.media_type, media.data, media.name)
    assert (media.kind, block["source"]["type"], block["title"]) == ("text", "text", "picture.png")


@pytest.mark.parametrize(
    "data", [b"\x00\x01binary", b"PK\x03\x04\x14\x00\x00", b"\xff\xfb\x90\x44sound", b"\x89PNG\r\n"]
)
async def test_anything_else_is_left_out_and_named(data: bytes) -> None:
    assert "left out" in await refused(data, "thing.bin")


@pytest.mark.parametrize("data", [b"", b"  \n "])
async def test_an_empty_file_is_left_out(data: bytes) -> None:
    assert "empty" in await refused(data)


async def test_what_is_too_long_is_left_out() -> None:
    limits = MediaLimits(text_bytes=10, pdf_bytes=10)
    assert "at most" in await refused(b"much too long a text", limits=limits)
    assert "at most" in await refused(b"%PDF-much too long", limits=limits)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    width=st.integers(1, 3000),
    height=st.integers(1, 3000),
    form=st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"]),
    mode=st.sampled_from(["RGB", "L", "1", "P"]),
    turned=st.integers(0, 8),
)
async def test_what_goes_to_claude_is_within_its_limits_and_no_smaller_than_needed(
    width: int, height: int, form: str, mode: str, turned: int
) -> None:
    mode = "RGB" if form in {"JPEG", "WEBP"} else mode
    media = await read(
        picture(form, (width, height), mode, turned if form in {"JPEG", "WEBP", "PNG"} else 0), upload("x")
    )
    got = size_of(media)
    assert got == (media.width, media.height)
    assert max(got) == min(max(width, height), 1568)
    assert len(media.data) <= 7_500_000
