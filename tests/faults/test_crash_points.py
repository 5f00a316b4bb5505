"""Rows 2 to 6 of the fault table: a process that dies at a chosen point of a turn, and the one that takes over."""

from pathlib import Path

import pytest
from crash import crash_everywhere
from lives import Stage
from points import WRITES

PLATFORMS = ["discord", "slack"]


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_wherever_the_process_dies_there_is_one_whole_answer(platform: str, tmp_path: Path) -> None:
    report = await crash_everywhere(platform, tmp_path)
    print(f"\n{platform}: {report}")
    assert not report.violations, report
    assert len(report.points) > 20, report.points
    for commit in WRITES - {"history.keep"}:
        assert f"before {commit}" in report.points


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_wherever_it_dies_twice_there_is_one_whole_answer(platform: str, tmp_path: Path) -> None:
    report = await crash_everywhere(platform, tmp_path, pairs=True)
    print(f"\n{platform}: {report}")
    assert not report.violations, report


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_turn_that_nothing_disturbs_asks_claude_once(platform: str, tmp_path: Path) -> None:
    async with Stage(platform, tmp_path).open() as stage:
        story = await stage.tell()
        assert not story.violations, story
        assert story.points[0].count("before POST /v1/messages") == 1
