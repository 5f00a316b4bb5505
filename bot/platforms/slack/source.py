"""Slack's past, read back from its channels and threads, within the app's rate class.

Slack retries an event that was not acknowledged, three times within about five minutes (docs, apis/events-api,
retries). Older events are not delivered, so they are read from the channels and threads. A first mention in a thread
that is more than a week older, in which the bot was not asked before, is not found. A mention added by an edit is found
only on a channel's message less than a week old.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import RateLimited
from bot.events import Event, ThreadKey
from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.catch_up import Found, Terms
from bot.platforms.kernel.fairness import in_fair_order
from bot.platforms.kernel.shape import MISREAD
from bot.platforms.slack.calls import Calls, Me, Refused
from bot.platforms.slack.limits import SLOW_AFTER_S
from bot.platforms.slack.read.events import Events
from bot.platforms.slack.read.readable import messages_in, next_cursor
from bot.platforms.slack.read.translate import WRITTEN, Message

log = structlog.get_logger()

TERMS = Terms(
    window_s=48 * 3600.0,  # nobody still waits for an answer to an older message
    margin_s=330.0,  # Slack's last retry comes about five minutes after an event: then it was taken or given up
    asked_s=24 * 3600.0,
    gap_s=90.0,  # the connection was lost, or the machine slept; Slack's retries fill shorter gaps
    patience_s=2.4,  # Slack wants an event acknowledged within three seconds
    back_off=BackOff(0.5, 60.0),
)
_MOST_PLACES = 200
"""So many channels, and so many threads: at the usual pace both are read within a quarter of an hour."""
_CALL_EVERY_S = 2.0
_BURST_S = 20.0
"""10 calls of each method at once and 30 a minute. Tier 3 allows 50 and more, but answers read their threads, too."""
_SLOW_EVERY_S = 61.0
_PAGE = 200
_SLOW_PAGE = 15
"""Slack docs, apis/web-api/rate-limits: an app distributed outside of the Marketplace may read history and replies once
a minute, 15 messages at a time."""
_MOST_MESSAGES = 1000
"""The most of one channel or thread: more is a feed, not unanswered questions."""
_ROOTS_S = 7 * 86400.0
"""So much older a thread may be in which somebody speaks to the bot for the first time: its channel's history tells of
each root when it was last replied to."""
_KINDS = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
"""The `types` of users.conversations, and the `channel_type` of a message said there (Slack docs, of both)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to read, in seconds. The constants explain the defaults."""

    call_every_s: float = _CALL_EVERY_S
    burst_s: float = _BURST_S
    slow_every_s: float = _SLOW_EVERY_S
    slow_after_s: float = SLOW_AFTER_S


_USUAL = Pace()


class SlackSource:
    """Reads channels and threads within the app's rate class: tier 3, until Slack shows that it is the slow one."""

    def __init__(self, calls: Calls, events: Events, me: Me, *, pace: Pace = _USUAL) -> None:
        self._calls = calls
        self._events = events
        self._me = me
        self._pace = pace
        self._is_slow = False
        self._due_s: dict[str, float] = {}
        self._news: set[ChannelRef] = set()
        self._told_since_s: dict[str, float] = {}

    async def places(self, since_s: float, asked: Sequence[ThreadKey]) -> Sequence[ChannelRef]:
        """Return what to read: the channels where the bot was asked lately, its other ones, then the threads."""
        del since_s  # Slack does not list where there is news
        threads = [thread for thread in asked if thread.workspace == self._me.team]
        guessed = {thread.channel: "im" if thread.channel.startswith("D") else "channel" for thread in threads}
        kinds = guessed | await self._channels()
        if max(len(kinds), len(threads)) > _MOST_PLACES:
            log.warning("slack_places_left_out", channels=len(kinds), threads=len(threads), read=_MOST_PLACES)
        self._news, self._told_since_s = set(), {}
        channels = [ChannelRef(channel, kind=kind) for channel, kind in kinds.items()]
        roots = [ChannelRef(thread.channel, thread.thread, kinds[thread.channel]) for thread in threads]
        return [*channels[:_MOST_PLACES], *in_fair_order(roots[:_MOST_PLACES])]

    async def read(self, place: ChannelRef, since_s: float) -> Found[Message]:
        """Return the events that were missed in a place, and for a channel also its threads with news."""
        news, told_since_s = self._news, self._told_since_s  # of this catch-up, even if another begins meanwhile
        if place.thread and place not in news and float(place.thread) > told_since_s.get(place.channel, math.inf):
            return Found([])  # its channel has shown that it holds nothing new
        found, whole_since_s = await self._read(place, since_s)
        if place.thread:
            return Found(_events(found, place, since_s))
        threads = [
            ChannelRef(place.channel, str(message["ts"]), place.kind)
            for message in found
            if float(message.get("latest_reply") or 0.0) > since_s
        ]
        news.update(threads)
        told_since_s[place.channel] = whole_since_s
        return Found(_events(found, place, since_s), threads)

    async def events(self, place: ChannelRef, message: Message) -> Sequence[Event]:
        """Translate an event that `read` has made."""
        del place
        return await self._events.of(message, self._me.team)

    async def _channels(self) -> dict[str, str]:
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

    async def _read(self, place: ChannelRef, since_s: float) -> tuple[list[Message], float]:
        """Return the messages of a place, and the time since which its threads are all listed."""
        if place.thread:
            oldest_s, method, thread = since_s, "conversations.replies", {"ts": place.thread}
        else:
            oldest_s, method, thread = since_s - (0.0 if self._is_slow else _ROOTS_S), "conversations.history", {}
        arguments = {"channel": place.channel, "oldest": f"{oldest_s:.6f}", **thread}
        found, whole = await self._all(method, "messages", 0.0 if thread else since_s, **arguments)
        return found, oldest_s if whole else min((float(message["ts"]) for message in found), default=since_s)

    async def _all(self, method: str, key: str, needed_s: float = 0.0, **arguments: str) -> tuple[list[Message], bool]:
        """Return what a method lists, page by page, and whether the list is complete.

        In the slow class a list, newest first, ends with the messages since `needed_s`.
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
        """Make one call in its turn, and again after a rate limit. Raise the other `PlatformError`s."""
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


def _events(found: Sequence[Message], place: ChannelRef, since_s: float) -> list[Message]:
    """Return the events that were missed, oldest first: messages sent since a time, and older ones edited since.

    A message that was both sent and edited since is handed in once, as it is now.
    """
    events: list[Message] = []
    where = {"type": "message", "channel": place.channel, "channel_type": place.kind}
    for message in found:
        ts, edited_ts = str(message["ts"]), _edited_ts(message)
        if message.get("subtype") not in WRITTEN:
            continue
        if float(ts) > since_s:
            said = {name: value for name, value in message.items() if name != "edited"}
            events.append({**said, **where, "event_ts": ts})
        elif float(edited_ts) > since_s:
            changed = {"subtype": "message_changed", "message": message, "ts": edited_ts, "event_ts": edited_ts}
            events.append({**where, **changed})
    return sorted(events, key=lambda event: float(event["event_ts"]))


def _edited_ts(message: Message) -> str:
    """Return when a message was last edited (Slack docs, reference/events/message: `edited`); "0" if it was not."""
    try:
        ts = str(message["edited"]["ts"])
        return ts if math.isfinite(float(ts)) else "0"
    except MISREAD:
        return "0"


def _channels_in(answer: Mapping[str, Any]) -> list[Message]:
    found = answer.get("channels")
    channels = found if isinstance(found, list) else []
    return [channel for channel in channels if isinstance(channel, dict) and isinstance(channel.get("id"), str)]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
