"""Any life of the whole bot ends well: each question is answered whole, or a sentence says why not; nothing that was
visible goes away without a successor; no button is dead, no token is uncounted, and nobody else is affected.
"""

import asyncio

import pytest
from any_life import Story, stories
from hypothesis import HealthCheck, given, settings
from living import Stage

_calm = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
_STORIES = 25
"""A stage is left after so many stories: the simulators forget nothing. A story that ended badly leaves none."""


class Stages:
    """A stage for each story, most often the one before's."""

    def __init__(self, platform: str, runner: asyncio.Runner) -> None:
        self._platform = platform
        self._runner = runner
        self._told = 0
        self._open: tuple[Stage, object] | None = None

    def tell(self, story: Story) -> None:
        violations = self._runner.run(self._tell(story))
        assert not violations, "\n".join(violations)

    async def _tell(self, story: Story) -> list[str]:
        if self._open is None:
            context = Stage(self._platform).open()
            self._open = await context.__aenter__(), context
        self._told += 1
        violations = await self._open[0].tell(story)
        if violations or self._told % _STORIES == 0:
            await self.close()
        return violations

    async def close(self) -> None:
        if self._open is not None:
            await self._open[1].__aexit__(None, None, None)  # type: ignore[attr-defined]
            self._open = None


def every_story_ends_well(platform: str, chosen: settings) -> None:
    with asyncio.Runner() as runner:
        stages = Stages(platform, runner)
        try:
            chosen(given(stories(platform))(stages.tell))()
        finally:
            runner.run(stages.close())


@pytest.mark.parametrize("platform", ["discord", "slack"])
def test_any_life_ends_well(platform: str) -> None:
    every_story_ends_well(platform, settings(max_examples=8, derandomize=True, database=None, **_calm))  # type: ignore[arg-type]


@pytest.mark.long
@pytest.mark.parametrize("platform", ["discord", "slack"])
def test_any_life_ends_well_a_thousand_times(platform: str) -> None:
    every_story_ends_well(platform, settings(max_examples=1000, **_calm))  # type: ignore[arg-type]
