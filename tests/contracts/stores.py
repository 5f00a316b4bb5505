"""Stores to hold against the ports, and what is put into them. PostgreSQL's is one more line of `STORES`."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from bot.events import AnswerMessage, Incoming, MessageKey, Outcome, Person, ThreadKey, TurnState, Upload
from bot.ports import Store
from bot.store import BlobLimits, open_store


class Opener(Protocol):
    """Opens one store; a second time, after the first was closed, is a restart."""

    def __call__(self, limits: BlobLimits = ...) -> AbstractAsyncContextManager[Store]: ...


def _sqlite(directory: Path) -> Opener:
    def opened(limits: BlobLimits = BlobLimits()) -> AbstractAsyncContextManager[Store]:  # noqa: B008 - it is frozen
        return open_store(directory / "data" / "parley.sqlite3", limits)

    return opened


STORES: Mapping[str, Callable[[Path], Opener]] = {"SQLite": _sqlite}


def ask(message: str = "100", thread: str = "T", text: str = "Hello") -> Incoming:
    """Return a question; the later its number, the later it was asked."""
    return Incoming(
        MessageKey("discord", "G", "C", message),
        ThreadKey("discord", "G", "C", thread),
        Person("U", "Ada", frozenset({"R1", "R2"})),
        text,
        (Upload("7", "cat.png", "https://cdn.discordapp.com/cat.png", "image/png", 12),),
        mentions_bot=True,
        sent_at_s=float(message) if message.isdigit() else 0.0,
    )


def said(question: Incoming, *blocks: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in the history of a question."""
    words = {"type": "text", "text": question.text, "said": question.key.message}
    return {"role": "user", "content": [words, *({**block, "said": question.key.message} for block in blocks)]}


def picture(sha256: str) -> dict[str, Any]:
    """Return a block that shows kept bytes."""
    return {"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": sha256}}


async def answered(store: Store, question: Incoming, answer: str, *blocks: dict[str, Any]) -> None:
    """Bring a question to its delivered answer."""
    await store.turns.accept(question)
    await store.turns.begin([question])
    await store.messages.posted(
        question.key, AnswerMessage(0, f"{question.key.message}.0", f"answer to {question.key.message}")
    )
    messages = [said(question, *blocks), {"role": "assistant", "content": answer}]
    await store.turns.record(question.key, Outcome(answer), messages)
    await store.turns.end(question.key, TurnState.DELIVERED)


async def kept(store: Store, sha256s: list[str]) -> list[bool]:
    """Return for each of some hashes whether its bytes are still there."""
    there = []
    for sha256 in sha256s:
        try:
            await store.history.blob(sha256)
        except KeyError:
            there.append(False)
        else:
            there.append(True)
    return there
