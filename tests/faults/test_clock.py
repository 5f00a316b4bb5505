"""Row 59 of the fault table: the machine's clock is wrong when the bot starts, and is set while it runs."""

import os
import random
from pathlib import Path

import pytest
from load import People
from process import ROOT, Ground, ground
from talk import judged

FAKE_TIME = """
import os, time

_time, _ahead = time.time, os.environ["CLOCK_AHEAD"]

def now():
    with open(_ahead) as file:
        return _time() + float(file.read() or 0.0)

time.time, time.time_ns = now, lambda: int(now() * 1e9)
"""
"""What the bot's process begins with: its clock is ahead by as much as a file says."""


async def ask(people: People, questions: int) -> None:
    for _ in range(questions):
        await people.ask(discord=True)


async def all_answered(there: Ground, people: People) -> None:
    await people.see_all(lambda place: [name for name, _ in place.asked], within_s=30.0)
    for place in people.conversations:
        wrong = judged(people.shown(place), [name for name, _ in place.asked])
        assert not any(wrong.values()), (place, wrong, there.bot.log.read_text()[-3000:])


@pytest.mark.parametrize("wrong_s", [86400, pytest.param(-3600, marks=pytest.mark.long)])
async def test_row_59_a_wrong_clock_makes_no_question_late_loses_none_and_doubles_none(
    tmp_path: Path, wrong_s: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAKE_TIME)
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    async with ground(tmp_path) as there:
        there.bot.environment |= {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "CLOCK_AHEAD": str(ahead)}
        there.slack.settings.keeps_events = False  # what was said while nobody was there must be fetched
        people = People(there, random.Random(59))
        await there.bot.start()
        await there.ready()
        await ask(people, 4)
        await all_answered(there, people)
        await ask(people, 8)
        await there.bot.kill()
        await ask(people, 4)
        ahead.write_text(str(wrong_s))
        await there.bot.start()
        await there.ready()
        await ask(people, 6)
        await all_answered(there, people)
        ahead.write_text("0")
        await ask(people, 6)
        await all_answered(there, people)
        ahead.write_text(str(wrong_s))
        await ask(people, 2)
        await there.bot.kill()
        ahead.write_text("0")
        await there.bot.start()
        await all_answered(there, people)
        assert there.claude.count <= people.asked + 8  # no more than a question that was being answered at each death
