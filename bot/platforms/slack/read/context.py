"""The earlier messages of a question: its thread, the messages that it links to, and the talk around it where that is
meant.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from bot.errors import PlatformError
from bot.events import MOST_TALK, TALK_S, Earlier, Incoming, ThreadKey
from bot.platforms.kernel.patience import Patience, missing
from bot.platforms.slack.calls import Calls, NoMessage, Refused
from bot.platforms.slack.read.mrkdwn import Link, links_in
from bot.platforms.slack.read.readable import messages_in, next_cursor
from bot.platforms.slack.read.translate import Message, Translator

log = structlog.get_logger()

_PAGE = 200
"""Slack docs, reference/methods/conversations.replies: no more than 200 at a time are recommended."""
_MOST_PAGES = 25
DM_TALK_S = 86400.0
"""In a DM so old talk at the top level is still context for what is written there now."""
_MOST_LINKS = 5
_OUTSIDERS = frozenset({"external", "guest", "unknown"})
"""Who may not read every public channel of the workspace."""
_THREAD, _NEWER, _LINKED = "what was said here before", "newer messages of this thread", "a message that is linked here"
_CLOSED = "a message that is linked here from a place that not everybody may read"
_FORBIDDEN = "messages here that I have no permission for"

Read = Callable[..., Awaitable[dict[str, Any]]]
"""Makes a call of a reading method: `Calls.read`, or one that is more patient."""


async def thread_pages(read: Read, channel: str, thread: str, **bounds: Any) -> AsyncIterator[list[Message]]:
    """Yield a thread's messages page by page, oldest first, the root always among them. Raise `PlatformError`s.

    `bounds`: `oldest`, `latest` (both exclusive) and whatever else conversations.replies takes.
    """
    arguments = {"channel": channel, "ts": thread, "limit": _PAGE, **bounds}
    for _ in range(_MOST_PAGES):
        answer = await read("conversations.replies", **arguments)
        yield messages_in(answer, "conversations.replies")
        cursor = next_cursor(answer)
        if not cursor:
            return
        arguments["cursor"] = cursor
    log.warning("slack_thread_too_long", channel=channel, thread=thread, read=_PAGE * _MOST_PAGES)


async def message_at(calls: Calls, thread: ThreadKey, ts: str) -> Message | None:
    """Return one message of a thread, None if it was deleted. Raise `PlatformError`s."""
    bounds = {"oldest": ts, "latest": ts, "inclusive": "true", "limit": 2}  # the root, and it
    try:
        answer = await calls.read("conversations.replies", channel=thread.channel, ts=thread.thread, **bounds)
    except NoMessage:
        return None
    found = next((message for message in messages_in(answer, "conversations.replies") if message["ts"] == ts), None)
    return None if found is None or found.get("subtype") == "tombstone" else found


async def said_before(calls: Calls, translator: Translator, question: Incoming, limit: int, *, thread: bool) -> Earlier:
    """Return up to `limit` messages from before a question, oldest first: of its thread the root, then the newest; and
    those it links to. Names what of them cannot be read.

    A message that opens a thread stands alone, with two exceptions: in a DM, where people write below one another as on
    other platforms, and if it has no text itself. Then the talk before it is meant.
    """
    reader = _Reader(calls, translator, question)
    if thread and limit > 0 and question.in_thread:
        await reader.thread(limit)
    elif thread and limit > 0 and (question.direct or not question.has_words):
        await reader.talk(limit)
    await reader.links()
    return await reader.told()


class _Reader:
    """Reads messages for one question, patiently; each read that fails is logged and named."""

    def __init__(self, calls: Calls, translator: Translator, question: Incoming) -> None:
        self._calls = calls
        self._translator = translator
        self._question = question
        self._patience = Patience()
        self._chosen: list[Message] = []
        self._linked: list[tuple[Message, str]] = []
        self._missing: list[str] = []

    async def thread(self, limit: int) -> None:
        """Read a thread up to the question; pages already read are kept if the next one fails."""
        channel, thread = self._question.key.channel, self._question.thread.thread
        begun = self._translator.begun.take(channel, thread)
        root = next((message for message in begun if message.get("ts") == thread), None)
        newest = deque((message for message in begun if message is not root), maxlen=limit - 1)
        bounds = {"latest": self._question.key.message, **({"oldest": newest[-1]["ts"]} if newest else {})}
        try:
            async for page in thread_pages(self._ask, channel, thread, **bounds):
                root = next((message for message in page if message.get("ts") == thread), root)
                newest += (message for message in page if message.get("ts") not in {thread, self._question.key.message})
        except PlatformError as error:
            self._failed(error, _NEWER if newest else _THREAD)
            self._translator.begun.keep(channel, thread, [*filter(None, [root]), *newest])
        self._chosen = [*filter(None, [root]), *newest]

    async def talk(self, limit: int) -> None:
        """Read the last messages at the top level of a channel or DM, as far as they are of one talk with this one."""
        channel, oldest_s = self._question.key.channel, self._question.sent_at_s
        oldest_s -= DM_TALK_S if self._question.direct else TALK_S
        bounds = {"oldest": f"{oldest_s:.6f}", "latest": self._question.key.message, "limit": min(limit, MOST_TALK)}
        try:
            answer = await self._ask("conversations.history", channel=channel, **bounds)
        except PlatformError as error:
            self._failed(
                error, "" if self._question.has_words else _THREAD
            )  # nobody asked for it by words of their own
        else:
            self._chosen = messages_in(answer, "conversations.history")

    async def links(self) -> None:
        """Read the messages that the question links to, where everybody here may read them."""
        for link in links_in(self._question.text)[:_MOST_LINKS]:
            here = link.channel == self._question.key.channel
            channel = await self._translator.channels.channel(link.channel)
            if not here and not (channel.public and not self._question.author.roles & _OUTSIDERS):
                self._missing.append(_CLOSED)
                continue
            try:
                found = await linked_message(self._ask, link)
            except PlatformError as error:
                self._failed(error, _LINKED)
            else:
                self._linked += [(found, "" if here else f"#{channel.name}")] if found else []

    async def told(self) -> Earlier:
        """Return what was read as `bot.events`, each message once."""
        try:
            me = await self._calls.me()
        except PlatformError as error:
            self._failed(error, _THREAD)
            return Earlier((), missing(self._missing))
        chosen = [*self._linked, *((message, "") for message in self._chosen)]
        by_ts = {str(message["ts"]): (message, place) for message, place in reversed(chosen) if message.get("ts")}
        oldest_first = [by_ts[ts] for ts in sorted(by_ts, key=float)]
        told = await asyncio.gather(*(self._translator.said(message, me) for message, _ in oldest_first))
        places = (place for _, place in oldest_first)
        said = (replace(one, place=place) for one, place in zip(told, places, strict=True) if one is not None)
        return Earlier(tuple(said), missing(self._missing))

    async def _ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        return await self._patience.read(lambda: self._calls.read(method, **arguments))

    def _failed(self, error: PlatformError, what: str) -> None:
        log.warning("slack_context_unreadable", question=str(self._question.key), reason=error.detail)
        if what and not isinstance(error, NoMessage):
            self._missing.append(_FORBIDDEN if isinstance(error, Refused) else what)


async def linked_message(read: Read, link: Link) -> Message | None:
    """Return a message that is linked to, None if it was deleted. Raise `PlatformError`s."""
    bounds = {"oldest": link.ts, "latest": link.ts, "inclusive": "true"}
    if link.thread and link.thread != link.ts:
        method, there = "conversations.replies", {"ts": link.thread, "limit": 2}
    else:
        method, there = "conversations.history", {"limit": 1}
    answer = await read(method, channel=link.channel, **there, **bounds)
    return next((message for message in messages_in(answer, method) if message["ts"] == link.ts), None)
