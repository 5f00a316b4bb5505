"""One websocket of the gateway, and the session that may outlive it (Discord docs, events/gateway)."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from bot.simulator.faults import Garbler

Json = dict[str, Any]

DISPATCH = 0
_REPEATABLE = 100  # how many events a session keeps so that they can be sent twice
_SENDS, _SENDS_PER_S = 120, 60.0  # more than this closes with 4008 (Discord docs, events/gateway, "Rate Limiting")


class ClosingError(Exception):
    """The connection is to be closed with this code (Discord docs, opcodes, "Gateway Close Event Codes")."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True, eq=False)
class Session:
    """What one IDENTIFY began.

    `sent` holds the dispatches that the client has not confirmed by a heartbeat, `received` the last that it has.
    """

    id: str
    intents: int
    garbler: Garbler
    seq: int = 0
    sent: deque[Json] = field(default_factory=deque)
    received: deque[Json] = field(default_factory=lambda: deque(maxlen=_REPEATABLE))
    connection: "Connection | None" = None
    left_at_s: float = 0.0

    def dispatch(self, event: str, data: Json) -> None:
        """Tell an event, now or when the client resumes."""
        self.seq += 1
        payload: Json = {"op": DISPATCH, "t": event, "s": self.seq, "d": self.garbler.sent(event, data)}
        self.sent.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def confirmed(self, seq: int) -> None:
        """Note that the client has everything up to this number."""
        while self.sent and self.sent[0]["s"] <= seq:
            self.received.append(self.sent.popleft())


class Connection:
    """One websocket. What is to be sent waits in a queue, so that telling an event never waits for the network."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.socket = socket
        self._transport = transport
        self.session: Session | None = None
        self.told = False
        self.closing = False
        self.silent = False
        self.ended = asyncio.Event()
        self._queue: asyncio.Queue[Json | int | None] = asyncio.Queue()
        self._received: deque[float] = deque(maxlen=_SENDS)

    def send(self, payload: Json) -> None:
        """Send after what is already in the queue; nothing when `silent`."""
        if not self.silent:
            self._queue.put_nowait(payload)

    def tell(self, op: int, data: Any = None) -> None:
        """Send what is no event: it has neither name nor number (Discord docs, gateway-events, "Payload Structure")."""
        self.send({"t": None, "s": None, "op": op, "d": data})

    def close(self, code: int) -> None:
        """Close after what is already in the queue."""
        self.closing = True
        self._queue.put_nowait(code)

    def abort(self) -> None:
        """Break the connection off, without a word."""
        if self._transport is not None:
            self._transport.abort()

    def mark_told(self) -> None:
        """Have `on_told` called as soon as everything up to here is on the wire."""
        self._queue.put_nowait(None)

    async def run_sending(self, on_told: "Callable[[Connection], None]") -> None:
        """Send what is in the queue, until it says to close."""
        while True:
            item = await self._queue.get()
            if item is None:
                self.told = not self.silent
                on_told(self)
            elif isinstance(item, int):
                await self.socket.close(code=item)
                return
            else:
                await self.socket.send_str(json.dumps(item))

    async def receive(self) -> Json | None:
        """Return the next payload, None when the socket is closed."""
        message = await self.socket.receive()
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return None
        now_s = asyncio.get_running_loop().time()
        if len(self._received) == _SENDS and now_s - self._received[0] < _SENDS_PER_S:
            raise ClosingError(4008, "Rate limited.")
        self._received.append(now_s)
        try:
            payload = json.loads(message.data)
        except (ValueError, TypeError) as error:
            raise ClosingError(4002, "Error while decoding payload.") from error
        if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
            raise ClosingError(4002, "Error while decoding payload.")
        return payload
