"""Turns one picture into one that Claude accepts. Runs in the process of `main.py`; imports nothing of the bot.

`work` is given the file's bytes and an order, described by `shrink.Order`.
"""

import io
from bisect import bisect_right
from importlib import import_module
from math import ceil
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
_PHOTOS = {"JPEG", "AVIF", "HEIF"}
_PNG_BYTES = 1_500_000
"""A larger PNG is a photo: as a JPEG it has a fraction of the size and looks the same."""
_MOVING = {"GIF", "PNG", "WEBP", "AVIF"}
_PAGED = {"TIFF", "HEIF"}
"""The formats whose second frame belongs to an animation, or is another picture. In a JPEG it is a preview of the same
picture.
"""
_PATCH_PX = 28
"""The same as `tokens.PATCH_PX`, because this process imports nothing of the bot."""
_GAP_PX = 8
_GROUND = (200, 200, 200)
"""The colour between frames and behind transparent parts: both white and black are visible on it."""


_NEEDS = {
    "JPEG": ["PIL.MpoImagePlugin"],
    "GIF": ["copy"],
    "WEBP": ["PIL.WebPImagePlugin"],
    "AVIF": ["PIL.AvifImagePlugin"],
    "HEIF": ["pillow_heif"],
    "TIFF": ["PIL.ImageCms"],
}
"""The modules that Pillow would load on demand for pictures of a format, besides those for any picture."""


def prepare(order: dict[str, Any]) -> None:
    """Load what a picture of this format needs, and limit its decoder to one thread: each thread takes memory."""
    Image.preinit()
    for name in [*_NEEDS.get(order["format"], []), "PIL.TiffImagePlugin", "PIL.ImageColor", "PIL.ImagePalette"]:
        module: Any = import_module(name)
        if name == "PIL.AvifImagePlugin":
            module.DEFAULT_MAX_THREADS = 1
        if name == "pillow_heif":
            module.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


def work(data: bytes, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return a description of the new picture and its bytes; nothing is decoded before its size is known."""
    Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit only warns; ours follows
    image = Image.open(io.BytesIO(data), formats=[order["format"]])
    if image.width * image.height > order["max_pixels"]:
        return {"error": "pixels", "width": image.width, "height": image.height}, b""
    frames = getattr(image, "n_frames", 1) if order["format"] in _MOVING | _PAGED else 1
    result: dict[str, Any] = {"frames": frames, "moving": frames > 1 and order["format"] in _MOVING}
    if result["moving"]:
        made, more = _sheet(image, frames, order)
    else:
        made, more = _still(image, order)
    media_type, body, size = _encoded(made, photo=order["format"] in _PHOTOS, max_bytes=order["max_bytes"])
    return {**result, **more, "media_type": media_type, "size": size}, body


def _still(image: Image.Image, order: dict[str, Any]) -> tuple[Image.Image, dict[str, Any]]:
    """Return one picture, turned the right way up, and its description."""
    full, jpeg = image.size, order["format"] == "JPEG"  # a JPEG that contains a preview reports the format MPO
    if jpeg:  # decoded at a half, a quarter or an eighth of the size, if that is still large enough
        image.draft(image.mode, _fitting(full, order["long_edge_px"], order["tokens"]))
    image.load()
    if not jpeg:  # TIFF and AVIF are turned as they are loaded
        full = image.size
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    small = _resized(_usual(image), _fitting(full, order["long_edge_px"], order["tokens"]))
    if turn is not None:
        small = small.transpose(turn)
    return _opaque(small), {"was": full[::-1] if turn in _QUARTERS else full, "shown": 1, "read": 1, "lasts_ms": 0}


def _sheet(image: Image.Image, frames: int, order: dict[str, Any]) -> tuple[Image.Image, dict[str, Any]]:
    """Return some evenly chosen frames of an animation, side by side, and their description.

    Only the frames up to the last one shown are decoded, and no more than the order allows.
    """
    full = image.size
    read = max(1, min(frames, order["read_frames"], order["max_pixels"] * 2 // (full[0] * full[1])))
    shown = min(read, order["sheet_frames"])
    chosen = {round(index * (read - 1) / max(1, shown - 1)) for index in range(shown)}
    columns, rows = _grid(shown, full)
    cell, sheet = _cells(full, columns, rows, order)
    lasts_ms, place = 0.0, 0
    for index in range(read):
        image.seek(index)
        image.load()
        lasts_ms += image.info.get("duration", 0)
        if index in chosen:
            small = _resized(_usual(image), cell).convert("RGBA")
            at = (place % columns * (cell[0] + _GAP_PX), place // columns * (cell[1] + _GAP_PX))
            sheet.paste(small, at, small)
            place += 1
    return sheet, {"was": full, "shown": shown, "read": read, "lasts_ms": round(lasts_ms), "cell": cell}


def _grid(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the columns and rows for pictures of this size: nearly square, with few empty places."""
    grids = [(columns, ceil(count / columns)) for columns in range(1, count + 1)]
    return min(grids, key=lambda grid: grid[0] * grid[1] * max(grid[0] * size[0], grid[1] * size[1]))


def _cells(
    size: tuple[int, int], columns: int, rows: int, order: dict[str, Any]
) -> tuple[tuple[int, int], Image.Image]:
    """Return the size of a frame on the sheet, and the empty sheet."""
    gaps = ((columns - 1) * _GAP_PX, (rows - 1) * _GAP_PX)
    whole = (columns * size[0] + gaps[0], rows * size[1] + gaps[1])
    fitting = _fitting(whole, order["long_edge_px"], order["sheet_tokens"])
    cell = max(1, (fitting[0] - gaps[0]) // columns), max(1, (fitting[1] - gaps[1]) // rows)
    scale = min(cell[0] / size[0], cell[1] / size[1], 1.0)
    cell = max(1, int(size[0] * scale)), max(1, int(size[1] * scale))
    return cell, Image.new("RGB", (columns * cell[0] + gaps[0], rows * cell[1] + gaps[1]), _GROUND)


def _fitting(size: tuple[int, int], long_edge_px: int, tokens: int) -> tuple[int, int]:
    """Return the largest size of this shape, up to the original, within the given edge and tokens."""
    edges = range(1, min(max(size), long_edge_px) + 1)
    return _scaled(size, bisect_right(edges, tokens, key=lambda edge: _tokens(_scaled(size, edge))) or 1)


def _scaled(size: tuple[int, int], long_edge_px: int) -> tuple[int, int]:
    scale = long_edge_px / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _tokens(size: tuple[int, int]) -> int:
    return ceil(size[0] / _PATCH_PX) * ceil(size[1] / _PATCH_PX)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the image at that size, reduced by a whole factor in a quick first step where possible."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.0)


def _usual(image: Image.Image) -> Image.Image:
    """Return the picture as grey, RGB or RGBA with 8 bits per channel."""
    if image.mode in {"L", "RGB", "RGBA"} and "transparency" not in image.info:
        return image
    if image.mode[0] in "IF":  # 16 or 32 bits, or floating point: the darkest value becomes black
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
    assert isinstance(low, float)  # one channel, so not one pair per channel
    assert isinstance(high, float)
    return low, high


def _opaque(image: Image.Image) -> Image.Image:
    """Return the picture without an alpha channel that is opaque everywhere."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def _encoded(image: Image.Image, *, photo: bool, max_bytes: int) -> tuple[str, bytes, tuple[int, int]]:
    """Return media type, bytes and size: a PNG if it is small, otherwise a JPEG; a smaller picture as a last resort."""
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
        image = image.resize(_scaled(image.size, max(1, max(image.size) * 2 // 3)))


def _is_grainy(image: Image.Image) -> bool:
    """Return whether a PNG would be too large, judged by a piece from the middle, because writing all of it takes
    long.
    """
    middle = (image.width // 2, image.height // 2)
    piece = image.crop((middle[0] - 100, middle[1] - 100, middle[0] + 100, middle[1] + 100))
    share = piece.width * piece.height / (image.width * image.height)
    return len(_saved(piece, "PNG")) > _PNG_BYTES * share


def _saved(image: Image.Image, form: str, **options: int) -> bytes:
    body = io.BytesIO()
    image.info = {}  # no colour profile, no comment, no location
    image.save(body, form, **options)
    return body.getvalue()
