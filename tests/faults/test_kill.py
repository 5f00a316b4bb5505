"""Row 1 of the fault table: the process killed anywhere, under load, with failing platforms."""

from pathlib import Path

import pytest
from kill import ordeal
from talk import answer_to, judged, squeezed


async def test_whoever_asks_a_bot_that_is_killed_again_and_again_gets_one_whole_answer(tmp_path: Path) -> None:
    report = await ordeal(tmp_path, questions=30, kills=4, seed=1)
    print(f"\n{report}")
    assert not report.violations, report
    assert report.exit_code == 0
    assert 0 < report.on_discord < report.accepted
    assert report.faults > 0


@pytest.mark.long
async def test_two_thousand_questions_and_two_hundred_kills(tmp_path: Path) -> None:
    report = await ordeal(tmp_path, questions=2000, kills=200, seed=2)
    print(f"\n{report}")
    assert not report.violations, report
    assert report.kills == 200


ONE, TWO, THREE = (squeezed(answer_to(name)) for name in ("Q00001", "Q00002", "Q00003"))
TOKENS = ["Q00001", "Q00002", "Q00003"]


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        (ONE + THREE, "lost"),
        (ONE + TWO[:-9] + THREE, "half"),
        (ONE + TWO + TWO[:30] + THREE, "half"),
        (ONE + TWO + THREE + ONE, "double"),
        (ONE + THREE + TWO, "disorder"),
        (ONE + TWO + THREE + "(resent)", "other"),
    ],
)
def test_the_judge_sees_what_is_wrong(shown: str, kind: str) -> None:
    wrong = judged(shown, TOKENS)
    assert wrong[kind], wrong
    assert not any(judged(ONE + TWO + THREE, TOKENS).values())
