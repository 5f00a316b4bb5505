"""How much of a thread Claude is shown: old images and files are left out before old words, and Claude is told.

Trimming goes in large steps. A thread grows at its end; if every turn took a little from its beginning, no request
would begin as the one before it did, and nothing would be read from the prompt cache.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

from bot.engine.answer.prompt.markup import Block
from bot.media import estimate_tokens

GONE = "(An image or file from earlier in this thread is no longer shown: the thread holds too many.)"
LEFT_OUT = "(The beginning of this thread is left out: it has grown too long.)"
_SENTENCE_TOKENS = 40
"""The most that such a sentence costs."""
_STEP = 0.3
"""The part of the room that is cleared at once."""
_FRESH_TURNS = 8
"""The files of the latest turns, so many or at least a quarter as many, count as no older than the words."""

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """What a history may hold: tokens, and images and documents by their number and their bytes in base64."""

    tokens: int
    files: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class _File:
    """An image or document in a history: where it stands, and what is gained if a sentence takes its place."""

    message: int
    block: int
    tokens: int
    size_bytes: int


def tokens_of(content: str | Sequence[Mapping[str, Any]]) -> int:
    """Return about what a message's content costs."""
    return _block_tokens({"text": content}) if isinstance(content, str) else sum(map(_block_tokens, content))


def _block_tokens(block: Mapping[str, Any]) -> int:
    source = block.get("source")
    if isinstance(source, Mapping) and source.get("type") == "blob":
        return int(source.get("tokens", 2_000))  # a record of an older version does not say
    return estimate_tokens(block)


def trimmed(history: Messages, room: HistoryLimits) -> list[dict[str, Any]]:
    """Return a history that fits, with sentences in place of the files and the first turns that were left out. The
    longer history of a later turn mostly begins the same way.
    """
    files = list(_files(history))
    cost = sum(tokens_of(message["content"]) for message in history)
    too_much = _cleared(cost, room.tokens)
    gone = _leaving(history, files, room, too_much)
    kept = [_without(message, [f.block for f in gone if f.message == at]) for at, message in enumerate(history)]
    return _shortened(kept, too_much - sum(file.tokens for file in gone))


def _cleared(amount: int, most: int) -> int:
    """Return how much of an amount to leave out, in whole steps."""
    step = max(1, int(most * _STEP))
    return ceil(max(0, amount - most) / step) * step


def _files(history: Messages) -> Iterator[_File]:
    for at, message in enumerate(history):
        content = message["content"]
        for place, block in enumerate(content if isinstance(content, list) else ()):
            source = block.get("source")
            if isinstance(source, Mapping) and source.get("type") == "blob":
                gain = max(0, _block_tokens(block) - _SENTENCE_TOKENS)
                yield _File(at, place, gain, int(source.get("bytes", 500_000)) * 4 // 3)


def _leaving(history: Messages, files: Sequence[_File], room: HistoryLimits, tokens: int) -> list[_File]:
    """Return the files to leave out, oldest first: fresh ones only if the request could not be made with them."""
    turns = [at for at, message in enumerate(history) if _opens(message)]
    fresh_from = (
        turns[(len(turns) - _FRESH_TURNS // 4) // _FRESH_TURNS * _FRESH_TURNS] if len(turns) > _FRESH_TURNS else 0
    )
    number = _cleared(len(files), room.files)
    size_bytes = _cleared(sum(file.size_bytes for file in files), room.file_bytes)
    gone: list[_File] = []
    for file in files:
        must = number > 0 or size_bytes > 0
        if not must and (tokens <= 0 or file.message >= fresh_from):
            break
        gone.append(file)
        number, size_bytes, tokens = number - 1, size_bytes - file.size_bytes, tokens - file.tokens
    return gone


def _without(message: Mapping[str, Any], blocks: Sequence[int]) -> dict[str, Any]:
    if not blocks:
        return dict(message)
    gone: Block = {"type": "text", "text": GONE}
    return {**message, "content": [gone if at in blocks else b for at, b in enumerate(message["content"])]}


def _opens(message: Mapping[str, Any]) -> bool:
    """Return whether a message begins a turn: a person's words, not a tool's result."""
    content = message["content"]
    results = isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)
    return message["role"] == "user" and not results


def _shortened(history: list[dict[str, Any]], tokens: int) -> list[dict[str, Any]]:
    """Return a history without its first turns, enough of them to free so many tokens; the last one stays."""
    starts = [at for at, message in enumerate(history) if _opens(message)]
    begin, tokens = 0, tokens + _SENTENCE_TOKENS if tokens > 0 else 0
    for start, following in pairwise(starts):
        if tokens <= 0:
            break
        tokens -= sum(tokens_of(message["content"]) for message in history[start:following])
        begin = following
    if not begin:
        return history
    first = history[begin]
    content = first["content"] if isinstance(first["content"], list) else [{"type": "text", "text": first["content"]}]
    return [{**first, "content": [{"type": "text", "text": LEFT_OUT}, *content]}, *history[begin + 1 :]]
