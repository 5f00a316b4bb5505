"""What Claude is told of a turn: the questions with their files, and the earlier messages that belong to them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.engine.answer.prompt.asked import asked_block, knows_place, missing_before
from bot.engine.answer.prompt.gather import gather_uploads
from bot.engine.answer.prompt.markup import Gathered, about_blocks, context_blocks, question_blocks, told_before
from bot.engine.sentences import WITHOUT
from bot.engine.turns.running_turn import UserMessage
from bot.events import Earlier, Incoming, Place, Said, Turn
from bot.places import Profile
from bot.ports import Platform, Surface

MOST_CHARACTERS = 60_000
"""The limit for all earlier messages that a question brings along: what is beyond it is rarely what the question is
about."""

PLACE_LASTS = 60
"""After so many messages of a history the place is told again: the beginning of a long thread is trimmed."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What was written before a turn. `background`: the talk it belongs to. By each question's id, `about`: what it is
    about, and `said_before`: what its author wrote just before.
    """

    background: Sequence[Said]
    about: Mapping[str, Sequence[Said]]
    said_before: Mapping[str, Sequence[Said]]


async def build_user_message(
    turn: Turn, platform: Platform, surface: Surface, profile: Profile, *, history: Sequence[Mapping[str, Any]]
) -> UserMessage:
    """Return the user message of a turn, never empty. `history`: its thread's. Never raises for a bad file."""
    files, earlier, place = await asyncio.gather(
        _files(turn, platform, profile),
        _earlier(turn, platform, surface, profile, history),
        _place(surface, history),
    )
    before = before_turn(turn.asked, earlier.said, history)
    background = _with_room(before.background)
    lacking: dict[str, Any] = {"missing": earlier.missing, "left_out": len(before.background) - len(background)}
    blocks = [asked_block(turn.asked or turn.questions, place, platform.now_s(), **lacking)]
    blocks += context_blocks(await _said(background, platform, profile))
    for question, found in zip(turn.asked, files, strict=True):
        said = question.key.message
        just_before = context_blocks(await _said(before.said_before.get(said, ()), platform, profile))
        blocks += [{**block, "said": said} for block in just_before]
        blocks += about_blocks(await _said(before.about.get(said, ()), platform, profile), question)
        blocks += question_blocks([(question, found)])
    news = earlier.missing and earlier.missing != missing_before(history)
    notes = [WITHOUT.format(missing=earlier.missing)] if news else []
    return UserMessage(blocks, (*notes, *(note for file in files for note in file.notes)))


async def _files(turn: Turn, platform: Platform, profile: Profile) -> list[Gathered]:
    limits = {"limit": profile.uploads_per_message, "max_bytes": profile.upload_bytes}
    return await asyncio.gather(*(gather_uploads(platform, q.uploads, **limits) for q in turn.asked))


async def _place(surface: Surface, history: Sequence[Mapping[str, Any]]) -> Place | None:
    return None if knows_place(history[-PLACE_LASTS:]) else await surface.place()


def before_turn(asked: Sequence[Incoming], earlier: Sequence[Said], history: Sequence[Mapping[str, Any]]) -> _Before:
    """Sort what was written before some questions. A question is about what it replies to; if none of them has a word,
    the first is about everything written just before. What the history holds is not told again, unless a question
    replies to it.
    """
    if not any("spoiler" in question.text.casefold() for question in asked):
        earlier = [_without_hidden(line) for line in earlier]
    about = {q.key.message: [one for one in earlier if q.reply_to and one.message_id == q.reply_to] for q in asked}
    replied = {line.message_id for lines in about.values() for line in lines}
    theirs = {line.message_id for question in asked for line in question.said_before} - {""}
    known = told_before(history) | replied | theirs
    new = [line for line in earlier if line.message_id not in known and not (history and line.by_bot)]
    if not asked or replied or any(question.has_words for question in asked):
        return _Before(new, about, {question.key.message: question.said_before for question in asked})
    said_before = [line for question in asked for line in question.said_before]
    return _Before((), {asked[0].key.message: sorted([*new, *said_before], key=lambda line: line.order)}, {})


def _without_hidden(line: Said) -> Said:
    """Return a line without its images that are hidden as spoilers: they are shown only on request."""
    return replace(line, uploads=tuple(upload for upload in line.uploads if not upload.spoiler))


async def _said(said: Sequence[Said], platform: Platform, profile: Profile) -> list[tuple[Said, Gathered]]:
    """Return lines with their uploads: the newest images, as many as one message may bring. Only Claude is told why
    others were left out.
    """
    room = profile.uploads_per_message
    found: list[Gathered] = []
    for line in reversed(said):
        uploads = line.uploads[:room]
        found.append(await gather_uploads(platform, uploads, limit=room, max_bytes=profile.upload_bytes))
        room -= len(uploads)
    return list(zip(said, reversed(found), strict=True))


async def _earlier(
    turn: Turn, platform: Platform, surface: Surface, profile: Profile, history: Sequence[Mapping[str, Any]]
) -> Earlier:
    """Return the earlier messages where the bot was asked, if they may matter: at the first turn of a thread, while
    some of it is missing, for a reply, and for a question without words. What a question links to is read in any case.
    """
    if not platform.traits.reads_history:
        return Earlier()
    whole = profile.reads_between or not history or bool(missing_before(history))

    async def read(question: Incoming) -> Earlier:
        first = question is turn.questions[0]
        thread = (first and whole) or bool(question.reply_to) or not question.has_words
        return await surface.earlier(question, profile.context_messages, thread=thread)

    found = await asyncio.gather(*(read(question) for question in turn.asked))
    lines = {line.message_id or (n, at): line for n, one in enumerate(found) for at, line in enumerate(one.said)}
    missing = dict.fromkeys(one.missing for one in found if one.missing)
    return Earlier(tuple(sorted(lines.values(), key=lambda line: line.order)), " and ".join(missing))


def _with_room(said: Sequence[Said]) -> Sequence[Said]:
    """Return as many of the newest lines as have room together."""
    room = MOST_CHARACTERS
    for at, line in reversed(list(enumerate(said))):
        room -= len(line.text)
        if room < 0:
            return said[at + 1 :]
    return said
