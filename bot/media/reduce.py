"""Runs as `python reduce.py LONG_SIDE MAY_KEEP`: a picture on standard input, another on standard output.

The first line out is JSON: `media_type`, `width`, `height`. No picture follows if MAY_KEEP is 1 and the one that came
in is whole and upright. On failure, the exit code is 1 and the line says why.
"""

import io
import json
import resource
import sys
import warnings

from PIL import ExifTags, Image, ImageOps

MEMORY_BYTES = 1_500_000_000
CPU_S = 15
_JPEG_QUALITY = 90


def main(long_side: int, *, may_keep: bool) -> int:
    """Read, turn, reduce, write."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # the caller has judged the size
    try:
        with Image.open(io.BytesIO(sys.stdin.buffer.read())) as image:
            if may_keep and _is_upright(image):
                _write(str(image.get_format_mimetype()), image.size, b"")
                return 0
            photo = image.format in {"JPEG", "WEBP", "AVIF", "TIFF"} and not image.has_transparency_data
            image.draft("RGB", (long_side, long_side))  # JPEG: decode no more than is needed
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((long_side, long_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
            _save(upright, photo=photo)
    except Exception as error:  # noqa: BLE001 - a parser fed by strangers may raise anything
        sys.stdout.write(f"{type(error).__name__}\n")
        return 1
    return 0


def _is_upright(image: Image.Image) -> bool:
    """Decode a picture, which tells that it is whole, and say whether its EXIF leaves it as it is."""
    image.load()
    return image.getexif().get(ExifTags.Base.Orientation, 1) in {0, 1}


def _save(image: Image.Image, *, photo: bool) -> None:
    data = io.BytesIO()
    if photo:
        image.convert("RGB").save(data, "JPEG", quality=_JPEG_QUALITY)
    else:
        image.convert("RGBA" if image.has_transparency_data else "RGB").save(data, "PNG")
    _write("image/jpeg" if photo else "image/png", image.size, data.getvalue())


def _write(media_type: str, size: tuple[int, int], data: bytes) -> None:
    head = json.dumps({"media_type": media_type, "width": size[0], "height": size[1]})
    sys.stdout.buffer.write(head.encode() + b"\n" + data)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), may_keep=sys.argv[2] == "1"))
