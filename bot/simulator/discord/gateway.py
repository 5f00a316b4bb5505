"""The gateway: one websocket per connection, sessions that outlive it (Discord docs, events/gateway)."""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from bot.simulator.discord.wire import Json, Wire
from bot.simulator.discord.world import World

GUILDS, GUILD_MEMBERS, PRESENCES, GUILD_MESSAGES = 1 << 0, 1 << 1, 1 << 8, 1 << 9
GUILD_REACTIONS, DIRECT_MESSAGES, DIRECT_REACTIONS, MESSAGE_CONTENT = 1 << 10, 1 << 12, 1 << 13, 1 << 15
_ALL_INTENTS = (1 << 26) - 1
_HEARTBEAT_MS = 41250
_SESSION_LASTS_S = 300.0  # Discord names no number: "a few minutes"
_SENDS, _SENDS_PER_S = 120, 60.0  # more than this closes with 4008 (Discord docs, events/gateway, "Rate Limiting")

_DISPATCH, _HEARTBEAT, _IDENTIFY, _PRESENCE, _VOICE, _RESUME = 0, 1, 2, 3, 4, 6
_RECONNECT, _MEMBERS, _INVALID_SESSION, _HELLO, _ACK = 7, 8, 9, 10, 11

_log = structlog.get_logger()
Build = Callable[[int], Json | None]


class _ClosingError(Exception):
    """The connection is to be closed with this code (Discord docs, opcodes, "Gateway Close Event Codes")."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True, eq=False)
class _Session:
    """What one IDENTIFY began. `sent` holds the dispatches that the client has not confirmed by a heartbeat."""

    id: str
    intents: int
    seq: int = 0
    sent: deque[Json] = field(default_factory=deque)
    connection: "_Connection | None" = None
    left_at_s: float = 0.0

    def dispatch(self, event: str, data: Json) -> None:
        self.seq += 1
        payload: Json = {"op": _DISPATCH, "t": event, "s": self.seq, "d": data}
        self.sent.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def confirmed(self, seq: int) -> None:
        while self.sent and self.sent[0]["s"] <= seq:
            self.sent.popleft()


class _Connection:
    """One websocket. What is to be sent waits in a queue, so that telling an event never waits for the network."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.session: _Session | None = None
        self.told = False
        self.closing = False
        self.ended = asyncio.Event()
        self._queue: asyncio.Queue[Json | int | None] = asyncio.Queue()
        self._received: deque[float] = deque(maxlen=_SENDS)

    def send(self, payload: Json) -> None:
        self._queue.put_nowait(payload)

    def close(self, code: int) -> None:
        """Close after what is already in the queue."""
        self.closing = True
        self._queue.put_nowait(code)

    def mark_told(self) -> None:
        """Have `on_told` called as soon as everything up to here is on the wire."""
        self._queue.put_nowait(None)

    async def run_sending(self, on_told: "Callable[[_Connection], None]") -> None:
        while True:
            item = await self._queue.get()
            if item is None:
                self.told = True
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
            raise _ClosingError(4008, "Rate limited.")
        self._received.append(now_s)
        try:
            payload = json.loads(message.data)
        except (ValueError, TypeError) as error:
            raise _ClosingError(4002, "Error while decoding payload.") from error
        if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
            raise _ClosingError(4002, "Error while decoding payload.")
        return payload


class Gateway:
    """All sessions of the application. `granted`: the privileged intents it may ask for. Single event loop.

    Discord also spaces IDENTIFYs five seconds apart; that is left out, since it only makes restarts slow.
    """

    def __init__(self, world: World, wire: Wire, token: str) -> None:
        self._world = world
        self._wire = wire
        self._token = token
        self.url = ""
        self.granted = MESSAGE_CONTENT
        self.identifies = 0
        self.resumes = 0
        self._sessions: dict[str, _Session] = {}
        self._connections: set[_Connection] = set()
        self._told = asyncio.Event()

    def dispatch(self, event: str, intents: int, build: Build) -> None:
        """Tell an event to every session that has one of these intents (0: to all). `build` gets its intents."""
        self._expire()
        for session in self._sessions.values():
            if not intents or session.intents & intents:
                data = build(session.intents)
                if data is not None:
                    session.dispatch(event, data)

    async def ready(self, timeout_s: float) -> None:
        """Return when a client is connected and has been sent all it starts with. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            await self._told.wait()

    async def drop(self, *, resumable: bool) -> None:
        """Close every socket with 4000; without `resumable` the sessions are forgotten too. All are closed after."""
        if not resumable:
            self._sessions.clear()
        await self._close(4000)

    async def ask_to_reconnect(self) -> None:
        """Send op 7 to every client and return when each has left."""
        for connection in self._connections:
            connection.send({"op": _RECONNECT, "d": None})
        await self._gone(list(self._connections))

    async def stop(self) -> None:
        """Close every socket with 1001 and forget the sessions; a client that does not let go is left to the server."""
        self._sessions.clear()
        try:
            async with asyncio.timeout(3.0):
                await self._close(1001)
        except TimeoutError:
            _log.warning("simulated gateway: a client did not close", connections=len(self._connections))

    async def _close(self, code: int) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.close(code)
        await self._gone(connections)

    async def _gone(self, connections: list[_Connection]) -> None:
        for connection in connections:
            await connection.ended.wait()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Answer a GET of `/gateway/`."""
        socket = web.WebSocketResponse(compress=False, timeout=2.0)
        await socket.prepare(request)
        connection = _Connection(socket)
        self._connections.add(connection)
        sending = asyncio.create_task(connection.run_sending(self._on_told), name="discord gateway: sending")
        try:
            connection.send({"op": _HELLO, "d": {"heartbeat_interval": _HEARTBEAT_MS}})
            await self._converse(connection)
        except _ClosingError as closing:
            _log.info("simulated gateway closes", code=closing.code, reason=str(closing))
            await socket.close(code=closing.code, message=str(closing).encode())
        finally:
            self._detach(connection, None if connection.closing else socket.close_code)
            if not connection.closing:  # else it is still closing the socket
                sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await sending
            connection.ended.set()
        return socket

    def _on_told(self, connection: _Connection) -> None:
        if connection in self._connections:  # it may have left meanwhile
            self._told.set()

    def _detach(self, connection: _Connection, code: int | None) -> None:
        self._connections.discard(connection)
        if not any(one.told for one in self._connections):
            self._told.clear()
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection, session.left_at_s = None, time.monotonic()
        if code in (1000, 1001):  # the client said goodbye: its session ends (Discord docs, events/gateway)
            self._sessions.pop(session.id, None)

    def _expire(self) -> None:
        oldest_s = time.monotonic() - _SESSION_LASTS_S
        gone = [one.id for one in self._sessions.values() if one.connection is None and one.left_at_s < oldest_s]
        for session in gone:
            del self._sessions[session]

    async def _converse(self, connection: _Connection) -> None:
        while (payload := await connection.receive()) is not None:
            op, data = payload["op"], payload.get("d")
            if op == _HEARTBEAT:
                if connection.session is not None and isinstance(data, int):
                    connection.session.confirmed(data)
                connection.send({"op": _ACK})
            elif op == _IDENTIFY:
                self._identify(connection, data)
            elif op == _RESUME:
                self._resume(connection, data)
            elif connection.session is None:
                raise _ClosingError(4003, "Not authenticated.")
            elif op == _MEMBERS:
                self._send_members(connection.session, data)
            elif op not in (_PRESENCE, _VOICE):
                raise _ClosingError(4001, "Unknown opcode.")

    def _identify(self, connection: _Connection, data: Any) -> None:
        if connection.session is not None:
            raise _ClosingError(4005, "Already authenticated.")
        if not isinstance(data, dict) or data.get("token") != self._token:
            raise _ClosingError(4004, "Authentication failed.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~_ALL_INTENTS:
            raise _ClosingError(4013, "Invalid intent(s).")
        if intents & (GUILD_MEMBERS | PRESENCES | MESSAGE_CONTENT) & ~self.granted:
            raise _ClosingError(4014, "Disallowed intent(s).")
        self.identifies += 1
        session = _Session(secrets.token_hex(16), intents)
        self._sessions[session.id] = session
        session.connection, connection.session = connection, session
        session.dispatch("READY", self._ready_data(session, data.get("shard")))
        if intents & GUILDS:
            for guild in self._world.guilds.values():
                created = self._wire.guild_create(guild, all_members=bool(intents & PRESENCES))
                session.dispatch("GUILD_CREATE", created)
        connection.mark_told()

    def _ready_data(self, session: _Session, shard: Any) -> Json:
        return {
            "v": 10,
            "user": {**self._wire.user(self._world.bot), "verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": guild, "unavailable": True} for guild in self._world.guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "application": {"id": self._world.bot.id, "flags": self.application_flags()},
            **({"shard": shard} if shard else {}),
        }

    def application_flags(self) -> int:
        """Return the application's flags: which privileged intents it has (limited kind; Discord docs, application)."""
        limited = {PRESENCES: 1 << 13, GUILD_MEMBERS: 1 << 15, MESSAGE_CONTENT: 1 << 19}
        return sum(flag for intent, flag in limited.items() if self.granted & intent)

    def _resume(self, connection: _Connection, data: Any) -> None:
        if not isinstance(data, dict) or data.get("token") != self._token:
            raise _ClosingError(4004, "Authentication failed.")
        session = self._sessions.get(str(data.get("session_id")))
        if session is None:
            connection.send({"op": _INVALID_SESSION, "d": False})
            return
        seq = data.get("seq")
        if not isinstance(seq, int) or seq > session.seq:
            raise _ClosingError(4007, "Invalid `seq`.")
        self.resumes += 1
        if session.connection is not None:
            session.connection.close(4000)
        session.connection, connection.session = connection, session
        session.confirmed(seq)
        for missed in session.sent:
            connection.send(missed)
        session.dispatch("RESUMED", {})
        connection.mark_told()

    def _send_members(self, session: _Session, data: Any) -> None:
        asked = data if isinstance(data, dict) else {}
        guild = self._world.guilds.get(str(asked.get("guild_id")))
        if guild is None:
            return
        members = [self._world.people[one] for one in guild.members]
        ids = asked.get("user_ids")
        if ids is not None:
            wanted = {str(one) for one in (ids if isinstance(ids, list) else [ids])}
            members = [one for one in members if one.id in wanted]
        else:
            start = str(asked.get("query") or "").lower()
            members = [one for one in members if one.name.lower().startswith(start)]
        limit = asked.get("limit") or 0
        if not isinstance(limit, int):
            raise _ClosingError(4002, "Error while decoding payload.")
        members = members[: limit or None]
        chunk: Json = {"guild_id": guild.id, "members": [self._wire.member(guild, one) for one in members]}
        chunk |= {"chunk_index": 0, "chunk_count": 1, "not_found": [], "nonce": asked.get("nonce")}
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)
