"""What Claude is told of a turn: the questions with their files, and what was said before if it belongs to them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.engine.gather import gather_uploads
from bot.engine.prompt import Block, Gathered, context_blocks, question_blocks
from bot.errors import PlatformError
from bot.events import Said, Turn
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


async def tell(turn: Turn, platform: Platform, surface: Surface, settings: AskSettings, *, opening: bool) -> Told:
    """Return the user message of a turn. `opening`: it is the first one of its thread. Never raises for a bad file."""
    limits = {"limit": settings.uploads, "max_bytes": settings.upload_bytes}
    asked = [question for question in turn.questions if question.text or question.uploads]
    files = await asyncio.gather(*(gather_uploads(platform, q.uploads, **limits) for q in asked))
    context = await _context(turn, platform, surface, settings, opening=opening)
    questions = question_blocks(list(zip(asked, files, strict=True)))
    return Told([*context, *questions], tuple(note for file in files for note in file.notes))


async def _context(
    turn: Turn, platform: Platform, surface: Surface, settings: AskSettings, *, opening: bool
) -> list[Block]:
    """What was said before the bot was called: at its first turn in a thread, or when a message replies to one; and
    what the asker had said just before.
    """
    blocks: list[Block] = []
    hidden_too = any("spoiler" in question.text.casefold() for question in turn.questions)
    if opening or any(question.reply_to for question in turn.questions):
        blocks += await _said(await _earlier(surface, settings), platform, settings, hidden_too=hidden_too)
    for question in turn.questions:
        burst = await _said(question.burst, platform, settings, hidden_too=True)
        blocks += [{**block, "said": question.key.message} for block in burst]
    return blocks


async def _said(said: Sequence[Said], platform: Platform, settings: AskSettings, *, hidden_too: bool) -> list[Block]:
    """The newest images are shown, as many as one message may bring, and those hidden as spoilers only if they are
    asked for; why one was left out is told to Claude alone.
    """
    room = settings.uploads
    found: list[Gathered] = []
    for line in reversed(said):
        shown = [upload for upload in line.uploads if hidden_too or not upload.spoiler]
        found.append(await gather_uploads(platform, shown[:room], limit=room, max_bytes=settings.upload_bytes))
        room -= min(room, len(shown))
    return context_blocks(list(zip(said, reversed(found), strict=True)))


async def _earlier(surface: Surface, settings: AskSettings) -> Sequence[Said]:
    try:
        return await surface.earlier(settings.context_messages)
    except PlatformError as error:
        log.warning("earlier messages cannot be read", error=type(error).__name__, detail=error.detail)
        return []
