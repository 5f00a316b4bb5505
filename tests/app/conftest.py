"""The whole bot between simulated platforms: real discord.py, slack-bolt and anthropic underneath."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.simulator.claude import Pace
from bot.tryout.world import Room, World, world

sys.path.insert(0, str(Path(__file__).parents[1] / "reply"))
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def world_kind() -> type[World]:
    return World


@pytest.fixture
async def here(world_kind: type[World]) -> AsyncIterator[World]:
    async with world(SecretStr(""), Pace(), world_kind) as started:
        yield started


@pytest.fixture(params=["discord", "slack"])
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(here: World, platform: str) -> Room:
    return next(place for place in here.places if place.platform == platform and not place.direct)


@pytest.fixture
def dm(here: World, platform: str) -> Room:
    return next(place for place in here.places if place.platform == platform and place.direct)
