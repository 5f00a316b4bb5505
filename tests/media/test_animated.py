"""Animations: enough of their frames to tell what happens, in one picture."""

import pytest
from PIL import Image

from bot.errors import MediaError

from .conftest import Reader, animated, opened, saved

NAMES = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (200, 200, 200)}


def colour(image: Image.Image, x: int, y: int) -> str:
    red, green, blue = image.convert("RGB").getpixel((x, y))
    return min(NAMES, key=lambda name: sum(abs(a - b) for a, b in zip(NAMES[name], (red, green, blue), strict=True)))


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
async def test_of_a_short_animation_every_frame_is_shown_in_order(hand_in: Reader, form: str) -> None:
    media = await hand_in(animated(form, 4, (100, 60), 500), "party")
    image = opened(media)
    assert not getattr(image, "is_animated", False)
    assert image.size == (media.width, media.height) == (208, 128)
    seen = [colour(image, 50 + 108 * column, 30 + 68 * row) for row in (0, 1) for column in (0, 1)]
    assert seen == ["red", "green", "blue", "red"]
    assert colour(image, 104, 64) == "grey"
    assert media.note == "party moves, and I see all 4 frames."
    assert media.about == "an animation of 2.0 seconds: all 4 frames, side by side in reading order"


async def test_of_a_long_animation_nine_frames_are_shown_from_the_first_to_the_last(hand_in: Reader) -> None:
    frames = [Image.new("L", (64, 48), 3 * number) for number in range(81)]
    media = await hand_in(saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40), "party.gif")
    image = opened(media).convert("L")
    shown = [image.getpixel((32 + 72 * column, 24 + 56 * row)) for row in range(3) for column in range(3)]
    assert shown == [3 * number for number in range(0, 81, 10)]
    assert media.note == "party.gif moves, and I see 9 of its 81 frames."
    assert (
        media.about == "an animation of 3.2 seconds: 9 of its 81 frames, evenly chosen, side by side in reading order"
    )


async def test_a_large_animation_costs_no_more_than_a_photo(hand_in: Reader) -> None:
    media = await hand_in(animated("WEBP", 10, (1280, 720)), "clip.webp")
    assert media.tokens <= 1568
    assert media.note.startswith("clip.webp moves, and I see 9 of its 10 frames, each reduced from 1280 × 720 to ")


async def test_of_an_endless_animation_the_beginning_is_looked_at(hand_in: Reader) -> None:
    media = await hand_in(animated("GIF", 400), "long.gif", read_frames=30)
    assert media.note == "long.gif moves, and I see 9 of the first 30 of its 400 frames."
    media = await hand_in(animated("GIF", 20, (100, 100)), "big.gif", max_pixels=10_000)
    assert media.note == "big.gif moves, and I see the first 2 of its 20 frames."


async def test_what_is_clear_in_an_animation_is_seen_on_grey(hand_in: Reader) -> None:
    frames = [Image.new("RGBA", (40, 40), (255, 0, 0, 0)) for _ in range(2)]
    frames[1].paste((0, 0, 255, 255), (0, 0, 20, 40))
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    image = opened(await hand_in(data))
    assert [colour(image, 10, y) for y in (20, 68)] == ["grey", "blue"]


async def test_an_animation_that_was_cut_off_is_refused(hand_in: Reader) -> None:
    data = animated("GIF", 30, (100, 60))
    with pytest.raises(MediaError, match="damaged or incomplete"):
        await hand_in(data[: len(data) // 2] + b"\0\0\0;")


@pytest.mark.parametrize("form", ["TIFF", "HEIF"])
async def test_of_several_pictures_in_a_file_the_first_is_shown(hand_in: Reader, form: str) -> None:
    media = await hand_in(animated(form, 3, (64, 64)), "scan")
    image = opened(media)
    assert (image.size, colour(image, 30, 30)) == ((64, 64), "red")
    assert media.note == "I see only the first of the 3 pictures in scan."
    assert media.about == "the first of 3 pictures in this file"
