"""What was said before a question and belongs to it: its thread."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import Incoming, Said, ThreadKey
from bot.platforms.slack.calls import Calls, NoMessage
from bot.platforms.slack.translate import Message, Translator

log = structlog.get_logger()

_PAGE = 200
"""Slack docs, reference/methods/conversations.replies: no more than 200 at a time are recommended."""
_MOST_PAGES = 25


async def thread_pages(calls: Calls, channel: str, thread: str, **bounds: Any) -> AsyncIterator[list[Message]]:
    """Yield a thread's messages page by page, oldest first, the root always among them. Raises `PlatformError`s.

    `bounds`: `oldest`, `latest` (both exclusive) and whatever else conversations.replies takes.
    """
    arguments = {"channel": channel, "ts": thread, "limit": _PAGE, **bounds}
    for _ in range(_MOST_PAGES):
        answer = await calls.read("conversations.replies", **arguments)
        yield answer.get("messages") or []
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
        arguments["cursor"] = cursor
    log.warning("slack_thread_too_long", channel=channel, thread=thread, read=_PAGE * _MOST_PAGES)


async def message_at(calls: Calls, thread: ThreadKey, ts: str) -> Message | None:
    """Return one message of a thread, None if it was deleted. Raises `PlatformError`s."""
    bounds = {"oldest": ts, "latest": ts, "inclusive": "true", "limit": 2}  # the root, and it
    try:
        answer = await calls.read("conversations.replies", channel=thread.channel, ts=thread.thread, **bounds)
    except NoMessage:
        return None
    found = next((message for message in answer.get("messages") or [] if message.get("ts") == ts), None)
    return None if found is None or found.get("subtype") == "tombstone" else found


async def said_before(calls: Calls, translator: Translator, question: Incoming, limit: int) -> list[Said]:
    """Return up to `limit` messages from before a question in its thread, oldest first: the root, then the newest."""
    if not question.in_thread or limit < 1:
        return []
    try:
        me = await calls.me()
        chosen = await _chosen(calls, question, limit)
    except PlatformError as error:
        log.warning("slack_context_unreadable", question=str(question.key), reason=error.detail)
        return []
    told = await asyncio.gather(*(translator.said(message, me) for message in chosen))
    return [said for said in told if said is not None]


async def _chosen(calls: Calls, question: Incoming, limit: int) -> list[Message]:
    root: Message | None = None
    newest: deque[Message] = deque(maxlen=limit - 1)
    before = {"latest": question.key.message}
    async for page in thread_pages(calls, question.key.channel, question.thread.thread, **before):
        for message in page:
            if message.get("ts") == question.thread.thread:
                root = message
            elif message.get("ts") != question.key.message:
                newest.append(message)
    return [*([root] if root is not None else []), *newest]
