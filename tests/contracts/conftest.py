"""Makes the fakes of the neighbouring folders importable, and gives each implementation of a port to the suite."""

import sys
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE.parent / "reply", HERE.parent / "engine"):
    sys.path.insert(0, str(folder))

with warnings.catch_warnings():
    # discord.py 2.7.1 imports audioop, which Python 3.11 and 3.12 call deprecated, for voice that nobody here uses
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401 - so that it is there before anything else imports it

from contracts.stages import PLATFORMS, STAGES, PlatformStage, Stage  # noqa: E402
from contracts.stores import STORES, Opener  # noqa: E402 - the paths are set above

from bot.ports import Store  # noqa: E402


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A place where somebody has just asked a question."""
    async with STAGES[request.param]() as opened:
        yield opened


@pytest.fixture(params=STORES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """What opens a store, and opens it again after a restart."""
    return STORES[request.param](tmp_path)


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[Store]:
    async with opener() as opened:
        yield opened


@pytest.fixture(params=PLATFORMS)
async def there(request: pytest.FixtureRequest) -> AsyncIterator[PlatformStage]:
    """A platform on which somebody can ask."""
    async with PLATFORMS[request.param]() as opened:
        yield opened
