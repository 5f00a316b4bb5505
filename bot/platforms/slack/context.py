"""What was said before a question and belongs to it: its thread, and the talk around it where that is meant."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import MOST_TALK, TALK_S, Incoming, Said, ThreadKey
from bot.platforms.slack.calls import Calls, NoMessage
from bot.platforms.slack.translate import Message, Translator

log = structlog.get_logger()

_PAGE = 200
"""Slack docs, reference/methods/conversations.replies: no more than 200 at a time are recommended."""
_MOST_PAGES = 25
DM_TALK_S = 86400.0
"""In a DM so old talk at the top level is still context for what is written there now."""


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
    """Return up to `limit` messages from before a question, oldest first: of its thread the root, then the newest.

    What opens a thread stands alone, but in a DM, where people write below one another as they do on other platforms,
    and if it says nothing itself: then the talk before it is meant.
    """
    if limit < 1 or not (question.in_thread or question.direct or not question.has_words):
        return []
    try:
        me = await calls.me()
        chosen = await (_chosen if question.in_thread else _talk)(calls, question, limit)
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


async def _talk(calls: Calls, question: Incoming, limit: int) -> list[Message]:
    """The last messages at the top level of a channel or DM, as far as they are of one talk with the question."""
    oldest_s = question.sent_at_s - (DM_TALK_S if question.direct else TALK_S)
    bounds = {"oldest": f"{oldest_s:.6f}", "latest": question.key.message, "limit": min(limit, MOST_TALK)}
    answer = await calls.read("conversations.history", channel=question.key.channel, **bounds)
    return list(reversed(answer.get("messages") or []))
