"""Files out: Slack takes one in three steps (docs, messaging/working-with-files), then shows it when it is ready."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from bot.errors import RateLimited, Unreachable
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Calls, NotSent, Refused, field

log = structlog.get_logger()

_LOOKS_AFTER_S = (0.0, *BackOff(0.4, 6.0).waits_s(5))
"""Slack shares a file only after it has answered the call and scanned the file; only a look-up tells when that is done
(slackapi/python-slack-sdk#1329)."""


async def share(calls: Calls, channel: str, thread: str, name: str, data: bytes, *, comment: str = "") -> str:
    """Post a file in a thread; return the `ts` of the message that shows it. Raise `PlatformError`s.

    After `Unreachable` (but not `NotSent`) the file may still be there, or still appear.
    """
    place = await calls.read("files.getUploadURLExternal", filename=name, length=len(data))
    url, file_id = (field(place, key, "files.getUploadURLExternal") for key in ("upload_url", "file_id"))
    await calls.upload(url, data)
    said = {"initial_comment": comment} if comment else {}
    files = [{"id": file_id, "title": name}]
    try:
        await calls.write("files.completeUploadExternal", files=files, channel_id=channel, thread_ts=thread, **said)
    except NotSent:
        raise
    except Unreachable as error:
        log.info("slack_file_in_doubt", channel=channel, file=file_id, reason=error.detail)
    return await _shared_as(calls, channel, thread, file_id)


async def _shared_as(calls: Calls, channel: str, thread: str, file_id: str) -> str:
    """Return the `ts` of the message that shows a file, once it does. Raise `Unreachable` if none does."""
    for wait_s in _LOOKS_AFTER_S:
        await asyncio.sleep(wait_s)
        try:
            answer = await calls.read("files.info", file=file_id)
        except RateLimited as error:
            await asyncio.sleep(min(error.retry_after_s, _LOOKS_AFTER_S[-1]))
            continue
        except Refused as error:  # the thread can still show it
            raise Unreachable("Slack does not say where the file is shown.", error.detail) from error
        except Unreachable as error:
            log.info("slack_file_unknown", file=file_id, reason=error.detail)
            continue
        if ts := _share_in(answer.get("file") or {}, channel, thread):
            return ts
    raise Unreachable("Slack does not show the file yet.", f"files.info: {file_id} is not shared")


def _share_in(file: Mapping[str, Any], channel: str, thread: str) -> str:
    """Return the `ts` of the message in a thread that shows a file (Slack docs, reference/objects/file-object)."""
    try:
        shares = [share for kind in (file.get("shares") or {}).values() for share in kind.get(channel) or ()]
        return next((str(share["ts"]) for share in shares if share.get("thread_ts") == thread), "")
    except MISREAD as error:
        misread("slack_answer_unreadable", file, error, method="files.info")
        return ""
