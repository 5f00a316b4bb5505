"""Pictures for trials: plain colours, so that what was seen can be checked."""

import io

from PIL import Image


def picture(width: int, height: int, colour: str, form: str = "PNG") -> bytes:
    """Return an image file of one colour; sizes in pixels, `form` as Pillow names it (PNG, JPEG, GIF, WEBP)."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, form)
    return data.getvalue()
