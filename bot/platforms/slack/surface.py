"""Posts and edits out: the thread a question is answered in.

Text goes out in a markdown block or is streamed; its special characters are entities: nothing in it can notify anybody.
Links are not unfurled. If Slack rejects a call's content, it is sent once more as plain text, without blocks, buttons
and metadata, and so is the rest of the answer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.errors import Gone, PlatformError, RateLimited, Unreachable
from bot.events import Address, Button, Earlier, Incoming, Limits, Place
from bot.platforms.slack import files_out
from bot.platforms.slack.buttons import actions
from bot.platforms.slack.calls import NotSent, Refused, SlackRejected, field
from bot.platforms.slack.find import Finder
from bot.platforms.slack.growth import native
from bot.platforms.slack.growth.delivery import GrowingMessage
from bot.platforms.slack.markup import SlackDialect
from bot.platforms.slack.read.context import said_before
from bot.platforms.slack.read.translate import Translator
from bot.platforms.slack.seal import Seal

log = structlog.get_logger()

T = TypeVar("T")

_PAGE_SIZE = 8000
_STATUS_LASTS_S = 100.0
_NOTICE_SIZE = 150
_ENTITY_CUT = re.compile(r"&[a-z]{0,3}\Z")
_LABEL = "(resent)"
_RESENT = {"type": "context", "elements": [{"type": "plain_text", "text": _LABEL}]}
_LOOKS_S = (0.0, 0.5, 1.5)
"""The waits before each look for the effect of a call whose outcome is not known: Slack may still be at work on it,
even if the process that made it is dead.
"""
_IS_STREAMED = frozenset({"cant_delete_message", "streaming_state_conflict"})
"""The errors of chat.delete and chat.update for a message that is being streamed."""
_NO_MENTIONS: dict[str, Any] = {"parse": "none", "link_names": False}
"""No `@name` and no `#channel` in plain text becomes a mention; chat.update has another default."""


@dataclass(frozen=True, slots=True)
class OutgoingPost:
    """A message before it is posted."""

    text: str
    idempotency_key: str
    buttons: Sequence[Button]
    growing: bool


class SlackSurface:
    """The thread in which one question is answered. `seal`: signs the marks. `complaints`: the reasons for refused
    statuses that are in the log already.
    """

    def __init__(
        self, translator: Translator, address: Address, seal: Seal, growth: GrowingMessage, complaints: set[str]
    ) -> None:
        self.dialect = SlackDialect()
        self._calls = growth.calls
        self._translator = translator
        self._address = address
        self._complaints = complaints
        self._channel = address.channel
        self._thread = address.thread.thread
        self._seal = seal
        self._finder = Finder(growth.calls, address, seal)
        self._growth = growth
        self._posted: dict[str, str] = {}
        self._known: set[str] = set()
        self._signed: set[str] = set()
        self._unsent: set[str] = set()
        self._doubted: set[str] = set()
        self._labelled: set[str] = set()
        self._plain = False

    @property
    def limits(self) -> Limits:
        """Slack counts calls per method and workspace; posts also about one a second per channel, with bursts
        (Slack docs, apis/web-api/rate-limits). Asked before a message, it decides whether that one is streamed; where
        no stream can begin at once, the message is posted all the same, and edited.

        A message may hold 12,000 characters of markdown blocks (reference/block-kit/blocks/markdown-block). A page is
        shorter: it is read in one go, each edit sends all of it, and what Slack makes of the entities has room. A
        status fades after two minutes (reference/methods/assistant.threads.setStatus).
        """
        budget = partial(self._calls.budgets.of, self._address.thread.workspace)
        posts = budget("chat.postMessage", self._channel)
        if self._growth.is_native:
            return Limits(
                page_size=_PAGE_SIZE,
                posts=budget("chat.startStream"),
                posts_instead=posts,
                edits=budget("chat.appendStream"),
                ends=budget("chat.stopStream"),
                append_only=True,
                status_lasts_s=_STATUS_LASTS_S,
            )
        return Limits(
            page_size=_PAGE_SIZE,
            posts=posts,
            edits=budget("chat.update"),
            status_lasts_s=_STATUS_LASTS_S,
        )

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        """Post rendered text; return the message's `ts`. One key makes one message, however often it is asked for.

        A message that is streamed has no buttons before it is whole: Slack shows a Stop button of its own.

        Slack has no idempotency key, so the key travels as message metadata. After a call whose outcome is not known,
        or with `may_exist`, the thread is read first, and a message of ours with the key, or one without a key (see
        `find`), is taken for the post. If the thread may not be read, the post is made once more, labelled "(resent)";
        a second doubt then raises `Forbidden`.
        """
        if idempotency_key not in self._posted:
            draft = OutgoingPost(text, idempotency_key, buttons, growing)
            in_doubt = may_exist and idempotency_key not in self._unsent
            self._posted[idempotency_key] = ts = await (self._find_or_post if in_doubt else self._post_once)(draft)
            self._known.add(ts)
        return self._posted[idempotency_key]

    async def _post_once(self, draft: OutgoingPost) -> str:
        self._unsent.discard(draft.idempotency_key)
        try:
            return (draft.growing and await self._growth.start(draft.text)) or await self._send(draft)
        except NotSent:
            self._unsent.add(draft.idempotency_key)
            raise
        except Unreachable as error:
            log.info(
                "slack_post_in_doubt", channel=self._channel, idempotency_key=draft.idempotency_key, reason=error.detail
            )
        try:
            return await self._find_or_post(draft)
        except RateLimited as error:  # a rate limit would mean that nothing was posted
            raise Unreachable("Slack does not tell whether it has the message.", error.detail) from error

    async def _find_or_post(self, draft: OutgoingPost) -> str:
        for wait_s in _LOOKS_S:
            await asyncio.sleep(wait_s)
            try:
                found = await self._finder.post(draft.idempotency_key, self._known)
            except (Refused, SlackRejected) as refused:
                return await self._resend(draft, refused)
            if found is not None:
                if draft.growing:
                    self._growth.edits(found)
                return found
        return await self._send(draft)

    async def _resend(self, draft: OutgoingPost, refused: Refused | SlackRejected) -> str:
        if draft.idempotency_key in self._doubted:
            raise refused
        log.warning(
            "slack_post_resent", channel=self._channel, idempotency_key=draft.idempotency_key, reason=refused.detail
        )
        try:
            ts = await self._send(draft, resent=True)
        except NotSent:
            raise
        except Unreachable:
            self._doubted.add(draft.idempotency_key)
            raise
        self._labelled.add(ts)
        return ts

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        """Replace a message's text by rendered text, and its buttons; of a streamed message, append what is new.

        A message that an earlier process streamed is stopped first.
        """
        self._known.add(message_id)
        below = actions(buttons)
        metadata = self._metadata(message_id)
        if not await self._growth.show(message_id, text, below=below, metadata=metadata, growing=growing):
            await self._update(message_id, text, below)
            if growing:
                self._growth.edits(message_id)
        if not growing:
            await self._growth.done(message_id, ours=message_id in self._posted.values())

    async def _update(self, message_id: str, text: str, below: Sequence[dict[str, Any]]) -> None:
        """Edit a message. Only blocks are sent: with `text`, people would see "(edited)"."""
        blocks = [*_blocks(text, resent=message_id in self._labelled), *below]
        signed = {} if message_id in self._signed else {"metadata": self._metadata(message_id)}

        async def update(*, plain: bool) -> None:
            shows: dict[str, Any] = {"text": text, "blocks": []} if plain else {"blocks": blocks, **signed}
            await self._when_still(
                "chat.update", message_id, channel=self._channel, ts=message_id, **shows, **_NO_MENTIONS
            )

        await self._or_plain(update)
        self._signed.add(message_id)

    async def delete(self, message_id: str) -> None:
        """Delete one of the bot's messages. One that is no longer there is no error."""
        try:
            await self._when_still("chat.delete", message_id, channel=self._channel, ts=message_id)
        except Gone as error:
            log.info("slack_message_was_gone", channel=self._channel, message=message_id, reason=error.detail)
        self._known.add(message_id)
        await self._growth.done(message_id, ours=message_id in self._posted.values())

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        """Post a file; return the `ts` of the message that shows it. `idempotency_key` and `may_exist` as for `post`.

        A file takes no metadata: after a doubt, a message of ours that shows a file of this name is taken for it.
        """
        if idempotency_key not in self._posted:
            self._posted[idempotency_key] = ts = await self._find_or_share(name, data, may_exist=may_exist)
            self._known.add(ts)
        return self._posted[idempotency_key]

    async def _find_or_share(self, name: str, data: bytes, *, may_exist: bool) -> str:
        comment = ""
        if may_exist:
            try:
                if found := await self._finder.file(name, self._known):
                    return found
            except Refused as refused:
                log.warning("slack_file_resent", channel=self._channel, reason=refused.detail)
                comment = _LABEL
        return await files_out.share(self._calls, self._channel, self._thread, name, data, comment=comment)

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

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        """Return up to `limit` messages written in the thread before a question, oldest first: the root and the newest.

        Those the question links to are returned, too. What cannot be read is named, and logged.
        """
        return await said_before(self._calls, self._translator, question, limit, thread=thread)

    async def place(self) -> Place:
        """Return where the question was asked, by the names people see."""
        return await self._translator.channels.place(self._address)

    async def _send(self, draft: OutgoingPost, *, resent: bool = False) -> str:
        whole: dict[str, Any] = {
            "text": notice(draft.text),
            "blocks": [*_blocks(draft.text, resent=resent), *actions(draft.buttons)],
            "metadata": self._seal.on(draft.idempotency_key),
        }
        text = f"{draft.text}\n{_LABEL}" if resent else draft.text

        async def post(*, plain: bool) -> dict[str, Any]:
            shows = {"text": text, "mrkdwn": False} if plain else whole
            place = {"channel": self._channel, "thread_ts": self._thread}
            return await self._calls.write(
                "chat.postMessage", **place, **shows, unfurl_links=False, unfurl_media=False, **_NO_MENTIONS
            )

        ts = field(await self._or_plain(post), "ts", "chat.postMessage")
        self._signed.add(ts)
        if draft.growing:
            self._growth.edits(ts)
        return ts

    async def _or_plain(self, make: Callable[..., Awaitable[T]]) -> T:
        """Make a call. If Slack rejects its content, make it once more, and all later ones, as plain text."""
        if not self._plain:
            try:
                return await make(plain=False)
            except SlackRejected as error:
                log.warning("slack_call_rejected", channel=self._channel, reason=error.detail)
        made = await make(plain=True)
        self._plain = True
        return made

    async def _when_still(self, method: str, message_id: str, **arguments: Any) -> None:
        """Make a call that Slack refuses while a message is being streamed; if it does, stop the stream and retry."""
        try:
            await self._calls.write(method, **arguments)
        except SlackRejected as error:
            if error.code not in _IS_STREAMED:
                raise
            if not await native.stop(self._calls, self._channel, message_id, self._metadata(message_id)):
                raise Unreachable("Slack does not let go of the message yet.", error.detail) from error
            await self._calls.write(method, **arguments)

    def _metadata(self, message_id: str) -> dict[str, Any]:
        """Return the metadata for a message that has none yet.

        A message whose key only an earlier process knew is marked by its own id, so that it is no longer an orphan.
        """
        return self._seal.on(
            next((idempotency_key for idempotency_key, ts in self._posted.items() if ts == message_id), message_id)
        )


def _blocks(text: str, *, resent: bool) -> list[dict[str, Any]]:
    return [{"type": "markdown", "text": text}, *([_RESENT] if resent else [])]


def notice(rendered: str) -> str:
    """Return the first words of rendered text, on one line, for notifications and screen readers."""
    line = " ".join(rendered[: 4 * _NOTICE_SIZE].split()).replace(">", "&gt;")
    if len(line) <= _NOTICE_SIZE:
        return line
    return _ENTITY_CUT.sub("", line[:_NOTICE_SIZE]) + "…"
