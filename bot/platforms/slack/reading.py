"""Channels and threads read back within the app's rate class."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.errors import RateLimited
from bot.platforms.slack.calls import Calls, Refused
from bot.platforms.slack.read.readable import messages_in, next_cursor
from bot.platforms.slack.read.translate import WRITTEN, Message

log = structlog.get_logger()

_CALL_EVERY_S = 2.0
_BURST_S = 20.0
"""Of each method 10 calls at once and 30 a minute; tier 3 allows 50 and more, and answers read their threads, too."""
_SLOW_EVERY_S = 61.0
_PAGE = 200
_SLOW_PAGE = 15
"""Slack docs, apis/web-api/rate-limits: an app distributed outside of the Marketplace may read history and replies once
a minute, 15 messages at a time."""
_SLOW_AFTER_S = 30.0
"""At our own pace tier 3 does not ask for a wait like this: it is the class of one call a minute."""
_MOST_MESSAGES = 1000
"""Of one channel or thread: more is nobody's unanswered questions, but a feed."""
_ROOTS_S = 7 * 86400.0
"""So much older a thread may be in which somebody speaks to the bot for the first time: its channel's history tells of
each root when it was last replied to."""
_KINDS = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
"""The `types` of users.conversations, and the `channel_type` of a message said there (Slack docs, of both)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is read, in seconds. The defaults' reasons stand with the constants."""

    call_every_s: float = _CALL_EVERY_S
    burst_s: float = _BURST_S
    slow_every_s: float = _SLOW_EVERY_S
    slow_after_s: float = _SLOW_AFTER_S


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel, or one thread in it. `kind`: its `channel_type`, which does not tell places apart."""

    channel: str
    kind: str = field(compare=False)
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a place. `messages`: what people said, oldest first. `threads`: of a channel, those in which
    something was said. `whole_since_s`: of all threads that began since then, that is.
    """

    messages: list[Message]
    threads: list[ChannelRef]
    whole_since_s: float


class Reader:
    """Reads channels and threads within the app's rate class: tier 3, until Slack shows that it is the slow one."""

    def __init__(self, calls: Calls, pace: Pace) -> None:
        self._calls = calls
        self._pace = pace
        self._is_slow = False
        self._due_s: dict[str, float] = {}

    async def channels(self) -> dict[str, str]:
        """Return the channels the bot is in, with their `channel_type`; not those it lacks the scope to list."""
        found: dict[str, str] = {}
        refusals = []
        for kind, channel_type in _KINDS.items():
            try:
                listed, _ = await self._all("users.conversations", "channels", types=kind, exclude_archived="true")
            except Refused as error:
                refusals.append(error.detail)
            else:
                found |= {str(channel["id"]): channel_type for channel in listed}
        if refusals:
            remedy = "only channels where the bot was asked lately are read; to read all, add the scopes and reinstall"
            log.warning("slack_channels_unlisted", reasons=refusals, remedy=remedy)
        return found

    async def read(self, place: ChannelRef, since_s: float) -> Found:
        """Return what was said in a place since a time (seconds since 1970)."""
        if place.thread:
            oldest_s, method, thread = since_s, "conversations.replies", {"ts": place.thread}
        else:
            oldest_s, method, thread = since_s - (0.0 if self._is_slow else _ROOTS_S), "conversations.history", {}
        arguments = {"channel": place.channel, "oldest": f"{oldest_s:.6f}", **thread}
        found, whole = await self._all(method, "messages", 0.0 if thread else since_s, **arguments)
        said = [m for m in found if m.get("subtype") in WRITTEN and float(m["ts"]) > since_s]
        threads = [str(m["ts"]) for m in found if float(m.get("latest_reply") or 0.0) > since_s]
        return Found(
            sorted(said, key=lambda message: float(message["ts"])),
            [] if place.thread else [ChannelRef(place.channel, place.kind, thread) for thread in threads],
            oldest_s if whole else min((float(m["ts"]) for m in found), default=since_s),
        )

    async def _all(self, method: str, key: str, needed_s: float = 0.0, **arguments: str) -> tuple[list[Message], bool]:
        """Return what a method lists, page by page, and whether that is all of it.

        In the slow class a list, newest first, ends with what was said since `needed_s`.
        """
        found: list[Message] = []
        while len(found) < _MOST_MESSAGES:
            answer = await self._ask(method, arguments)
            found += messages_in(answer, method) if key == "messages" else _channels_in(answer)
            cursor = next_cursor(answer)
            if not cursor:
                return found, True
            if self._is_slow and found and float(found[-1].get("ts", needed_s)) < needed_s:
                return found, False
            arguments["cursor"] = cursor
        log.warning("slack_place_too_long", method=method, channel=arguments.get("channel", ""), read=len(found))
        return found, False

    async def _ask(self, method: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """Make one call in its turn, again if Slack asks for patience. Raises the other `PlatformError`s."""
        while True:
            now_s = _now_s()
            due_s = max(self._due_s.get(method, 0.0), now_s - (0.0 if self._is_slow else self._pace.burst_s))
            self._due_s[method] = due_s + (self._pace.slow_every_s if self._is_slow else self._pace.call_every_s)
            await asyncio.sleep(due_s - now_s)
            try:
                return await self._calls.read(method, **arguments, limit=_SLOW_PAGE if self._is_slow else _PAGE)
            except RateLimited as error:
                self._due_s[method] = _now_s() + error.retry_after_s
                if error.retry_after_s >= self._pace.slow_after_s:
                    self._slow_down()

    def _slow_down(self) -> None:
        if not self._is_slow:
            self._is_slow = True
            log.warning("slack_history_is_slow", every_s=self._pace.slow_every_s, messages=_SLOW_PAGE)


def _channels_in(answer: Mapping[str, Any]) -> list[Message]:
    found = answer.get("channels")
    channels = found if isinstance(found, list) else []
    return [channel for channel in channels if isinstance(channel, dict) and isinstance(channel.get("id"), str)]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
