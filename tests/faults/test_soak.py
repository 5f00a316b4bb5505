"""Row 43 of the fault table: the bot under a steady load."""

from pathlib import Path

import pytest
from soak import soak


async def test_row_43_under_a_steady_load_every_question_is_answered_once(tmp_path: Path) -> None:
    outcome = await soak(minutes=0.1, rate=20, directory=tmp_path)
    assert outcome.is_whole, outcome


@pytest.mark.long
async def test_row_43_in_half_an_hour_nothing_grows(tmp_path: Path) -> None:
    outcome = await soak(minutes=30, rate=20, directory=tmp_path)
    print(f"\n{outcome}")
    assert outcome.is_whole, outcome
    assert outcome.is_flat, outcome
