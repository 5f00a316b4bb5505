"""What was said while the bot was not there: read from Slack and handed in as if it had just been said.

Slack delivers again what nobody took, three times within about five minutes (docs, apis/events-api, retries). What is
older than that nobody delivers; it stands in the channels and threads. All of it goes through the listener's own door,
and the store knows what it had already.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.errors import PlatformError, RateLimited, Unreachable
from bot.events import Missed
from bot.platforms.slack.calls import Calls, Me, Refused
from bot.platforms.slack.translate import WRITTEN, Message
from bot.ports import Hear, HearLog

log = structlog.get_logger()

_PLATFORM = "slack"
_WINDOW_S = 48 * 3600.0
"""What was said longer ago is not fetched: nobody waits for an answer to it any more."""
_THREADS_S = 24 * 3600.0
"""A thread is read if the bot was asked in it so shortly before it left."""
_MARGIN_S = 330.0
"""Slack's last retry comes about five minutes after an event: what is older than this was handed in or given up."""
_NOTE_EVERY_S = 30.0
_GAP_S = 90.0
"""Nothing noted for so long: the connection was lost, or the machine slept. Shorter gaps Slack's retries fill."""
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
_MOST_PLACES = 200
"""Channels, and threads: at the usual pace both are read within a quarter of an hour."""
_MOST_MESSAGES = 1000
"""Of one channel or thread: more is nobody's unanswered questions, but a feed."""
_LONGEST_S = 3600.0
"""What could not be read within this time is left alone: at one call a minute a large workspace takes hours."""
_LONGEST_PAUSE_S = 60.0
_KINDS = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}
"""The `types` of users.conversations, and the `channel_type` of a message said there (Slack docs, of both)."""

Take = Callable[[dict[str, Any]], Awaitable[BoltResponse]]
"""The listener's door: takes an event's body, answers 200 when it was heard."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done, in seconds. The defaults' reasons stand with the constants."""

    note_every_s: float = _NOTE_EVERY_S
    margin_s: float = _MARGIN_S
    gap_s: float = _GAP_S
    window_s: float = _WINDOW_S
    call_every_s: float = _CALL_EVERY_S
    burst_s: float = _BURST_S
    slow_every_s: float = _SLOW_EVERY_S
    slow_after_s: float = _SLOW_AFTER_S
    longest_s: float = _LONGEST_S
    pause_s: float = 1.0


_USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, or one thread in it. `kind`: its `channel_type`."""

    channel: str
    kind: str
    thread: str = ""


class CatchUp:
    """Notes until when everything was heard, and fetches what was not. `take`: where the messages go.
    `hear`: where it says that edits and deletions may have been missed.

    A first mention in an older thread, in which the bot was not asked before, is not found: history shows no replies.
    """

    def __init__(self, calls: Calls, take: Take, hear: Hear, heard: HearLog, me: Me, *, pace: Pace = _USUAL) -> None:
        self._hear = hear
        self._reader = Reader(calls, pace)
        self._take = take
        self._heard = heard
        self._me = me
        self._pace = pace
        self._seen_s = self._caught_up_s = -math.inf
        self._catching_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, connected: asyncio.Event) -> None:
        """Until cancelled: catch up at the start and after each gap; note the time up to which all was handed in.

        Nothing is noted while there is no connection, nor before what was missed is handed in.
        """
        async with asyncio.TaskGroup() as tasks:
            try:
                while True:
                    await connected.wait()
                    if self._is_gap():
                        self._catching_up.cancel()
                        self._catching_up = tasks.create_task(self._catch_up(), name="slack-catch-up")
                    self._seen_s = time.time()
                    if self._catching_up.done():
                        await self._note()
                    await asyncio.sleep(self._pace.note_every_s)
            finally:
                if self._catching_up.done():
                    await self._note()

    def _is_gap(self) -> bool:
        return time.time() - self._seen_s > self._pace.gap_s

    async def _catch_up(self) -> None:
        begun_s = time.time()
        if await self._went_well(self._fetch(begun_s)):
            self._caught_up_s = begun_s
            await self._note()

    async def _note(self) -> None:
        """Note what was handed in, unless there is a gap. A shorter one lies within the margin."""
        if not self._is_gap():
            at_s = max(self._caught_up_s, time.time() - self._pace.margin_s)
            await self._went_well(self._heard.heard(_PLATFORM, at_s))

    async def _went_well(self, step: Awaitable[None]) -> bool:
        """Take a step. If it fails, that is a gap: what was said meanwhile may not have been handed in either."""
        try:
            await step
        except PlatformError as error:
            log.info("slack_catch_up_waits", reason=error.detail)
        except Exception:
            # A database that cannot be read or written now must not end the connection.
            log.exception("slack_catch_up_failed")
        else:
            return True
        self._seen_s = -math.inf
        return False

    async def _fetch(self, now_s: float) -> None:
        """Hand in what was said since the bot was last there; nothing if it never was."""
        until_s = await self._heard.heard_until(_PLATFORM)
        if not until_s:
            return
        if until_s > now_s:  # written by a clock that was ahead: it must not hide what was said
            until_s = now_s - self._pace.margin_s
        since_s = max(until_s, now_s - self._pace.window_s)
        log.info("slack_catches_up", missed_s=round(now_s - since_s))
        places = await self._places(since_s)
        try:
            async with asyncio.timeout(self._pace.longest_s):
                await self._read(places, since_s)
        except TimeoutError:
            log.warning("slack_catch_up_cut_short", after_s=self._pace.longest_s, places_left=len(places))
        await self._hear(Missed(_PLATFORM))

    async def _places(self, since_s: float) -> deque[Place]:
        """Return what to read: the channels where the bot was asked lately, its other ones, then the threads."""
        known = await self._heard.threads(_PLATFORM, since_s - _THREADS_S)
        threads = [thread for thread in known if thread.workspace == self._me.team]
        guessed = {thread.channel: "im" if thread.channel.startswith("D") else "channel" for thread in threads}
        kinds = guessed | await self._reader.channels()
        if max(len(kinds), len(threads)) > _MOST_PLACES:
            log.warning("slack_places_left_out", channels=len(kinds), threads=len(threads), read=_MOST_PLACES)
        channels = [Place(channel, kind) for channel, kind in kinds.items()]
        roots = [Place(thread.channel, kinds[thread.channel], thread.thread) for thread in threads]
        return deque(channels[:_MOST_PLACES] + roots[:_MOST_PLACES])

    async def _read(self, places: deque[Place], since_s: float) -> None:
        """Hand in what was said in some places, and in the threads begun there; `places` is what is left.

        A place that cannot be read or heard now is tried again after the others.
        """
        failures, seen = 0, set(places)
        while places:
            try:
                begun = await self._read_one(places[0], since_s)
            except Unreachable as error:
                failures += 1
                log.info("slack_place_waits", channel=places[0].channel, reason=error.detail)
                await asyncio.sleep(min(self._pace.pause_s * 2.0**failures, _LONGEST_PAUSE_S))
                places.rotate(-1)
                continue
            except PlatformError as error:
                log.info("slack_place_unreadable", channel=places[0].channel, reason=error.detail)
                begun = []
            failures = 0
            places.popleft()
            places.extend(place for place in begun if place not in seen)
            seen.update(begun)

    async def _read_one(self, place: Place, since_s: float) -> list[Place]:
        """Hand in what was said in a place, oldest first; return the threads to read that begin there.

        Raises `PlatformError`s: `Unreachable` if something was not heard, after all the others were handed in.
        """
        messages = await self._reader.messages(place, since_s)
        refused = 0
        for message in messages:
            answer = await self._take(_event(message, place, self._me.team))
            refused += answer.status != 200
        log.debug("slack_place_read", channel=place.channel, messages=len(messages), refused=refused)
        if refused:
            raise Unreachable("The bot cannot take messages in at the moment.", f"{refused} messages were not heard")
        return [Place(place.channel, place.kind, str(m["ts"])) for m in messages if _has_replies(m)]


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
                listed = await self._all("users.conversations", "channels", types=kind, exclude_archived="true")
            except Refused as error:
                refusals.append(error.detail)
            else:
                found |= {str(channel["id"]): channel_type for channel in listed}
        if refusals:
            remedy = "only channels where the bot was asked lately are read; to read all, add the scopes and reinstall"
            log.warning("slack_channels_unlisted", reasons=refusals, remedy=remedy)
        return found

    async def messages(self, place: Place, since_s: float) -> list[Message]:
        """Return what people said in a place since a time (seconds since 1970), oldest first."""
        arguments = {"channel": place.channel, "oldest": f"{since_s:.6f}"}
        if place.thread:
            found = await self._all("conversations.replies", "messages", ts=place.thread, **arguments)
        else:
            found = await self._all("conversations.history", "messages", **arguments)
        said = (m for m in found if m.get("subtype") in WRITTEN and float(m["ts"]) > since_s)
        return sorted(said, key=lambda message: float(message["ts"]))

    async def _all(self, method: str, key: str, **arguments: str) -> list[Message]:
        found: list[Message] = []
        while len(found) < _MOST_MESSAGES:
            answer = await self._ask(method, arguments)
            found += answer.get(key) or []
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found
            arguments["cursor"] = cursor
        log.warning("slack_place_too_long", method=method, channel=arguments.get("channel", ""), read=len(found))
        return found

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


def _event(message: Message, place: Place, team: str) -> dict[str, Any]:
    """Return the body of the event that a message would have been, and that nobody was there to take.

    If it was edited since, it is heard for the first time as it is now.
    """
    said = {name: value for name, value in message.items() if name != "edited"}
    event = {**said, "type": "message", "channel": place.channel, "channel_type": place.kind, "event_ts": message["ts"]}
    return {"type": "event_callback", "team_id": team, "context_team_id": team, "event": event}


def _has_replies(message: Message) -> bool:
    return bool(message.get("reply_count")) and message.get("thread_ts") == message["ts"]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
