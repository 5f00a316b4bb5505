"""A store on a real file, and questions to put into it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.events import Incoming, MessageKey, Person, ThreadKey, Upload
from bot.ports import Store
from bot.store import open_store

Ask = Callable[..., Incoming]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "parley.sqlite3"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    async with open_store(file) as opened:
        yield opened


@pytest.fixture
def ask() -> Ask:
    def make(message: str = "100", thread: str = "T", text: str = "Hello") -> Incoming:
        return Incoming(
            MessageKey("discord", "G", "C", message),
            ThreadKey("discord", "G", "C", thread),
            Person("U", "Ada", frozenset({"R1", "R2"})),
            text,
            (Upload("7", "cat.png", "https://cdn.discordapp.com/cat.png", "image/png", 12),),
            mentions_bot=True,
        )

    return make
