"""Posts and edits out: the thread a question is answered in.

Text goes out in a markdown block, whose special characters are entities: nothing in it can notify anybody. Links are
not unfolded.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import structlog

from bot.errors import PlatformError, Unreachable
from bot.events import Budget, Incoming, Limits, Said
from bot.platforms.slack.calls import Calls, NotSent, Refused
from bot.platforms.slack.context import said_before, thread_pages
from bot.platforms.slack.markup import SlackDialect
from bot.platforms.slack.translate import Message, Translator, is_own

log = structlog.get_logger()

_EVENT_TYPE = "parley_part"
_NOTICE_SIZE = 150
_ENTITY_CUT = re.compile(r"&[a-z]{0,3}\Z")
_RESENT = {"type": "context", "elements": [{"type": "plain_text", "text": "(resent)"}]}
_GRACE_S = 0.5
"""A call whose answer was lost may still be at work in Slack when we look for what it did."""
_PLAIN: dict[str, Any] = {"parse": "none", "link_names": False}
"""No `@name` and no `#channel` in plain text becomes a mention; the default of chat.update is another one."""


class SlackSurface:
    """The thread of one question. `complaints`: reasons why a status was refused that are in the log already."""

    def __init__(self, calls: Calls, translator: Translator, question: Incoming, complaints: set[str]) -> None:
        self.dialect = SlackDialect()
        self._calls = calls
        self._translator = translator
        self._question = question
        self._complaints = complaints
        self._channel = question.key.channel
        self._thread = question.thread.thread
        self._posted: dict[str, str] = {}
        self._unsent: set[str] = set()
        self._doubted: set[str] = set()
        self._labelled: set[str] = set()

    @property
    def limits(self) -> Limits:
        """Slack counts calls per method and workspace; posts also about one a second per channel, with bursts
        (Slack docs, apis/web-api/rate-limits: tier 3 is 50 a minute).

        A message may hold 12,000 characters of markdown blocks (reference/block-kit/blocks/markdown-block). A page is
        shorter: it is read in one go, each edit sends all of it, and what Slack makes of the entities has room. A
        status fades after two minutes (reference/methods/assistant.threads.setStatus).
        """
        team = self._question.key.workspace
        return Limits(
            page_size=8000,
            posts=Budget(f"slack:{team}:{self._channel}:chat.postMessage", 5, 5.0),
            edits=Budget(f"slack:{team}:chat.update", 50, 60.0),
            status_lasts_s=100.0,
        )

    async def post(self, text: str, mark: str, *, again: bool = False) -> str:
        """Post rendered text; return the message's `ts`. One mark makes one message, however often it is asked for.

        Slack has no idempotency key, so the mark travels as message metadata. After a call whose outcome is not known,
        or with `again`, the thread is read first, and a message of ours with the mark is taken for the post. If the
        thread may not be read, the post is made once more, labelled "(resent)"; a second doubt then raises `Forbidden`.
        """
        if mark not in self._posted:
            in_doubt = again and mark not in self._unsent
            self._posted[mark] = await (self._find_or_post if in_doubt else self._post_once)(text, mark)
        return self._posted[mark]

    async def _post_once(self, text: str, mark: str) -> str:
        self._unsent.discard(mark)
        try:
            return await self._send(text, mark)
        except NotSent:
            self._unsent.add(mark)
            raise
        except Unreachable as error:
            log.info("slack_post_in_doubt", channel=self._channel, mark=mark, reason=error.detail)
        await asyncio.sleep(_GRACE_S)
        return await self._find_or_post(text, mark)

    async def _find_or_post(self, text: str, mark: str) -> str:
        try:
            found = await self._find(mark)
        except Refused as refused:
            return await self._resend(text, mark, refused)
        return found or await self._send(text, mark)

    async def _find(self, mark: str) -> str | None:
        """Return the `ts` of our message with this mark in the thread, None if there is none."""
        me = await self._calls.me()
        after = {"oldest": self._question.key.message, "include_all_metadata": True}
        async for page in thread_pages(self._calls, self._channel, self._thread, **after):
            for message in page:
                if is_own(message, me) and _mark_of(message) == mark:
                    log.info("slack_post_found", channel=self._channel, mark=mark)
                    return str(message["ts"])
        return None

    async def _resend(self, text: str, mark: str, refused: Refused) -> str:
        if mark in self._doubted:
            raise refused
        log.warning("slack_post_resent", channel=self._channel, mark=mark, reason=refused.detail)
        try:
            ts = await self._send(text, mark, resent=True)
        except NotSent:
            raise
        except Unreachable:
            self._doubted.add(mark)
            raise
        self._labelled.add(ts)
        return ts

    async def edit(self, message_id: str, text: str) -> None:
        """Replace a message's text by rendered text. Only blocks are sent: with `text`, people would see "(edited)"."""
        blocks = _blocks(text, resent=message_id in self._labelled)
        await self._calls.write("chat.update", channel=self._channel, ts=message_id, blocks=blocks, **_PLAIN)

    async def status(self, text: str) -> None:
        """Show a status in the thread for two minutes; an empty one takes it away. Never raises.

        (Slack docs, reference/methods/assistant.threads.setStatus; the scope is chat:write.)
        """
        try:
            await self._calls.write(
                "assistant.threads.setStatus", channel_id=self._channel, thread_ts=self._thread, status=text
            )
        except PlatformError as error:
            if error.detail not in self._complaints:
                self._complaints.add(error.detail)
                log.info("slack_status_not_shown", channel=self._channel, reason=error.detail)

    async def earlier(self, limit: int) -> Sequence[Said]:
        """Return up to `limit` messages said in the thread before the question, oldest first: the root and the newest.

        What cannot be read is left out, and logged.
        """
        return await said_before(self._calls, self._translator, self._question, limit)

    async def _send(self, text: str, mark: str, *, resent: bool = False) -> str:
        answer = await self._calls.write(
            "chat.postMessage",
            channel=self._channel,
            thread_ts=self._thread,
            text=notice(text),
            blocks=_blocks(text, resent=resent),
            metadata={"event_type": _EVENT_TYPE, "event_payload": {"mark": mark}},
            unfurl_links=False,
            unfurl_media=False,
            **_PLAIN,
        )
        return str(answer["ts"])


def _mark_of(message: Message) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != _EVENT_TYPE:
        return ""
    return str((metadata.get("event_payload") or {}).get("mark", ""))


def _blocks(text: str, *, resent: bool) -> list[dict[str, Any]]:
    return [{"type": "markdown", "text": text}, *([_RESENT] if resent else [])]


def notice(rendered: str) -> str:
    """Return the first words of rendered text, on one line, for notifications and screen readers."""
    line = " ".join(rendered[: 4 * _NOTICE_SIZE].split()).replace(">", "&gt;")
    if len(line) <= _NOTICE_SIZE:
        return line
    return _ENTITY_CUT.sub("", line[:_NOTICE_SIZE]) + "…"
