"""What goes through Socket Mode: envelopes out, acknowledgements in, and the same event again if none came.

Slack docs, apis/events-api and apis/events-api/using-socket-mode: an event goes to any one of the app's connections, is
to be acknowledged within 3 seconds, and is sent again at once, after 1 minute and after 5 minutes. Each delivery has an
`envelope_id` of its own; `event_id` stays the same. A press of a button is sent once.
"""

import asyncio
import itertools
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import structlog

from bot.simulator.faults import Garbled, Garbler
from bot.simulator.slack.sockets.sockets import Socket, Sockets
from bot.simulator.slack.workspace.app import App
from bot.simulator.slack.workspace.ids import Ids
from bot.simulator.slack.workspace.settings import ACKNOWLEDGE_WITHIN_S, Settings

log = structlog.get_logger()
RETRY_GAPS_S = (0.0, 60.0, 300.0)
MOST_RETRIES = len(RETRY_GAPS_S)


@dataclass(slots=True)
class Envelope:
    """One delivery of one event or press. `channel`, `ts`: the message it is about. `socket`: number of the connection
    it went through, 0 for the first there ever was. `acked_at_s`: None until acknowledged.
    """

    id: str
    event_id: str
    event_type: str
    channel: str
    ts: str
    retry_attempt: int
    retry_reason: str
    sent_at_s: float
    acked_at_s: float | None = None
    socket: int = 0

    @property
    def acked(self) -> bool:
        """Whether it was acknowledged, in time or not."""
        return self.acked_at_s is not None


@dataclass(slots=True, eq=False)
class Event:
    """An event on its way, from its first delivery until it is acknowledged or given up."""

    payload: dict[str, Any]
    kind: str
    channel: str
    ts: str
    attempt: int = 0
    envelope: Envelope | None = None
    timer: asyncio.TimerHandle | None = None

    def is_out_as(self, envelope_id: str) -> bool:
        """Return whether this is its newest delivery: an acknowledgement of an older one comes too late."""
        return self.envelope is not None and self.envelope.id == envelope_id


@dataclass(slots=True)
class Mishap:
    """What happens to the next `times` events of a kind (a shell pattern): late by `delay_s`, or lost if None."""

    kind: str
    times: int
    delay_s: float | None


class Deliveries:
    """The events of one app and where each is. Single event loop.

    `envelopes`: every delivery of an event or a press, in order. `acks`: the id of an envelope → when it was
    acknowledged, on the loop's clock.
    """

    def __init__(self, app: App, ids: Ids, settings: Settings, sockets: Sockets) -> None:
        self._app = app
        self._ids = ids
        self._settings = settings
        self._sockets = sockets
        self._progress = sockets.progress
        self._turn = itertools.count()
        self._waiting: deque[Event] = deque()
        self._events: dict[tuple[str, str], list[Event]] = {}
        self._open: set[Event] = set()
        self._unacked: dict[str, tuple[Socket, Event]] = {}
        self._mishaps: list[Mishap] = []
        self._garbler = Garbler()
        self.envelopes: list[Envelope] = []
        self.acks: dict[str, float] = {}

    # What happens to the next events

    def delay(self, delay_s: float, kind: str = "*", times: int = 1) -> None:
        """Send the next `times` events of a kind late. `kind`: their type (`message`, `app_mention`), or a pattern."""
        self._mishaps.append(Mishap(kind, times, delay_s))

    def lose(self, kind: str = "*", times: int = 1) -> None:
        """Never send the next `times` events of a kind."""
        self._mishaps.append(Mishap(kind, times, None))

    def garble(self, kind: str, change: Callable[[Any], Any], *, times: int = 1, skip: int = 0) -> None:
        """Send the next `times` events of a kind (`message`, `block_actions`, or a pattern) with the payload that
        `change` returns for theirs.
        """
        self._garbler.add(Garbled(kind, change, times, skip))

    # Events and presses

    def notify(self, kind: str, event: Mapping[str, Any], ts: str) -> None:
        """Send an event about message `ts`, if the app is subscribed to it and has the scope for it."""
        if self._app.receives(kind, event):
            self._send(kind, event, ts)

    def _send(self, kind: str, event: Mapping[str, Any], ts: str) -> None:
        mishap = self._next_mishap(kind)
        if mishap is not None and mishap.delay_s is None:
            return
        on_its_way = Event(self._garbler.sent(kind, self._payload(event)), kind, _channel_of(event), ts)
        if kind in {"message", "app_mention"} and "hidden" not in event:
            self._events.setdefault((on_its_way.channel, ts), []).append(on_its_way)
        self._open.add(on_its_way)
        if mishap is not None and mishap.delay_s is not None:
            self._deliver_later(on_its_way, "", mishap.delay_s)
        else:
            self._deliver(on_its_way, "")

    def _payload(self, event: Mapping[str, Any]) -> dict[str, Any]:
        app = self._app
        authorization = {
            "enterprise_id": None, "team_id": app.team_id, "user_id": app.bot.id, "is_bot": True,
            "is_enterprise_install": False,
        }  # fmt: skip
        return {
            "token": "simulated", "team_id": app.team_id, "context_team_id": app.team_id,
            "context_enterprise_id": None, "api_app_id": app.id, "event": event, "type": "event_callback",
            "event_id": self._ids.new("Ev"), "event_time": int(time.time()), "authorizations": [authorization],
            "is_ext_shared_channel": False, "event_context": "4-simulated",
        }  # fmt: skip

    def _next_mishap(self, kind: str) -> Mishap | None:
        for mishap in self._mishaps:
            if fnmatchcase(kind, mishap.kind):
                mishap.times -= 1
                if mishap.times <= 0:
                    self._mishaps.remove(mishap)
                return mishap
        return None

    def press(self, payload: dict[str, Any], channel: str, ts: str) -> Envelope | None:
        """Send an interaction to one connection, once; None if there is no connection."""
        socket = self._next_socket()
        if socket is None:
            return None
        envelope = self._new_envelope(socket, Event(payload, str(payload["type"]), channel, ts), "")
        socket.outbox.put_nowait(json.dumps({
            "envelope_id": envelope.id, "payload": self._garbler.sent(str(payload["type"]), payload),
            "type": "interactive", "accepts_response_payload": False,
        }))  # fmt: skip
        return envelope

    async def redeliver(self, channel: str, ts: str, *, new_event_id: bool = False) -> None:
        """Send a message's events once more: as a first retry, or as new events. Raise `KeyError` if it had none."""
        for event in list(self._events[channel, ts]):
            if new_event_id:
                self._send(event.kind, event.payload["event"], ts)
                continue
            self._settle(event)
            event.attempt = 1
            self._open.add(event)
            self._deliver(event, "timeout")

    async def settled(self, timeout_s: float = 120.0) -> None:
        """Return when no event is on its way: each was acknowledged or, after three retries, given up.

        Raise `TimeoutError`.
        """
        await self._progress.until(lambda: not self._open, timeout_s)

    async def acknowledged(self, channel: str, ts: str, timeout_s: float = 120.0) -> None:
        """Return when the newest delivery of each of a message's events was acknowledged. Raise `TimeoutError`."""
        events = self._events.get((channel, ts), [])

        def acked() -> bool:
            return all(event.envelope is not None and event.envelope.acked for event in events)

        await self._progress.until(acked, timeout_s)

    # What the connections report

    def opened(self) -> None:
        """Send what waited for a connection."""
        waiting, self._waiting = self._waiting, deque()
        for event in waiting:
            # Slack's own first attempt found nobody, so this one is a retry to the app.
            event.attempt = min(event.attempt + 1, MOST_RETRIES)
            self._deliver(event, "connection_failed")

    def received(self, text: str) -> None:
        """Take the app's acknowledgement of an envelope; anything else is ignored."""
        envelope_id = _envelope_id(text)
        now_s = asyncio.get_running_loop().time()
        for envelope in reversed(self.envelopes):
            if envelope.id == envelope_id and not envelope.acked:
                envelope.acked_at_s = self.acks[envelope_id] = now_s
                break
        _, event = self._unacked.pop(envelope_id, (None, None))
        if event is not None and event.is_out_as(envelope_id):
            self._settle(event)
        self._progress.moved()

    def lost(self, socket: Socket) -> None:
        """Send again what a connection took along that is gone."""
        lost = [(id_, event) for id_, (through, event) in self._unacked.items() if through is socket]
        for envelope_id, event in lost:
            del self._unacked[envelope_id]
            if event.is_out_as(envelope_id):
                self._again(event, "connection_failed")

    def close(self) -> None:
        """Forget every event on its way."""
        self._waiting.clear()
        for event in list(self._open):
            self._settle(event)

    def _next_socket(self) -> Socket | None:
        ready = self._sockets.usable()
        return ready[next(self._turn) % len(ready)] if ready else None

    def _new_envelope(self, socket: Socket, event: Event, reason: str) -> Envelope:
        told: Any = event.payload  # which may have been garbled
        event_id, now_s = (
            str(told.get("event_id", "")) if isinstance(told, dict) else "",
            asyncio.get_running_loop().time(),
        )
        envelope = Envelope(
            str(uuid.uuid4()), event_id, event.kind, event.channel, event.ts, event.attempt, reason, now_s,
            socket=socket.number,
        )  # fmt: skip
        self.envelopes.append(envelope)
        return envelope

    def _deliver(self, event: Event, reason: str) -> None:
        socket = self._next_socket()
        if socket is None and self._settings.keeps_events:
            self._waiting.append(event)
            return
        if socket is None:
            self._again(event, "connection_failed")
            return
        event.envelope = envelope = self._new_envelope(socket, event, reason)
        self._unacked[envelope.id] = socket, event
        socket.outbox.put_nowait(json.dumps({
            "envelope_id": envelope.id, "payload": event.payload, "type": "events_api",
            "accepts_response_payload": False, "retry_attempt": event.attempt, "retry_reason": reason,
        }))  # fmt: skip
        event.timer = asyncio.get_running_loop().call_later(
            self._settings.redeliver_after_s, self._late, event, envelope.id
        )
        self._progress.moved()

    def _deliver_later(self, event: Event, reason: str, delay_s: float) -> None:
        event.timer = asyncio.get_running_loop().call_later(delay_s, self._deliver, event, reason)

    def _late(self, event: Event, envelope_id: str) -> None:
        self._unacked.pop(envelope_id, None)
        self._again(event, "timeout")

    def _again(self, event: Event, reason: str) -> None:
        if event.timer is not None:
            event.timer.cancel()
        if event not in self._open:
            return
        if event.attempt >= MOST_RETRIES:
            self._settle(event)
            return
        if self._settings.keeps_events and not self._sockets.usable():
            self._waiting.append(event)
            return
        event.attempt += 1
        gap_s = RETRY_GAPS_S[event.attempt - 1] / ACKNOWLEDGE_WITHIN_S * self._settings.redeliver_after_s
        if gap_s and not (self._settings.keeps_events and reason == "connection_failed"):
            self._deliver_later(event, reason, gap_s)
        else:
            self._deliver(event, reason)

    def _settle(self, event: Event) -> None:
        self._open.discard(event)
        if event.timer is not None:
            event.timer.cancel()
            event.timer = None
        if event in self._waiting:
            self._waiting.remove(event)
        self._progress.moved()


def _channel_of(event: Mapping[str, Any]) -> str:
    """Return the channel an event is about; a reaction's stands in its item."""
    return str(event.get("channel") or event.get("item", {}).get("channel", ""))


def _envelope_id(words: str) -> str:
    """Return the envelope an app's message is about; "" for anything else, which Slack ignores."""
    try:
        answer = json.loads(words)
    except ValueError:
        log.warning("simulated_slack_socket_message_unreadable", size=len(words))
        return ""
    return str(answer.get("envelope_id", "")) if isinstance(answer, dict) else ""
