"""Pictures in a history: kept once, pointed to, and given back within what one request may hold."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.engine.answer.prompt.history import room_beside, sendable, with_bytes, without_bytes
from bot.engine.answer.prompt.trim import GONE, HistoryLimits
from bot.ports import Store
from bot.store import open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "db") as opened:
        yield opened


ROOM = HistoryLimits(tokens=100_000, files=100, file_bytes=10**7)


def image(colour: int) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (56, 28), (colour, 0, 0)).save(file, "PNG")
    encoded = base64.b64encode(file.getvalue()).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": encoded}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


async def test_a_history_goes_to_the_store_and_back_unchanged(store: Store) -> None:
    talk = [
        {"role": "user", "content": [text("Look"), image(1), image(2), image(1)]},
        {"role": "assistant", "content": [text("I see.")]},
        {"role": "user", "content": "plain"},
    ]
    kept = await without_bytes(talk, store.history)
    assert "base64" not in str(kept)
    assert await with_bytes(kept, store.history, ROOM) == talk


async def test_a_kept_picture_says_what_it_costs(store: Store) -> None:
    [message] = await without_bytes([{"role": "user", "content": [image(1)]}], store.history)
    source = message["content"][0]["source"]
    assert source["tokens"] == 2
    assert source["bytes"] == len((await store.history.blob(source["sha256"]))[0])


async def test_a_picture_that_is_no_longer_kept_is_told(store: Store) -> None:
    lost = {"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": "0" * 64}}
    assert (await with_bytes([{"role": "user", "content": [lost]}], store.history, ROOM))[0]["content"] == [text(GONE)]


async def test_whose_words_a_block_holds_is_not_sent_to_claude(store: Store) -> None:
    kept = [{"role": "user", "content": [{**text("Hi"), "said": "100"}]}]
    assert await with_bytes(kept, store.history, ROOM) == [{"role": "user", "content": [text("Hi")]}]
    assert sendable(kept[0]["content"]) == [text("Hi")]


def test_a_question_takes_its_own_room_in_steps() -> None:
    short, longer = room_beside([text("Hi")], 80_000), room_beside([text("Hi, how is it?")], 80_000)
    assert short == longer == HistoryLimits(70_000, 100, 24_000_000)
    assert room_beside([text("x" * 60_000)], 80_000).tokens == 60_000
    assert room_beside([image(1), image(2)], 80_000).files == 98
