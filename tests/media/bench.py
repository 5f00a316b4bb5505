"""Pictures per second from upload to request, beside Pillow called plainly in this process, and what a thread of
20 questions about 4 pictures keeps on disk: `python tests/media/bench.py`.
"""

import asyncio
import io
import json
import re
import tempfile
import time
from pathlib import Path

from PIL import Image

from bot.engine.answer.prompt.history import without_bytes
from bot.events import Incoming, MessageKey, Outcome, Person, ThreadKey, TurnState, Upload
from bot.media import Media, block_for, read
from bot.store import open_store

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
    image.thumbnail((2000, 2000), Image.Resampling.LANCZOS)
    body = io.BytesIO()
    image.convert("RGB").save(body, "JPEG", quality=90)
    return body.getvalue()


async def lateness(ended: asyncio.Event) -> float:
    """Return by how many milliseconds the event loop was late at most until `ended`, through work of this process."""
    worst = 0.0
    while not ended.is_set():
        due, used = time.perf_counter() + 0.005, time.process_time()
        await asyncio.sleep(0.005)
        worst = max(worst, min(time.perf_counter() - due, time.process_time() - used))
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
    with tempfile.TemporaryDirectory() as folder:
        await thread(Path(folder) / "parley.db")


async def thread(database: Path) -> None:
    """Ask 20 questions, each with one of 4 photos that somebody posts again, and print what the store holds then."""
    uploads = [photo("JPEG", number) for number in range(4)]
    key = ThreadKey("discord", "1", "2", "3")
    async with open_store(database) as store:
        for number in range(20):
            media = await ours(uploads[number % 4])
            question = Incoming(MessageKey("discord", "1", "2", str(number)), key, Person("42", "Ada"), "What is it?")
            text = {"type": "text", "text": question.text}
            content = [text, block_for(media.media_type, media.data, media.name)]
            answer = {"role": "assistant", "content": "A photo."}
            await store.turns.accept(question)
            await store.turns.begin([question])
            new = await without_bytes([{"role": "user", "content": content}, answer], store.history)
            await store.turns.record(question.key, Outcome("A photo."), new)
            await store.turns.end(question.key, TurnState.DELIVERED)
        history = json.dumps(await store.history.messages(key))
    size_bytes = sum(file.stat().st_size for file in database.parent.iterdir())
    sources = set(re.findall(r'"sha256": "(\w+)"', history))
    print(f"a thread of 20 questions about 4 photos of {sum(map(len, uploads)) / 1e6:.1f} MB in all:", end=" ")
    print(f"{size_bytes / 1e6:.2f} MB on disk, {len(sources)} pictures, {len(history) / 1e3:.1f} kB of history")


asyncio.run(main())
