"""Pictures in a history: kept once, pointed to, and given back within what one request may hold."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.engine import recall
from bot.engine.recall import GONE, attach, detach
from bot.store import SqliteStore, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path / "db") as opened:
        yield opened


def image(data: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": encoded}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


async def test_a_history_goes_to_the_store_and_back_unchanged(store: SqliteStore) -> None:
    talk = [
        {"role": "user", "content": [text("Look"), image(b"one"), image(b"two"), image(b"one")]},
        {"role": "assistant", "content": [text("I see.")]},
        {"role": "user", "content": "plain"},
    ]
    kept = await detach(talk, store)
    assert "base64" not in str(kept)
    assert await attach(kept, store) == talk


async def test_pictures_beyond_what_a_request_may_hold_are_left_out_oldest_first(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "REQUEST_IMAGES", 2)
    kept = await detach([{"role": "user", "content": [image(bytes([n])) for n in range(4)]}], store)
    content = (await attach(kept, store))[0]["content"]
    assert content == [text(GONE), text(GONE), image(b"\x02"), image(b"\x03")]


async def test_the_bytes_of_a_request_are_bounded(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "REQUEST_BYTES", 100)
    kept = await detach([{"role": "user", "content": [image(b"x" * 60), image(b"y" * 60)]}], store)
    assert (await attach(kept, store))[0]["content"] == [text(GONE), image(b"y" * 60)]


async def test_a_picture_that_is_no_longer_kept_is_told(store: SqliteStore) -> None:
    lost = {"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": "0" * 64}}
    assert (await attach([{"role": "user", "content": [lost]}], store))[0]["content"] == [text(GONE)]
