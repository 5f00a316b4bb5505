"""How long a read of earlier talk is tried."""

import asyncio

import pytest

from bot.errors import Forbidden, RateLimited, Unreachable
from bot.platforms.kernel import patience
from bot.platforms.kernel.patience import Patience, missing


class Platform:
    """Fails with some errors, one after the other, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def read(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "read"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, which take no time but on the clock that patience looks at."""
    found: list[float] = []

    async def sleep(wait_s: float) -> None:
        found.append(wait_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(patience, "_now_s", lambda: sum(found))
    return found


def away() -> Unreachable:
    return Unreachable("Away.")


async def test_what_fails_for_a_while_is_read_in_the_end(waits: list[float]) -> None:
    platform = Platform(away(), RateLimited("Slow down.", retry_after_s=3.0), away(), away())
    assert await Patience().read(platform.read) == "read"
    assert waits == [0.5, 3.0, 1.0, 2.0]


async def test_a_limit_that_ends_too_late_is_not_waited_for(waits: list[float]) -> None:
    platform = Platform(RateLimited("Slow down.", retry_after_s=61.0))
    with pytest.raises(RateLimited):
        await Patience().read(platform.read)
    assert (platform.asked, waits) == (1, [])


async def test_what_is_refused_is_asked_for_once(waits: list[float]) -> None:
    platform = Platform(Forbidden("No."))
    with pytest.raises(Forbidden):
        await Patience().read(platform.read)
    assert (platform.asked, waits) == (1, [])


async def test_of_several_reads_only_the_first_waits_for_a_platform_that_stays_away(waits: list[float]) -> None:
    platform, shared = Platform(*(away() for _ in range(100))), Patience()
    for _ in range(3):
        with pytest.raises(Unreachable):
            await shared.read(platform.read)
    assert waits == list(patience.BACK_OFF_S)
    assert platform.asked == len(patience.BACK_OFF_S) + 3


@pytest.mark.parametrize(
    ("parts", "said"),
    [([], ""), (["a"], "a"), (["a", "a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c", "b"], "a, b and c")],
)
def test_what_is_missing_is_said_once_each(parts: list[str], said: str) -> None:
    assert missing(parts) == said
