"""Socket Mode's connections: who is connected, and how a connection is lost.

Slack docs, apis/events-api/using-socket-mode: an app has ten connections at most, each opened with a ticket of its own;
Slack asks a connection to go when it is to be refreshed.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog
from aiohttp import web

from bot.simulator.slack.workspace.progress import Progress

log = structlog.get_logger()
MOST_SOCKETS = 10
_CLOSING_TAKES_S = 5.0
Reason = Literal["refresh_requested", "warning"]


@dataclass(slots=True, eq=False)
class Socket:
    """One connection. `number`: 0 for the first there ever was. `leaving`: it was told to go and gets no more events.

    `frozen`: half-open: for Slack it is there, but nothing gets through in either direction.
    """

    number: int
    ws: web.WebSocketResponse
    outbox: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)
    leaving: bool = False
    frozen: bool = False
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.TimerHandle | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def disconnect(self, reason: str) -> None:
        """Send the message by which Slack asks an app to leave."""
        debug = {"host": "applink-simulated"}
        self.outbox.put_nowait(json.dumps({"type": "disconnect", "reason": reason, "debug_info": debug}))

    def thaw(self) -> None:
        """End the half-open state."""
        self.frozen = False
        self.thawed.set()
        self.thawed = asyncio.Event()


class Sockets:
    """The connections of one app, oldest first: those that are `open`, as far as Slack knows.

    `progress` moves whenever a connection or a delivery changes.
    """

    def __init__(self) -> None:
        self._tickets: set[str] = set()
        self._opened = 0
        self.open: list[Socket] = []
        self.progress = Progress()

    def new_ticket(self) -> str:
        """Return a ticket for one connection."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return ticket

    def use_ticket(self, ticket: str) -> bool:
        """Use a ticket up; return whether it was good."""
        known = ticket in self._tickets
        self._tickets.discard(ticket)
        return known

    def add(self, ws: web.WebSocketResponse) -> Socket | None:
        """Add a connection; return None if the app has as many as it may have."""
        if len(self.open) >= MOST_SOCKETS:
            return None
        socket = Socket(self._opened, ws)
        self._opened += 1
        self.open.append(socket)
        self.progress.moved()
        return socket

    def remove(self, socket: Socket) -> None:
        """Forget a connection that is gone."""
        self.open.remove(socket)
        socket.gone.set()
        if socket.closing is not None:
            socket.closing.cancel()
        self.progress.moved()

    def usable(self) -> list[Socket]:
        """Return the connections that take events, as far as Slack knows."""
        return [socket for socket in self.open if not socket.leaving]

    async def ready(self, timeout_s: float = 120.0, *, sockets: int = 1) -> None:
        """Return when the app has this many connections that take events. Raise `TimeoutError`."""
        await self.progress.until(lambda: len(self.usable()) >= sockets, timeout_s)

    async def holds(self, sockets: int, timeout_s: float = 120.0) -> None:
        """Return when the app has just this many connections, as far as Slack knows. Raise `TimeoutError`."""
        await self.progress.until(lambda: len(self.open) == sockets, timeout_s)

    async def refresh_all(self, reason: Reason = "refresh_requested") -> None:
        """Ask every connection to go. `refresh_requested`: they have a second, and are closed when this returns.

        `warning`: they have ten, and this returns at once. A frozen connection does not read it and stays.
        """
        await self._refresh(self.open, reason)

    async def refresh_one(self, index: int, reason: Reason = "refresh_requested") -> None:
        """Ask one connection to go; 0 is the oldest that is open. Raise `LookupError` if there is none."""
        await self._refresh([self._at(index)], reason)

    async def _refresh(self, sockets: Sequence[Socket], reason: Reason) -> None:
        grace_s, loop = (1.0 if reason == "refresh_requested" else 10.0), asyncio.get_running_loop()
        told = [socket for socket in sockets if not socket.frozen]
        for socket in told:
            socket.leaving = True
            socket.disconnect(reason)
            socket.closing = loop.call_later(grace_s, socket.outbox.put_nowait, None)
        if reason == "refresh_requested":
            async with asyncio.timeout(grace_s + _CLOSING_TAKES_S):
                await asyncio.gather(*(socket.gone.wait() for socket in told))

    def freeze_all(self) -> None:
        """Make every connection half-open: nothing is read, answered, pinged or closed, and Slack does not know.

        It goes on sending events into them and counts them. Connections opened later are sound.
        """
        for socket in self.open:
            socket.frozen = True

    def freeze_one(self, index: int) -> None:
        """Make one connection half-open; 0 is the oldest. Raise `LookupError` if there is none."""
        self._at(index).frozen = True

    def thaw(self) -> None:
        """End the half-open state: Slack notices which connections are gone; what was sent into them is lost."""
        for socket in self.open:
            socket.thaw()

    def _at(self, index: int) -> Socket:
        if not 0 <= index < len(self.open):
            raise LookupError(f"no connection {index}: there are {len(self.open)}")
        return self.open[index]

    async def close(self) -> None:
        """Close every connection."""
        self.thaw()
        sockets = list(self.open)
        for socket in sockets:
            socket.outbox.put_nowait(None)
        try:
            async with asyncio.timeout(_CLOSING_TAKES_S):
                await asyncio.gather(*(socket.gone.wait() for socket in sockets))
        except TimeoutError:
            log.warning("simulated_slack_socket_not_let_go", sockets=len(self.open))
