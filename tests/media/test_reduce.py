"""What is made of a picture is within Claude's limits and no smaller than needed, whatever its size and mode."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.media.reduce import reduce

from .conftest import saved

MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "GIF": ["L", "P", "RGB"],
    "WEBP": ["RGB", "RGBA"],
    "BMP": ["1", "L", "P", "RGB"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"],
    "AVIF": ["RGB", "RGBA"],
}
KINDS = st.sampled_from([(form, mode) for form, modes in MODES.items() for mode in modes])
SIDES = st.one_of(st.integers(1, 400), st.sampled_from([1, 2, 99, 100, 101, 399, 400]))
PICTURES = (KINDS, SIDES, SIDES, st.integers(1, 8), st.sampled_from([500, 3000, 7_500_000]))


@settings(max_examples=100, deadline=None)
@given(*PICTURES)
def test_a_reduced_picture_is_within_the_limits_and_no_smaller_than_needed(
    kind: tuple[str, str], width: int, height: int, orientation: int, max_bytes: int
) -> None:
    check(kind, (width, height), orientation, max_bytes)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(*PICTURES)
def test_a_reduced_picture_is_within_the_limits_and_no_smaller_than_needed_long(
    kind: tuple[str, str], width: int, height: int, orientation: int, max_bytes: int
) -> None:
    check(kind, (width, height), orientation, max_bytes)


def check(kind: tuple[str, str], size: tuple[int, int], orientation: int, max_bytes: int) -> None:
    form, mode = kind
    data = made(form, mode, size, orientation)
    order = {"format": form, "long_edge_px": 100, "max_pixels": 160_000, "max_bytes": max_bytes}
    result, body = reduce(data, order)
    assert "error" not in result
    assert len(body) <= max_bytes or max(result["size"]) == 1
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        assert image.get_format_mimetype() == result["media_type"]
        assert image.size == result["size"]
        assert image.mode in {"L", "RGB", "RGBA"}
        assert not image.getexif()
    shown = size[::-1] if orientation >= 5 and form in {"JPEG", "PNG", "WEBP", "TIFF", "AVIF"} else size
    assert result["was"] == shown
    scale = min(1.0, 100 / max(size))
    if max_bytes > 1_000_000:
        assert result["size"] == tuple(max(1, round(side * scale)) for side in shown)
    assert max(result["size"]) <= 100


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
    if form in {"JPEG", "PNG", "WEBP", "TIFF", "AVIF"}:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    return saved(image, form, **options)
