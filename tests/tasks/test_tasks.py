"""Every task has an owner, which ends it."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.tasks import Tasks, beside, cancel_reliably

ROOT = Path(__file__).parents[2]


async def for_ever(ended: list[str], name: str = "work") -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)  # what it has to put away takes a moment
        ended.append(name)


async def test_no_task_outlives_its_owner() -> None:
    owner, ended = Tasks(), list[str]()
    owner.start(for_ever(ended, "one"), "one")
    owner.start(for_ever(ended, "other"), "other")
    await asyncio.sleep(0)
    assert len(owner.running) == 2
    await owner.close()
    assert sorted(ended) == ["one", "other"]
    assert not owner.running


async def test_what_is_done_beside_a_block_ends_with_it() -> None:
    ended = list[str]()
    async with beside(for_ever(ended), "work"):
        await asyncio.sleep(0)
        assert ended == []
    assert ended == ["work"]


async def test_what_failed_beside_a_block_is_raised_at_its_end() -> None:
    async def fails() -> None:
        raise OSError("the wire is cut")

    with pytest.raises(OSError, match="the wire is cut"):
        async with beside(fails(), "work"):
            await asyncio.sleep(0)


async def test_a_cancellation_that_is_dropped_is_asked_again() -> None:
    dropped = 0

    async def drops_one() -> None:
        nonlocal dropped
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            dropped += 1
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(cancel_reliably(drops_one(), "work"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
    assert dropped == 1
    assert task.cancelled()


@pytest.mark.parametrize("call", ["create_task", "ensure_future"])
def test_ruff_knows_a_task_without_an_owner(call: str) -> None:
    ruff = shutil.which("ruff", path=str(ROOT / ".venv/bin")) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    code = f"import asyncio\n\n\ndef begin() -> None:\n    asyncio.{call}(asyncio.sleep(0))\n"
    found = subprocess.run(
        [ruff, "check", "--select", "TID251", "--stdin-filename", "bot/attic.py", "-"],
        cwd=ROOT, input=code, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "TID251" in found.stdout
