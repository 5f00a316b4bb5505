"""Uploads → content blocks. A file that cannot be shown becomes a sentence, for Claude and for the reader."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.engine.prompt import Block, file_label, refused_upload
from bot.errors import MediaError
from bot.events import Upload
from bot.media import block_for, read
from bot.ports import Platform

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Gathered:
    """One message's uploads as content, and the lines its readers get about them (left out, reduced)."""

    blocks: tuple[Block, ...] = ()
    notes: tuple[str, ...] = ()


async def gather_uploads(platform: Platform, uploads: Sequence[Upload], *, limit: int, max_bytes: int) -> Gathered:
    """Download and read up to `limit` uploads, at the same time, each at most `max_bytes` long. Never raises for a
    bad file: it is named in `notes` and told to Claude in its place.
    """
    taken, left = uploads[:limit], uploads[limit:]
    results = await asyncio.gather(*(_one(platform, upload, max_bytes) for upload in taken))
    over = [f"{upload.name} was left out: I look at {limit} files of a message at most." for upload in left]
    blocks = [block for result in results for block in result.blocks] + [refused_upload(line) for line in over]
    notes = [note for result in results for note in result.notes] + over
    return Gathered(tuple(blocks), tuple(notes))


async def _one(platform: Platform, upload: Upload, max_bytes: int) -> Gathered:
    try:
        media = await read(await platform.download(upload, max_bytes), upload)
    except MediaError as error:
        log.info("upload left out", upload=upload.id, reason=error.detail or type(error).__name__)
        return Gathered((refused_upload(error.sentence),), (error.sentence,))
    label = file_label(media.kind, media.name)
    return Gathered((label, block_for(media.media_type, media.data, media.name)), (media.note,) if media.note else ())
