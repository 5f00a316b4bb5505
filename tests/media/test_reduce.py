"""What is made of a picture is within Claude's limits and no smaller than needed, whatever its size and mode."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.media import MediaLimits, block_for
from bot.media.child.reduce import _cells, _fitting, _grid, _scaled, prepare, work
from bot.media.tokens import patches
from bot.simulator.claude.request.models import MODELS
from bot.simulator.claude.request.pictures import PictureReader, check_sides, tokens

from .conftest import Reader, picture, saved

MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "GIF": ["L", "P", "RGB"],
    "WEBP": ["RGB", "RGBA"],
    "BMP": ["1", "L", "P", "RGB"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"],
    "AVIF": ["RGB", "RGBA"],
    "HEIF": ["L", "RGB", "RGBA"],
}
KINDS = st.sampled_from([(form, mode) for form, modes in MODES.items() for mode in modes])
TURNED = {"JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"}
SIDES = st.one_of(st.integers(1, 400), st.sampled_from([1, 2, 99, 100, 101, 399, 400]))
BYTES, TOKENS = st.sampled_from([500, 3000, 7_500_000]), st.sampled_from([1, 7, 4784])
PICTURES = (KINDS, st.tuples(SIDES, SIDES), st.integers(1, 8), BYTES, TOKENS)
LIMITS = MediaLimits()


@settings(max_examples=100, deadline=None)
@given(*PICTURES)
def test_a_reduced_picture_is_within_the_limits_and_no_smaller_than_needed(
    kind: tuple[str, str], size: tuple[int, int], orientation: int, max_bytes: int, tokens: int
) -> None:
    check(kind, size, orientation, max_bytes, tokens)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(*PICTURES)
def test_a_reduced_picture_is_within_the_limits_and_no_smaller_than_needed_long(
    kind: tuple[str, str], size: tuple[int, int], orientation: int, max_bytes: int, tokens: int
) -> None:
    check(kind, size, orientation, max_bytes, tokens)


def check(kind: tuple[str, str], size: tuple[int, int], orientation: int, max_bytes: int, tokens: int) -> None:
    form, mode = kind
    if form == "HEIF" and mode == "RGBA":
        size = (size[0] + size[0] % 2, size[1] + size[1] % 2)  # its encoder pads an odd alpha plane
    data = made(form, mode, size, orientation)
    limits = {"long_edge_px": 100, "tokens": tokens, "max_pixels": 161_000, "max_bytes": max_bytes}
    prepare({"format": form})
    result, body = work(data, {"format": form, **limits})
    assert "error" not in result
    assert len(body) <= max_bytes or max(result["size"]) == 1
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        assert image.get_format_mimetype() == result["media_type"]
        assert image.size == result["size"]
        assert image.mode in {"L", "RGB", "RGBA"}
        assert not image.getexif()
    shown = size[::-1] if orientation >= 5 and form in TURNED else size
    assert result["was"] == shown
    assert max(result["size"]) <= 100
    assert patches(*result["size"]) <= tokens
    if max_bytes > 1_000_000:
        no_smaller_than_needed(shown, result["size"], 100, tokens)


@pytest.mark.parametrize(("form", "mode"), [(form, mode) for form, modes in MODES.items() for mode in modes])
async def test_every_kind_of_picture_is_read_where_nothing_more_can_be_loaded(
    hand_in: Reader, form: str, mode: str
) -> None:
    media = await hand_in(made(form, mode, (64, 48), 3), long_edge_px=32, image_bytes=2000)
    assert (media.width, media.height) == (32, 24)


def no_smaller_than_needed(size: tuple[int, int], small: tuple[int, int], edge_px: int, tokens: int) -> None:
    edge = max(small)
    assert small == _scaled(size, edge)
    larger = _scaled(size, edge + 1)
    assert edge == max(size) or edge == edge_px or patches(*larger) > tokens


@given(st.integers(1, 60_000), st.integers(1, 60_000))
def test_every_size_is_reduced_to_the_largest_that_claude_takes_and_sees(width: int, height: int) -> None:
    """2000 px: also among more than twenty images. Anything Claude would have to scale down itself is too large."""
    small = _fitting((width, height), LIMITS.long_edge_px, LIMITS.image_tokens)
    assert max(small) <= 2000
    assert patches(*small) <= 4784
    no_smaller_than_needed((width, height), small, 2000, 4784)


@given(st.integers(1, 9), st.integers(1, 9000), st.integers(1, 9000))
def test_the_frames_of_an_animation_fit_side_by_side_and_none_is_enlarged(count: int, width: int, height: int) -> None:
    columns, rows = _grid(count, (width, height))
    assert columns * rows >= count
    order = {"long_edge_px": LIMITS.long_edge_px, "sheet_tokens": LIMITS.sheet_tokens}
    cell, sheet = _cells((width, height), columns, rows, order)
    assert max(sheet.size) <= 2000
    assert cell[0] <= width
    assert cell[1] <= height
    assert patches(*sheet.size) <= LIMITS.sheet_tokens or 1 in cell


@pytest.mark.parametrize("size", [(2000, 2000), (1920, 1080), (5000, 3000), (7000, 100), (1, 3000)])
async def test_what_is_sent_is_taken_among_many_images_and_seen_whole(hand_in: Reader, size: tuple[int, int]) -> None:
    media = await hand_in(picture(size))
    seen = PictureReader().read(block_for(media.media_type, media.data)["source"]["data"], "image")
    check_sides([("image", seen)] * 21)
    assert (seen.width_px, seen.height_px) == (media.width, media.height)
    assert tokens(seen, MODELS["claude-opus-5-5"]) == media.tokens <= 4784


def made(form: str, mode: str, size: tuple[int, int], orientation: int) -> bytes:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    if mode == "LAB":
        image = Image.merge("LAB", image.split())
    elif mode == "I;16":
        image = image.convert("L").convert("I").point(lambda value: value * 257).convert("I;16")
    elif mode in {"I", "F"}:
        image = image.convert("L").convert(mode)
    else:
        image = image.convert(mode)
    options: dict[str, Any] = {}
    if form in TURNED:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif.tobytes() if form == "HEIF" else exif
    return saved(image, form, **options)
