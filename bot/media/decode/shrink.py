"""A picture → one that Claude accepts, made by `reduce.py` in a separate process."""

from dataclasses import asdict, dataclass

from bot.media.decode.worker import ProcessLimits, run
from bot.media.formats.kinds import Unreadable


@dataclass(frozen=True, slots=True)
class Order:
    """What `reduce.py` is to do. `format`: as Pillow names it.

    `tokens`: the most that a picture may cost; `sheet_tokens`: the most for the shown frames of an animation together,
    which are `sheet_frames` of its first `read_frames`. `max_bytes`: the largest size of the new picture.
    """

    format: str
    long_edge_px: int
    tokens: int
    max_pixels: int
    max_bytes: int
    sheet_frames: int
    sheet_tokens: int
    read_frames: int


@dataclass(frozen=True, slots=True)
class Reduced:
    """The result for a picture. `was`: width and height in pixels before; of an animation, those of one frame.

    For a file of several pictures: how many it has (`frames`), how many were decoded (`read`) and are shown; whether it
    is `moving`, then how long the decoded frames last (`lasts_ms`), and how large each is shown (`cell`).
    """

    data: bytes
    media_type: str
    size: tuple[int, int]
    was: tuple[int, int]
    frames: int = 1
    read: int = 1
    shown: int = 1
    moving: bool = False
    lasts_ms: int = 0
    cell: tuple[int, int] = (0, 0)


async def shrink(data: bytes, order: Order, bounds: ProcessLimits) -> Reduced:
    """Return the picture as one that Claude accepts, turned the right way up and within the order's limits.

    Raise `Unreadable`. Afterwards the process has ended, on cancellation too.
    """
    result, body = await run("reduce", data, asdict(order), bounds)
    if result.pop("error", "") == "pixels":
        raise too_many_pixels(result["width"], result["height"], order.max_pixels)
    pairs = {key: (value[0], value[1]) for key, value in result.items() if isinstance(value, list)}
    return Reduced(body, **{**result, **pairs})


def too_many_pixels(width: int, height: int, max_pixels: int) -> Unreadable:
    """Return the refusal of a picture with more pixels than are ever decoded."""
    return Unreadable(f"it has {width} × {height} pixels, and I read {max_pixels // 1_000_000} megapixels at most")
