"""What Claude is told of a turn: the questions with their files, and what was said before if it belongs to them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.engine.gather import gather_uploads
from bot.engine.prompt import Block, Gathered, about_blocks, context_blocks, question_blocks, told_before
from bot.errors import PlatformError
from bot.events import Incoming, Said, Turn
from bot.ports import Platform, Surface

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AskSettings:
    """How Claude is asked. `system` is the configured text; sizes in bytes, counts per message.

    `context_tokens`: how much of a thread a question may bring along, by estimate.
    """

    system: str
    max_tokens: int
    context_tokens: int
    context_messages: int
    uploads: int
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class Told:
    """The user message of a turn, and the notes its readers get about its files."""

    blocks: Sequence[Block]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Before:
    """What was said before a turn. `background`: the talk it belongs to. `about`: what its questions are about, and
    `burst`: what their authors had said just before, both by the question's id.
    """

    background: Sequence[Said]
    about: Mapping[str, Sequence[Said]]
    burst: Mapping[str, Sequence[Said]]


async def tell(
    turn: Turn, platform: Platform, surface: Surface, settings: AskSettings, *, history: Sequence[Mapping[str, Any]]
) -> Told:
    """Return the user message of a turn, never an empty one. `history`: its thread's. Never raises for a bad file."""
    limits = {"limit": settings.uploads, "max_bytes": settings.upload_bytes}
    files = await asyncio.gather(*(gather_uploads(platform, q.uploads, **limits) for q in turn.asked))
    before = before_turn(turn.asked, await _earlier(turn.asked, surface, settings, history), history)
    blocks = context_blocks(await _said(before.background, platform, settings))
    for question, found in zip(turn.asked, files, strict=True):
        said = question.key.message
        burst = context_blocks(await _said(before.burst.get(said, ()), platform, settings))
        blocks += [{**block, "said": said} for block in burst]
        blocks += about_blocks(await _said(before.about.get(said, ()), platform, settings), question)
        blocks += question_blocks([(question, found)])
    return Told(blocks, tuple(note for file in files for note in file.notes))


def before_turn(asked: Sequence[Incoming], earlier: Sequence[Said], history: Sequence[Mapping[str, Any]]) -> _Before:
    """Sort what was said before some questions. A question is about what it replies to; if none of them has a word,
    the first is about all that was said just before. What the history holds is not told again, unless it is replied to.
    """
    if not any("spoiler" in question.text.casefold() for question in asked):
        earlier = [_without_hidden(line) for line in earlier]
    about = {q.key.message: [one for one in earlier if q.reply_to and one.message_id == q.reply_to] for q in asked}
    replied = {line.message_id for lines in about.values() for line in lines}
    theirs = {line.message_id for question in asked for line in question.burst} - {""}
    known = told_before(history) | replied | theirs
    new = [line for line in earlier if line.message_id not in known and not (history and line.by_bot)]
    if not asked or replied or any(question.has_words for question in asked):
        return _Before(new, about, {question.key.message: question.burst for question in asked})
    bursts = [line for question in asked for line in question.burst]
    return _Before((), {asked[0].key.message: sorted([*new, *bursts], key=_platform_order)}, {})


def _platform_order(line: Said) -> tuple[int, str]:
    return len(line.message_id), line.message_id


def _without_hidden(line: Said) -> Said:
    """Images hidden as spoilers are shown only if they are asked for."""
    return replace(line, uploads=tuple(upload for upload in line.uploads if not upload.spoiler))


async def _said(said: Sequence[Said], platform: Platform, settings: AskSettings) -> list[tuple[Said, Gathered]]:
    """The newest images are shown, as many as one message may bring; why one was left out is told to Claude alone."""
    room = settings.uploads
    found: list[Gathered] = []
    for line in reversed(said):
        uploads = line.uploads[:room]
        found.append(await gather_uploads(platform, uploads, limit=room, max_bytes=settings.upload_bytes))
        room -= len(uploads)
    return list(zip(said, reversed(found), strict=True))


async def _earlier(
    asked: Sequence[Incoming], surface: Surface, settings: AskSettings, history: Sequence[Mapping[str, Any]]
) -> Sequence[Said]:
    """What was said where the bot is called, if that may matter: at the first turn of a thread, to a reply, and to who
    says nothing.
    """
    if history and not any(question.reply_to or not question.has_words for question in asked):
        return []
    try:
        return (await surface.earlier(settings.context_messages)).said
    except PlatformError as error:
        log.warning("earlier messages cannot be read", error=type(error).__name__, detail=error.detail)
        return []
