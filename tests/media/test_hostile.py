"""Files made to do harm: each is refused with its sentence, and the bot neither swells nor stands still."""

import asyncio
import ctypes
import errno
import gc
import os
import random
import re
import resource
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import MediaError
from bot.media.decode import worker
from bot.media.decode.shrink import Order, shrink
from bot.media.decode.worker import ProcessLimits, run
from bot.media.formats.header import read_header
from bot.media.formats.kinds import TAKEN, Unreadable, kind_of

from .conftest import Reader, animated, noise, opened, pdf, picture, saved, turned
from .corpus import SHOWN, Hostile, corpus

FORMS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
async def test_a_picture_that_was_cut_off_is_refused(hand_in: Reader, form: str, share: float) -> None:
    data = noise((64, 48), form=form)
    with pytest.raises(MediaError, match=r"incomplete|damaged|decode"):
        await hand_in(data[: int(len(data) * share)])


async def test_a_picture_that_takes_too_long_is_given_up(hand_in: Reader) -> None:
    with pytest.raises(MediaError, match="too long"):
        await hand_in(turned(6), child_cpu_s=0.005)
    assert not children()


def made(folder: Path, work: str) -> str:
    """Write a task for the process that decodes, which does `work` with `data`; return its name."""
    lines = "import resource, signal, time\ndef prepare(order): pass\ndef work(data, order):\n"
    (folder / "task.py").write_text(f"{lines}    {work}\n    return {{}}, data\n")
    return str(folder / "task")


async def test_a_machine_that_is_busy_refuses_nobodys_picture(tmp_path: Path) -> None:
    """The process waits, as for its turn on a busy machine, longer than it may compute."""
    bounds = ProcessLimits(768_000_000, 1.0, 4)
    assert await run(made(tmp_path, "time.sleep(1.5)"), b"data", {}, bounds) == ({}, b"data")


async def test_a_file_that_keeps_the_machine_busy_is_given_up_after_so_much_of_its_time(tmp_path: Path) -> None:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(Unreadable, match="too long"):
        await run(made(tmp_path, "while True: pass"), b"data", {}, ProcessLimits(768_000_000, 0.5))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The system counts in ticks of its clock, so the last one may be missing.
    assert 0.4 < after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime < 1.5
    assert not children()


async def test_code_that_takes_the_decoder_over_gets_no_more_time(tmp_path: Path) -> None:
    work = "signal.setitimer(signal.ITIMER_PROF, 0)\n    while True: pass"
    with pytest.raises(Unreadable, match="too long"):
        await run(made(tmp_path, work), b"data", {}, ProcessLimits(768_000_000, 0.1))
    assert not children()


async def test_a_process_that_waits_for_ever_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="too long"):
        await run(made(tmp_path, "signal.pause()"), b"data", {}, ProcessLimits(768_000_000, 10.0, wall_s=0.5))
    assert not children()


async def test_a_picture_that_takes_too_much_memory_is_given_up(hand_in: Reader) -> None:
    data = saved(opened(await hand_in(picture())).resize((5000, 5000)), "PNG", compress_level=1)
    with pytest.raises(MediaError, match=r"memory|decode"):
        await hand_in(data, child_memory_bytes=150_000_000)
    assert not children()


async def test_a_cancelled_reader_leaves_no_process(hand_in: Reader) -> None:
    reading = asyncio.create_task(hand_in(noise((5000, 4000), form="JPEG")))
    async with asyncio.timeout(120):
        while not children():  # noqa: ASYNC110 - a process that another task starts tells nobody
            await asyncio.sleep(0.001)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not children()


def children() -> list[int]:
    """Return the processes that decode."""
    found = [pid for task in Path("/proc/self/task").iterdir() for pid in read(task / "children").split()]
    return [int(pid) for pid in found if b"child/main.py" in read(Path("/proc", pid.decode(), "cmdline"))]


def read(file: Path) -> bytes:
    """Return what a file of the system's says of a thread or process; nothing of one that ended meanwhile."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


async def test_no_token_is_in_the_environment_of_the_process_that_decodes(
    monkeypatch: pytest.MonkeyPatch, hand_in: Reader
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    reading = asyncio.create_task(hand_in(noise((5000, 4000), form="JPEG")))
    async with asyncio.timeout(120):
        while not (found := children()):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert b"a secret" not in Path(f"/proc/{found[0]}/environ").read_bytes()
    await reading


async def test_the_process_that_decodes_can_open_nothing(tmp_path: Path) -> None:
    task = tmp_path / "spy.py"
    attempts = (
        "lambda: open('/etc/hostname'), lambda: socket.socket(), os.pipe, lambda: os.dup(0), lambda: os.open('/', 0)"
    )
    task.write_text(f"""
import os, socket
def prepare(order): pass
def work(data, order):
    failed = []
    for attempt in ({attempts}):
        os.close(0) if not failed else None
        try: attempt()
        except OSError as error: failed.append(error.errno)
    return {{"failed": failed}}, data
""")
    result, body = await run(str(task.with_suffix("")), b"data", {}, ProcessLimits(768_000_000, 10.0, 4))
    assert (result["failed"], body) == ([errno.EMFILE] * 3 + [errno.EBADF, errno.EMFILE], b"data")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has these means")
async def test_the_process_that_decodes_has_no_privileges_and_cannot_read_the_bots_memory(tmp_path: Path) -> None:
    """It asks the system for the bot's memory, as code in a decoder could do that was taken over: no file is needed."""
    secret = ctypes.create_string_buffer(b"a secret", 16)
    task = tmp_path / "thief.py"
    task.write_text("""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
def prepare(order):
    order["status"] = open("/proc/self/status")
def work(data, order):
    mine = ctypes.create_string_buffer(16)
    here, there = Span(ctypes.addressof(mine), 16), Span(order["address"], 16)
    got = libc.process_vm_readv(os.getppid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    error = ctypes.get_errno()
    traced = libc.ptrace(16, os.getppid(), None, None)
    status = dict(line.split(":\\t", 1) for line in order["status"].read().splitlines() if ":\\t" in line)
    return {"got": got, "error": error, "traced": traced, "caps": status["CapEff"], "no_new": status["NoNewPrivs"]}, b""
""")
    order = {"address": ctypes.addressof(secret)}
    result, _ = await run(str(task.with_suffix("")), b"", order, ProcessLimits(768_000_000, 10.0))
    assert (result["got"], result["error"], result["traced"]) == (-1, errno.EPERM, -1)
    assert (int(result["caps"], 16), result["no_new"]) == (0, "1")


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
async def test_each_hostile_file_gets_its_sentence_and_the_bot_neither_swells_nor_stands_still(hand_in: Reader) -> None:
    """Memory of this process grows by less than 20 MB, and its event loop is never late by more than 50 ms.

    On a busy machine a loop is late through no fault of ours: only as much counts as this process computed meanwhile.
    """
    files = corpus()
    await hand_in(turned(6))
    gc.collect()
    before, worst, ended = resident_bytes(), 0.0, asyncio.Event()
    most = before

    async def watch() -> None:
        nonlocal worst, most
        while not ended.is_set():
            due, used = time.perf_counter() + 0.005, time.process_time()
            await asyncio.sleep(0.005)
            worst = max(worst, min(time.perf_counter() - due, time.process_time() - used))
            most = max(most, resident_bytes())

    wrong = []
    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        for file in files:
            said = await outcome(hand_in, file)
            if not re.search(file.refused or f"^{SHOWN}$", said):
                wrong.append((file.name, said))
        ended.set()
    grown = most - before
    costs = f"memory grew by {grown / 1e6:.1f} MB at most, the event loop was late by {worst * 1000:.1f} ms at most"
    print(f"\n{len(files)} files: {costs}")
    assert not wrong
    assert not children()
    assert grown < 20_000_000
    assert worst < 0.05


async def outcome(hand_in: Reader, file: Hostile) -> str:
    """Return the sentence a file was refused with; "" if it is shown."""
    start = time.perf_counter()
    try:
        media = await hand_in(file.data, file.name)
        said, seen = "", f"shown as {media.media_type}. {media.note}"
    except MediaError as refusal:
        said = seen = refusal.sentence
        assert said.startswith(f"I cannot use {file.name}: ")
        assert said.endswith(".")
    print(f"{time.perf_counter() - start:5.2f} s  {len(file.data) / 1e6:6.2f} MB  {file.name}: {seen}")
    return said


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


BASES = [picture(form=form) for form in ("PNG", "JPEG", "GIF", "WEBP")] + [
    turned(6, "JPEG"),
    animated("GIF"),
]


def inspect(data: bytes) -> None:
    """Read a file's header: it may be refused, and nothing else may happen."""
    try:
        kind = kind_of(data)
        if kind in TAKEN:
            header = read_header(data, kind)
            assert header.width > 0 < header.height
            assert 1 <= header.orientation <= 8
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
    order = Order(form, 2000, 4784, 50_000_000, 7_500_000, 9, 1568, 1000)
    for _ in range(2):
        data = bytearray(noise((60, 40), form=form))
        for _ in range(30):
            data[chance.randrange(12, len(data))] = chance.randrange(256)
        try:
            made = await shrink(bytes(data), order, ProcessLimits(768_000_000, 10.0, 7_500_000))
        except Unreadable:
            continue
        assert max(made.size) <= 2000


async def test_any_damage_to_a_pdf_ends_in_a_document_or_a_refusal(hand_in: Reader) -> None:
    for seed in range(6):
        chance = random.Random(seed)
        data = bytearray(pdf(3, b"<< /S /JavaScript /JS (x) >>", packed=seed % 2 == 1))
        for _ in range(3):
            data[chance.randrange(9, len(data) - 8)] = chance.randrange(256)
        try:
            media = await hand_in(bytes(data))
        except MediaError:
            continue
        assert media.pages > 0


async def test_where_no_process_can_be_started_one_file_is_refused_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, hand_in: Reader
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(MediaError):
        await hand_in(picture((4000, 3000)))


@pytest.mark.parametrize("answer", [b"no JSON\n", b"[1]\n", b"\xff\xfe\n"])
def test_what_took_the_decoder_over_may_answer_anything(answer: bytes) -> None:
    with pytest.raises(Unreadable):
        worker._parted(answer, "reduce")
