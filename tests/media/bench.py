"""Pictures per second from upload to request, beside Pillow called plainly in this process, and what a thread of
20 questions about 4 pictures keeps: `python tests/media/bench.py`.
"""

import asyncio
import io
import time

from PIL import Image

from bot.events import Upload
from bot.media import Media, block_for, read

ROUNDS = 6


def photo(form: str, number: int = 0) -> bytes:
    """Return twelve megapixels with soft shapes and a little noise, as a camera makes them."""
    soft = Image.effect_noise((80, 60), 90).resize((4000, 3000), Image.Resampling.BICUBIC)
    grain = Image.effect_noise((4000, 3000), 10)
    image = Image.merge("RGB", (soft, soft.rotate(90 * (number + 1)), Image.blend(soft, grain, 0.5)))
    data = io.BytesIO()
    image.save(data, form, **({"quality": 92} if form == "JPEG" else {"compress_level": 1}))
    return data.getvalue()


async def ours(data: bytes) -> Media:
    media = await read(data, Upload("1", "photo", ""))
    block_for(media.media_type, media.data, media.name)
    return media


def plainly(data: bytes) -> bytes:
    image = Image.open(io.BytesIO(data))
    image.load()
    image.thumbnail((1568, 1568), Image.Resampling.LANCZOS)
    body = io.BytesIO()
    image.convert("RGB").save(body, "JPEG", quality=90)
    return body.getvalue()


async def lateness(ended: asyncio.Event) -> float:
    """Return by how many milliseconds the event loop was late at most until `ended`."""
    worst = 0.0
    while not ended.is_set():
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        worst = max(worst, time.perf_counter() - due)
    return worst * 1000


async def main() -> None:
    print("12 MP |  uploaded |    sent | ours, pictures/s | 2 at once | Pillow plainly | loop late by")
    for form in ("JPEG", "PNG"):
        data = photo(form)
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(lateness(ended))
            start = time.perf_counter()
            for _ in range(ROUNDS):
                media = await ours(data)
            alone = ROUNDS / (time.perf_counter() - start)
            start = time.perf_counter()
            await asyncio.gather(*(ours(data) for _ in range(ROUNDS)))
            both = ROUNDS / (time.perf_counter() - start)
            ended.set()
        start = time.perf_counter()
        for _ in range(ROUNDS):
            plainly(data)
        plain = ROUNDS / (time.perf_counter() - start)
        print(
            f"{form:5} | {len(data) / 1e6:6.1f} MB | {len(media.data) / 1e3:4.0f} kB | {alone:16.1f} | {both:9.1f} |"
            f" {plain:14.1f} | {watch.result():9.1f} ms"
        )
    uploads = [photo("JPEG", number) for number in range(4)]
    kept = {media.data for media in [await ours(data) for data in uploads for _ in range(5)]}
    print(f"a thread of 20 questions about 4 photos ({sum(map(len, uploads)) / 1e6:.1f} MB) keeps", end=" ")
    print(f"{sum(map(len, kept)) / 1e6:.2f} MB of pictures, each once")


asyncio.run(main())
