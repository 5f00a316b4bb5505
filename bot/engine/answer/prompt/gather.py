"""Turns uploads into content blocks. A file that cannot be shown becomes a sentence, for Claude and for the reader."""

import asyncio
from collections.abc import Sequence

import structlog

from bot.engine.answer.prompt.markup import Gathered, file_label, refused_upload
from bot.errors import MediaError
from bot.events import Upload
from bot.media import block_for, one_message, read
from bot.ports import Platform

log = structlog.get_logger()


async def gather_uploads(platform: Platform, uploads: Sequence[Upload], *, limit: int, max_bytes: int) -> Gathered:
    """Download and read up to `limit` uploads in parallel, each at most `max_bytes` long. Never raises for a bad file:
    `notes` names it, and Claude is told in its place.
    """
    taken, left = uploads[:limit], uploads[limit:]
    with one_message():
        results = await asyncio.gather(*(_one(platform, upload, max_bytes) for upload in taken))
    over = [f"{upload.name} was left out: I look at no more than {limit} of a message." for upload in left]
    blocks = [block for result in results for block in result.blocks]
    blocks += [refused_upload(line, upload.title) for line, upload in zip(over, left, strict=True)]
    notes = [note for result in results for note in result.notes] + over
    words = "\n".join(result.words for result in results if result.words)
    return Gathered(tuple(blocks), words, tuple(notes))


async def _one(platform: Platform, upload: Upload, max_bytes: int) -> Gathered:
    try:
        media = await read(await platform.download(upload, max_bytes), upload)
    except MediaError as error:
        log.info("upload_left_out", upload=upload.id, reason=error.detail or type(error).__name__)
        return Gathered((refused_upload(error.sentence, upload.title),), notes=(error.sentence,))
    if media.kind == "text" and upload.name == platform.traits.pasted_file:
        return Gathered(words=media.data.decode())
    label = file_label(media.kind, f"{media.name} ({media.about})" if media.about else media.name, upload.title)
    block = block_for(media.media_type, media.data, media.name, media.pages)
    return Gathered((label, block), notes=(media.note,) if media.note else ())
