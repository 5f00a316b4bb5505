"""Makes the fakes of the neighbouring folders importable, and gives each implementation of a port to the suite."""

import sys
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE.parent / "reply", HERE.parent / "engine", HERE):
    sys.path.insert(0, str(folder))

with warnings.catch_warnings():
    # discord.py 2.7.1 imports audioop, which Python 3.11 and 3.12 call deprecated, for voice that nobody here uses
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401 - so that it is there before anything else imports it

from stages import STAGES, Stage  # noqa: E402 - the path is set above


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A place where somebody has just asked a question."""
    async with STAGES[request.param]() as opened:
        yield opened
