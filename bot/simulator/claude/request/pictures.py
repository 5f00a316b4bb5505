"""What the simulation sees of an image: it really decodes it, so that a wrong type or broken bytes are refused and
its size, type and colour can be told. Limits: Claude docs, build-with-claude/vision (2026-08-22).
"""

import base64
import binascii
import hashlib
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt

from PIL import Image, UnidentifiedImageError

from bot.simulator.claude.request.models import Model
from bot.simulator.claude.request.refusal import Refused

MAX_BASE64_BYTES = 10 * 1024 * 1024
MAX_SIDE_PX = 8000
MAX_SIDE_OF_MANY_PX = 2000
MANY_IMAGES = 20
MAX_IMAGES = 600
MAX_IMAGES_SMALL_CONTEXT = 100
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}

_SAMPLE_PX = 48
_REMEMBERED = 4096
_COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (255, 0, 0), "green": (0, 160, 0),
    "blue": (0, 0, 255), "yellow": (255, 240, 0), "orange": (255, 140, 0), "purple": (128, 0, 160),
    "pink": (255, 150, 190), "brown": (120, 70, 20), "cyan": (0, 220, 230), "magenta": (255, 0, 255),
    "lime": (0, 255, 0), "navy": (0, 0, 110), "maroon": (120, 0, 0),
}  # fmt: skip
_PLAIN = {"lime": "green", "navy": "blue", "maroon": "red"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image: its size, real type (`PNG`, `JPEG`, `GIF`, `WEBP`) and most frequent colour."""

    width_px: int
    height_px: int
    format: str
    colour: str
    colour_hex: str

    def __str__(self) -> str:
        return f"{self.width_px}×{self.height_px} {self.format}, mostly {self.colour} ({self.colour_hex})"

    @property
    def longest_px(self) -> int:
        """The longer side."""
        return max(self.width_px, self.height_px)


class PictureReader:
    """Reads images, each once: a conversation sends its images again with every turn."""

    def __init__(self) -> None:
        self._known: dict[bytes, Picture] = {}

    def read(self, data: str, where: str) -> Picture:
        """Return what base64 `data` shows. Raise `Refused` naming `where` if it is no image the API takes."""
        if len(data) > MAX_BASE64_BYTES:
            raise Refused(f"{where}: image exceeds 10 MB maximum: {len(data)} bytes > {MAX_BASE64_BYTES} bytes")
        digest = hashlib.sha256(data.encode()).digest()
        picture = self._known.get(digest)
        if picture is None:
            picture = _decode(decode_base64(data, f"{where}.data"), where)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[digest] = picture
        return picture


def decode_base64(data: str, where: str) -> bytes:
    """Return the bytes of strict base64. Raise `Refused` naming `where`."""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"{where}: Invalid base64 data") from None


def _decode(data: bytes, where: str) -> Picture:
    try:
        with Image.open(BytesIO(data)) as image:
            if image.format not in MEDIA_TYPES:
                raise Refused(f"{where}: Could not process image")
            width_px, height_px, name = image.width, image.height, image.format
            if max(width_px, height_px) > MAX_SIDE_PX:  # too large to be worth decoding; refused with all others
                return Picture(width_px, height_px, name, "unseen", "#000000")
            return Picture(width_px, height_px, name, *_colour(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Picture(MAX_SIDE_PX + 1, MAX_SIDE_PX + 1, "PNG", "unseen", "#000000")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):  # what Pillow raises for broken files
        raise Refused(f"{where}: Could not process image") from None


def _colour(image: Image.Image) -> tuple[str, str]:
    """Return the name that most pixels of a small copy have, and the mean of those pixels."""
    image.draft("RGB", (_SAMPLE_PX, _SAMPLE_PX))
    flat = image.convert("RGBA")
    flat.thumbnail((_SAMPLE_PX, _SAMPLE_PX), Image.Resampling.BOX)
    ground = Image.new("RGBA", flat.size, "white")
    ground.alpha_composite(flat)
    counted = ground.convert("RGB").getcolors(_SAMPLE_PX * _SAMPLE_PX) or []
    pixels = [(count, _rgb(value)) for count, value in counted]
    names: Counter[str] = Counter()
    for count, rgb in pixels:
        names[colour_name(rgb)] += count
    name = names.most_common(1)[0][0]
    same = [(count, rgb) for count, rgb in pixels if colour_name(rgb) == name]
    total = sum(count for count, _ in same)
    mean = [round(sum(count * rgb[channel] for count, rgb in same) / total) for channel in range(3)]
    return name, "#{:02x}{:02x}{:02x}".format(*mean)


def _rgb(value: object) -> tuple[int, int, int]:
    assert isinstance(value, tuple)  # an RGB image's colours are triples
    return value[0], value[1], value[2]


def colour_name(rgb: tuple[int, int, int]) -> str:
    """Return the plain English name nearest to a colour."""
    nearest = min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], rgb, strict=True)))
    return _PLAIN.get(nearest, nearest)


def tokens(picture: Picture, model: Model) -> int:
    """Return what an image costs: one token for each 28×28 px after scaling down to what the model sees."""
    scale = min(1.0, model.image_edge_px / picture.longest_px)
    width_px, height_px = picture.width_px * scale, picture.height_px * scale
    count = ceil(width_px / 28) * ceil(height_px / 28)
    if count > model.image_tokens:
        shrink = sqrt(model.image_tokens / count)
        count = max(1, int(width_px * shrink / 28)) * max(1, int(height_px * shrink / 28))
    return min(count, model.image_tokens)


def check_sides(pictures: list[tuple[str, Picture]]) -> None:
    """Raise `Refused` with every path over the side limit: 8000 px, or 2000 px each if there are more than 20."""
    many = len(pictures) > MANY_IMAGES
    limit_px = MAX_SIDE_OF_MANY_PX if many else MAX_SIDE_PX
    paths = [path for path, picture in pictures if picture.longest_px > limit_px]
    if paths:
        raise Refused(
            f"{paths[0]}.image.source.base64.data: At least one of the image dimensions exceed max allowed size"
            f"{' for many-image requests' if many else ''}: {limit_px} pixels",
            details={"error_code": "image_dimensions_too_large", "max_side_length_pixels": limit_px, "paths": paths},
        )
