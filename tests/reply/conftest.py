"""Makes this folder's fakes importable by its tests, and holds every reply to asking only what it may."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from reply_fakes import MISTAKES


@pytest.fixture(autouse=True)
def _a_reply_asks_for_nothing_else() -> Iterator[None]:
    MISTAKES.clear()
    yield
    assert MISTAKES == []
