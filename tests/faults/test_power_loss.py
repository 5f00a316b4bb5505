"""Row 31 of the fault table: the power fails while the bot writes."""

from pathlib import Path

import pytest
from power import power_loss


@pytest.mark.parametrize("copies", [10, pytest.param(100, marks=pytest.mark.long)])
async def test_a_disk_that_lost_power_holds_every_acknowledged_message(tmp_path: Path, copies: int) -> None:
    report = await power_loss(tmp_path, copies=copies)
    print(f"\n{report}")
    assert not report.damaged, report.damaged
    assert not report.missing, report.missing
    assert report.copies == copies
    assert report.acknowledged > 0
    assert report.cut > 0
