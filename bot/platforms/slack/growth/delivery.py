"""How the messages of one reply grow: streamed by Slack, or edited.

Which of the two is decided for each message when its limits are first asked for. One that is streamed is edited from
the moment that its stream fails or has lasted long enough; after a failure the rest of the reply is, too.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import structlog

from bot.errors import Gone, PlatformError, RateLimited, Unreachable
from bot.events import Address, MessageKey
from bot.platforms.slack.calls import Calls, NotSent
from bot.platforms.slack.growth import native
from bot.platforms.slack.growth.agent_sessions import Sessions
from bot.platforms.slack.growth.load import Growing, WorkspaceLoad
from bot.reply.pacing.pacer import granted_scope

log = structlog.get_logger()

Delivery = Literal["auto", "edit", "stream"]
"""How answers grow: by edits, streamed wherever Slack allows it, or so that the workspace's limits are used best."""

_REFUSALS = 3
_NO_STARTS_S = 600.0
"""A workspace that refused so many streams, and let none end between them, is not asked again for so long: what it
refuses once may be due to the thread, or to who asked there."""
_NO_RECIPIENT = frozenset({"bot", "external", "unknown"})


class ReplyDelivery:
    """How the replies of one workspace are delivered, and what is known of how that goes.

    `stream_for_s`: how long a message is streamed before it is edited instead.
    """

    def __init__(self, calls: Calls, delivery: Delivery = "auto", *, stream_for_s: float = native.OLDEST_S) -> None:
        self.calls = calls
        self.delivery = delivery
        self.stream_for_s = stream_for_s
        self.load = WorkspaceLoad()
        self.sessions = Sessions(calls)
        self._refusals = 0
        self._not_before_s = 0.0

    def favours_native(self) -> bool:
        """Return whether one more message had better be streamed; with `auto` only if readers can stop it."""
        if self.delivery == "edit" or _now_s() < self._not_before_s:
            return False
        return self.delivery == "stream" or (self.sessions.can_stop and self.load.favours_native())

    def began(self, growing: Growing) -> None:
        """Note that Slack let a stream begin."""
        self.load.started(growing)

    def finished(self) -> None:
        """Note that Slack let a stream end as a whole message."""
        self._refusals = 0

    def refused(self, reason: str) -> None:
        """Note that Slack did not let a stream begin, or end: then its message cannot be edited for minutes."""
        self._refusals += 1
        log.info("slack_stream_refused", reason=reason)
        if self._refusals >= _REFUSALS:
            self._not_before_s, self._refusals = _now_s() + _NO_STARTS_S, 0
            log.warning("slack_does_not_stream", reason=reason, wait_s=_NO_STARTS_S)


class GrowingMessage:
    """The messages of one reply that grow."""

    def __init__(self, delivering: ReplyDelivery, address: Address, key: MessageKey) -> None:
        self.calls = delivering.calls
        self._delivering = delivering
        self._load = delivering.load
        self._address = address
        self._key = key
        self._channel = address.channel
        self._thread = address.thread.thread
        self._next: Growing | None = None
        self._growing: dict[str, Growing] = {}
        self._streams: dict[str, native.NativeStream] = {}
        self._has_failed = False
        self._has_settled = False

    @property
    def is_native(self) -> bool:
        """Whether the newest message that grows is streamed; if none does, whether the next one will be."""
        if self._growing:
            stream = self._streams.get(next(reversed(self._growing)))
            return stream is not None and stream.is_good
        if self._next is None:
            self._next = self._choose()
        return self._next.native

    async def start(self, text: str) -> str:
        """Begin the next message if it is to be streamed; return its `ts`, or "" if it is to be posted.

        Raise `PlatformError`s: after `Unreachable` (but not `NotSent`) it may be there.
        """
        fits = len(text) <= native.MOST_CHARACTERS and not native.has_link(text)
        native_ = self.is_native and fits and not self._is_to_be_posted()
        growing, self._next = self._next or self._load.add(native=native_), None
        if not native_:
            self._load.drop(growing)
            return ""
        try:
            stream = await native.start(self.calls, self._channel, self._thread, text, self._recipient())
            stream.lasts_s = self._delivering.stream_for_s
        except (NotSent, RateLimited):
            self._next = growing
            raise
        except (Gone, Unreachable):
            raise
        except PlatformError as error:
            self._has_failed = True
            self._delivering.refused(error.detail)
            self._load.drop(growing)
            return ""
        self._delivering.began(growing)
        self._growing[stream.ts], self._streams[stream.ts] = growing, stream
        await self._delivering.sessions.begin(self._channel, self._thread, self._key.message)
        return stream.ts

    def edits(self, ts: str) -> None:
        """Note that a message grows by edits from now on, whatever was chosen for it."""
        self._load.drop(self._next)
        self._next = None
        known = self._growing.get(ts)
        if known is None or known.native:
            self._load.drop(known)
            self._growing[ts] = self._load.add(native=False)

    async def show(
        self, ts: str, text: str, *, below: Sequence[dict[str, Any]], metadata: dict[str, Any], growing: bool
    ) -> bool:
        """Have a stream show a text; return False if the message is to be edited, which it can be then.

        `below`: blocks for a message that is whole. Raise `PlatformError`s.
        """
        stream = self._streams.get(ts)
        if stream is None:
            return False
        more = self._delivering.sessions.can_stop and not self._growing.keys() <= {ts}
        try:
            if stream.can_show(text):
                await (stream.show(text) if growing else stream.finish(text, below, metadata, more=more))
                if not growing:
                    self._delivering.finished()
                return True
        except (Gone, RateLimited, Unreachable):
            raise
        except PlatformError as error:
            self._has_failed = True
            if not growing and not native.is_over(error):
                self._delivering.refused(error.detail)
        if await native.stop(self.calls, self._channel, ts, metadata) and not more:
            self._delivering.sessions.ended(self._channel, self._thread)
        del self._streams[ts]
        return False

    async def done(self, ts: str, *, ours: bool) -> None:
        """Note that a message is whole. `ours`: it was begun by this process. Never raises."""
        streamed = self._streams.pop(ts, None)
        self._load.drop(self._growing.pop(ts, None))
        sessions = self._delivering.sessions
        if self._growing:
            return
        if streamed is not None:
            sessions.ended(self._channel, self._thread)
        elif self._delivering.delivery != "edit":
            await sessions.end(self._channel, self._thread, of_another_process=not ours and not self._has_settled)
            self._has_settled = True

    def _is_to_be_posted(self) -> bool:
        """Whether the reply was given the turn of a post, for no stream could begin."""
        posts = self.calls.budgets.of(self._address.thread.workspace, "chat.postMessage", self._channel)
        return granted_scope() == posts.scope

    def _choose(self) -> Growing:
        possible = self._address.direct or not self._address.asker.roles & _NO_RECIPIENT
        return self._load.add(native=possible and not self._has_failed and self._delivering.favours_native())

    def _recipient(self) -> dict[str, str]:
        """Return who reads along as it is streamed (Slack docs, reference/methods/chat.startStream: not in DMs)."""
        if self._address.direct:
            return {}
        return {"recipient_user_id": self._address.asker.id, "recipient_team_id": self._address.thread.workspace}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
