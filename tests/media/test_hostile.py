"""Files made to do harm: each is refused with its sentence, and the bot neither swells nor stands still."""

import asyncio
import gc
import os
import random
import sys
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import MediaError
from bot.media.header import read_header
from bot.media.kinds import TAKEN, Unreadable, kind_of
from bot.media.pdf import page_count
from bot.media.shrink import Order, shrink

from .conftest import Reader, animated, chunk, noise, opened, pdf, picture, png_claiming, saved, turned

FORMS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")


@pytest.mark.parametrize(
    "data",
    [
        png_claiming(20_000, 20_000),
        png_claiming(40_000_001, 1),
        b"GIF89a\xff\xff\xff\xff" + picture(form="GIF")[10:],
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff",
        picture(form="JPEG")[:2] + b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x11\0\x02\x11\0\x03\x11\0"
        b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0\xff\xd9",
    ],
    ids=["png", "a very long line", "gif", "webp", "jpeg"],
)
async def test_a_bomb_is_known_by_its_header(hand_in: Reader, data: bytes) -> None:
    with pytest.raises(MediaError, match="40 megapixels at most"):
        await hand_in(data)


async def test_a_bomb_of_a_type_only_pillow_reads_is_refused_before_it_is_decoded(hand_in: Reader) -> None:
    bmp = bytearray(picture(form="BMP"))
    bmp[18:26] = (30_000).to_bytes(4, "little") * 2
    with pytest.raises(MediaError, match="30000 × 30000 pixels"):
        await hand_in(bytes(bmp))


async def test_a_header_that_promises_more_than_there_is_is_refused(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match="damaged"):
        await hand_in(png_claiming(6000, 6000))


async def test_pixels_that_unfold_beyond_their_header_are_not_unfolded(hand_in: Reader) -> None:
    bomb = png_claiming(2000, 2000, b"\0" * 30_000_000)
    media = await hand_in(bomb)
    assert (media.width, media.height) == (1568, 1568)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
async def test_a_picture_that_was_cut_off_is_refused(hand_in: Reader, form: str, share: float) -> None:
    data = noise((64, 48), form=form)
    with pytest.raises(MediaError, match=r"incomplete|damaged|decode"):
        await hand_in(data[: int(len(data) * share)])


async def test_a_file_spliced_from_two_is_refused(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match="damaged"):
        await hand_in(picture(form="PNG")[:60] + picture(form="JPEG"))
    with pytest.raises(MediaError, match="damaged"):
        await hand_in(picture(form="JPEG")[:20] + picture(form="PNG"))


async def test_an_animation_of_a_thousand_frames_costs_one(hand_in: Reader) -> None:
    media = await hand_in(animated("GIF", 999))
    assert opened(media).size == (20, 20)


async def test_a_huge_exif_block_is_not_believed(hand_in: Reader) -> None:
    entries = b"\xff\xff" + b"\x12\x34\0\x02\0\0\xff\xff\0\0\0\x08" * 5000
    jpeg = picture(form="JPEG")
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + entries
    data = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    assert (await hand_in(data)).data == data
    png = picture()
    data = png[:33] + chunk(b"eXIf", b"MM\0*\0\0\0\x08" + entries * 20) + png[33:]
    assert (await hand_in(data)).data == data


async def test_a_text_chunk_that_unfolds_is_left_folded(hand_in: Reader) -> None:
    png = picture((1600, 10))
    note = b"note\0\0" + zlib.compress(b"x" * 70_000_000)
    with pytest.raises(MediaError, match="damaged"):
        await hand_in(png[:33] + chunk(b"zTXt", note) + png[33:])


async def test_a_picture_that_takes_too_long_is_given_up(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match="too long"):
        await hand_in(turned(6), reduce_time_s=0.005)
    assert not children()


async def test_a_picture_that_takes_too_much_memory_is_given_up(hand_in: Reader) -> None:
    data = saved(opened(await hand_in(picture())).resize((5000, 5000)), "PNG", compress_level=1)
    with pytest.raises(MediaError, match=r"memory|decode"):
        await hand_in(data, reduce_memory_bytes=150_000_000)
    assert not children()


async def test_a_cancelled_reader_leaves_no_process(hand_in: Reader) -> None:
    reading = asyncio.create_task(hand_in(noise((5000, 4000), form="JPEG")))
    async with asyncio.timeout(10):
        while not children():  # noqa: ASYNC110 - a process that another task starts tells nobody
            await asyncio.sleep(0.001)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not children()


def children() -> list[int]:
    """Return the processes that decode."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return [pid for pid in found if b"reduce.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def test_no_token_is_in_the_environment_of_the_process_that_decodes(
    monkeypatch: pytest.MonkeyPatch, hand_in: Reader
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    reading = asyncio.create_task(hand_in(noise((5000, 4000), form="JPEG")))
    async with asyncio.timeout(10):
        while not (found := children()):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert b"a secret" not in Path(f"/proc/{found[0]}/environ").read_bytes()
    await reading


@pytest.mark.parametrize(
    "piece",
    [
        b"/ObjStm",
        b"/ObjStm stream\n",
        b"/Type/Page ",
        b"/Type        ",
        b"/Encrypt 1 ",
        b"/Count 9",
        b"/ObjStm" + b" " * 493,
        b"/ObjStm stream\r\n" + zlib.compress(b"/Type /Page " * 300_000, 9),
        b"/ObjStm stream\n" + zlib.compress(bytes(range(256)), 0),
    ],
    ids=range(9),
)
def test_a_pdf_made_to_be_slow_is_counted_within_bounds(piece: bytes) -> None:
    data = b"%PDF-1.7" + piece * (3_000_000 // len(piece)) + b"%%EOF"
    start = time.process_time()
    page_count(data)
    assert time.process_time() - start < 3


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
async def test_the_bot_neither_swells_nor_stands_still(hand_in: Reader) -> None:
    """Memory of this process grows by less than 20 MB, and its event loop is never late by more than 50 ms.

    On a busy machine a loop is late through no fault of ours: only as much counts as this process computed meanwhile.
    """
    large = noise((5000, 4000), form="JPEG")
    files = [
        large,
        noise((1200, 1200)),
        png_claiming(20_000, 20_000),
        png_claiming(6000, 6000),
        pdf(90) + b"stream" + os.urandom(8_000_000) + b"%%EOF",
        b"PK\x03\x04" + os.urandom(1000),
        animated("GIF", 999),
        turned(6, size=(3000, 2000)),
    ]
    await hand_in(turned(6))
    gc.collect()
    before, worst, ended = resident_bytes(), 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal worst
        while not ended.is_set():
            due, used = time.perf_counter() + 0.005, time.process_time()
            await asyncio.sleep(0.005)
            worst = max(worst, min(time.perf_counter() - due, time.process_time() - used))

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        for data in files:
            await asyncio.gather(hand_in(data), return_exceptions=True)
        ended.set()
    gc.collect()
    grown = resident_bytes() - before
    print(f"memory grew by {grown / 1e6:.1f} MB; the event loop was late by {worst * 1000:.1f} ms at most")
    assert grown < 20_000_000
    assert worst < 0.05


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


BASES = [picture(form=form) for form in ("PNG", "JPEG", "GIF", "WEBP")] + [
    turned(6, "JPEG"),
    animated("GIF"),
    pdf(2, packed=True),
]


def inspect(data: bytes) -> None:
    """Read a file's header: it may be refused, and nothing else may happen."""
    try:
        kind = kind_of(data)
        if kind in TAKEN:
            header = read_header(data, kind)
            assert header.width > 0 < header.height
            assert 1 <= header.orientation <= 8
        page_count(data)
    except Unreadable:
        pass


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(BASES), st.randoms(use_true_random=False), st.integers(1, 20))
def test_no_damage_to_a_file_gets_past_its_reader(base: bytes, chance: random.Random, hits: int) -> None:
    damage(base, chance, hits)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(st.sampled_from(BASES), st.randoms(use_true_random=False), st.integers(1, 20))
def test_no_damage_to_a_file_gets_past_its_reader_long(base: bytes, chance: random.Random, hits: int) -> None:
    damage(base, chance, hits)


def damage(base: bytes, chance: random.Random, hits: int) -> None:
    data = bytearray(base)
    for _ in range(hits):
        data[chance.randrange(8, len(data))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    inspect(bytes(data[: chance.randint(8, len(data))] if chance.random() < 0.5 else data))


@pytest.mark.parametrize("form", FORMS)
async def test_any_damage_to_a_picture_ends_in_a_picture_or_a_refusal(form: str) -> None:
    chance = random.Random(form)
    order = Order(form, 1568, 40_000_000, 7_500_000, 768_000_000, 10.0)
    for _ in range(2):
        data = bytearray(noise((60, 40), form=form))
        for _ in range(30):
            data[chance.randrange(12, len(data))] = chance.randrange(256)
        try:
            made = await shrink(bytes(data), order)
        except Unreadable:
            continue
        assert max(made.size) <= 1568
