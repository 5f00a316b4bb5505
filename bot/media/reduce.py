"""A process of its own that turns one picture into one that Claude takes, run as `python reduce.py LIMITS`.

Decoders are where hostile pictures do harm. Here they can do little: this process has a limit on its memory and time,
opens no file, and ends after one picture. It is run by its path and imports nothing of the bot, so that it starts in
50 ms. The picture comes on standard input; on standard output go one line of JSON and, if that line has no "error", the
new picture's bytes. LIMITS is JSON, described by `shrink.Order`.
"""

import io
import json
import resource
import sys
from typing import Any

from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTERS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_PHOTOS = {"JPEG", "AVIF"}
_PNG_BYTES = 1_500_000
"""A larger PNG is a photo: as JPEG it is a fraction of that and looks the same."""
_ANIMATED = {"GIF", "PNG", "WEBP", "AVIF", "TIFF"}
"""Where a second frame is one of an animation or a page. In a JPEG it is a preview of the same picture."""


def main() -> None:
    """Read, reduce, write."""
    order = json.loads(sys.argv[1])
    _limit(order["memory_bytes"], order["time_s"])
    try:
        result, body = reduce(sys.stdin.buffer.read(), order)
    except MemoryError:
        result, body = {"error": "memory"}, b""
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises for a broken picture
        result, body = {"error": "damaged", "detail": f"{type(error).__name__}: {error}"[:200]}, b""
    sys.stdout.buffer.write(json.dumps(result).encode() + b"\n" + body)


def _limit(memory_bytes: int, time_s: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    seconds = int(time_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if sys.platform == "linux":  # elsewhere the system does not keep to it, or refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def reduce(data: bytes, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return what was made of a picture and its bytes; nothing is decoded before its size is known."""
    Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit warns only; ours is the next lines
    image = Image.open(io.BytesIO(data), formats=[order["format"]])
    if image.width * image.height > order["max_pixels"]:
        return {"error": "pixels", "width": image.width, "height": image.height}, b""
    jpeg = order["format"] == "JPEG"  # a JPEG with a preview in it calls itself MPO
    frames = order["format"] in _ANIMATED and getattr(image, "is_animated", False)
    full = image.size
    if jpeg:  # decoded at a half, a quarter or an eighth, if that is still large enough
        image.draft(image.mode, _fitting(full, order["long_edge_px"]))
    image.load()
    if not jpeg:  # TIFF and AVIF are turned as they are loaded
        full = image.size
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    small = _usual(image)
    if small.size != _fitting(full, order["long_edge_px"]):
        small = small.resize(_fitting(full, order["long_edge_px"]), Image.Resampling.LANCZOS)
    if turn is not None:
        small = small.transpose(turn)
    media_type, body, size = _encoded(_opaque(small), photo=order["format"] in _PHOTOS, max_bytes=order["max_bytes"])
    was = full[::-1] if turn in _QUARTERS else full
    return {"media_type": media_type, "size": size, "was": was, "frames": frames}, body


def _fitting(size: tuple[int, int], long_edge_px: int) -> tuple[int, int]:
    scale = min(1.0, long_edge_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _usual(image: Image.Image) -> Image.Image:
    """Return the picture as grey, RGB or RGBA with 8 bits a channel."""
    if image.mode in {"L", "RGB", "RGBA"} and "transparency" not in image.info:
        return image
    if image.mode[0] in "IF":  # 16 or 32 bits, or floating point: what is darkest becomes black
        floats = image.convert("F")
        low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else _extremes(floats)
        scale = 255 / ((high - low) or 1)
        return floats.point(lambda value: value * scale - low * scale).convert("L")
    if image.mode == "1":
        return image.convert("L")
    clear = "transparency" in image.info or image.mode in {"LA", "PA", "La", "RGBa", "RGBA"}
    return image.convert("RGBA" if clear else "RGB")


def _extremes(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    assert isinstance(low, float)  # one channel, so not a pair for each
    assert isinstance(high, float)
    return low, high


def _opaque(image: Image.Image) -> Image.Image:
    """Return the picture without an alpha channel that says nothing."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def _encoded(image: Image.Image, *, photo: bool, max_bytes: int) -> tuple[str, bytes, tuple[int, int]]:
    """Return media type, bytes and size: a PNG where that is small, else a JPEG, in the end a smaller picture."""
    if image.mode == "RGBA" or not (photo or _is_grainy(image)):
        body = _saved(image, "PNG")
        if len(body) <= min(_PNG_BYTES, max_bytes):
            return "image/png", body, image.size
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    while True:
        for quality in (90, 75, 50):
            body = _saved(image, "JPEG", quality=quality)
            if len(body) <= max_bytes or max(image.size) == 1:
                return "image/jpeg", body, image.size
        image = image.resize(_fitting(image.size, max(1, max(image.size) * 2 // 3)))


def _is_grainy(image: Image.Image) -> bool:
    """Say whether a PNG would be too large, judged by a piece from the middle: writing all of it takes long."""
    middle = (image.width // 2, image.height // 2)
    piece = image.crop((middle[0] - 100, middle[1] - 100, middle[0] + 100, middle[1] + 100))
    share = piece.width * piece.height / (image.width * image.height)
    return len(_saved(piece, "PNG")) > _PNG_BYTES * share


def _saved(image: Image.Image, form: str, **options: int) -> bytes:
    body = io.BytesIO()
    image.info = {}  # no colour profile, no comment, no place where it was taken
    image.save(body, form, **options)
    return body.getvalue()


if __name__ == "__main__":
    main()
