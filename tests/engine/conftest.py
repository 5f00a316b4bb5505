"""Makes this folder's fakes and the reply's clock importable by its tests, and the bot at work in a fresh database."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reply"))
sys.path.insert(0, str(Path(__file__).parent))

from engine_room import Room, room

from bot.simulator.claude import SimulatedClaude


@pytest.fixture
async def claude() -> AsyncIterator[SimulatedClaude]:
    async with SimulatedClaude() as simulated:
        yield simulated


@pytest.fixture
async def here(tmp_path: Path, claude: SimulatedClaude) -> AsyncIterator[Room]:
    async with room(tmp_path, claude) as opened:
        yield opened
