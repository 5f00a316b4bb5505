"""The gateway: one websocket per connection, sessions that outlive it (Discord docs, events/gateway)."""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web

from bot.simulator.discord.gateway.app import App
from bot.simulator.discord.gateway.connection import ClosingError, Connection, Session
from bot.simulator.discord.gateway.intents import ALL, GUILDS, PRESENCES, PRIVILEGED
from bot.simulator.discord.world.known import Known
from bot.simulator.discord.world.model import Guild
from bot.simulator.discord.world.wire import Json, Wire
from bot.simulator.discord.world.world import World
from bot.simulator.faults import Garbled, Garbler
from bot.simulator.loopback import Loopback

_SESSION_LASTS_S = 300.0  # Discord names no number: "a few minutes"

_STARTS, _STARTS_S = 1000, 86_400.0

_HEARTBEAT, _IDENTIFY, _PRESENCE, _VOICE, _RESUME = 1, 2, 3, 4, 6
_RECONNECT, _MEMBERS, _INVALID_SESSION, _HELLO, _ACK = 7, 8, 9, 10, 11

_log = structlog.get_logger()
Build = Callable[[int], Json | None]


class SessionStarts:
    """How many new sessions the application may begin until they are counted anew: 1,000 in 24 hours. With the next
    one its token is reset, and it is refused as wrong (Discord docs, events/gateway, "Session Start Limit Object").
    """

    def __init__(self) -> None:
        self.allow(_STARTS, _STARTS_S)

    def allow(self, left: int, for_s: float) -> None:
        """Allow so many for so long."""
        self._left, self._until_s = left, time.monotonic() + for_s

    @property
    def left(self) -> int:
        """How many are left."""
        if time.monotonic() >= self._until_s:
            self.allow(_STARTS, _STARTS_S)
        return self._left

    @left.setter
    def left(self, left: int) -> None:
        self._left = left

    @property
    def reset_after_s(self) -> float:
        """How long it is until they are counted anew."""
        return self._until_s - time.monotonic()


class Gateway:
    """All sessions of the application. Single event loop.

    `identifies`, `resumes`: how many of each were accepted. `starts`: how many sessions may still begin.
    Discord also spaces IDENTIFYs five seconds apart; that is left out, since it only makes restarts slow.
    """

    def __init__(self, world: World, wire: Wire, app: App, server: Loopback) -> None:
        self._world = world
        self._wire = wire
        self._known = Known(world)
        self._app = app
        self._server = server
        self.identifies = 0
        self.starts = SessionStarts()
        self._garbler = Garbler()
        self.resumes = 0
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self._told = asyncio.Event()
        self._repeat = 0

    @property
    def url(self) -> str:
        """Where it is; what discord.py's `DiscordWebSocket.DEFAULT_GATEWAY` must be."""
        return f"ws://{self._server.host}/gateway/"

    def dispatch(self, event: str, intents: int, build: Build) -> None:
        """Tell an event to every session that has one of these intents (0: to all). `build` gets its intents."""
        self._expire()
        for session in self._sessions.values():
            if not intents or session.intents & intents:
                data = build(session.intents)
                if data is not None and data.get("guild_id") not in self._world.left | self._world.out:
                    session.dispatch(event, data)

    async def ready(self, timeout_s: float = 120.0) -> None:
        """Return when a client is connected and has been sent all it starts with. Raise `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            await self._told.wait()

    async def drop(self, *, resumable: bool = True, abrupt: bool = False, repeat: int = 0) -> None:
        """Close every socket with 4000. Without `resumable` the next RESUME gets op 9 and the gap's events are lost.

        `abrupt`: the connections break off without a closing frame. `repeat`: how many events that the bot has
        received already (100 at most) the next RESUME sends once more.
        """
        self._repeat = repeat
        if not resumable:
            self._sessions.clear()
        await self._close(None if abrupt else 4000)

    def garble(self, event: str, change: Callable[[Any], Any], *, times: int = 1, skip: int = 0) -> None:
        """Send the next `times` events of a kind (`MESSAGE_CREATE`, or a pattern) as `change` returns their data."""
        self._garbler.add(Garbled(event, change, times, skip))

    def silence(self) -> None:
        """Send nothing more, not even an acknowledgement, to whoever is connected now; the sockets stay open.

        Whoever connects again is served, and resumes without a loss. `settings.heartbeat_s` is how soon a bot notices.
        """
        for connection in self._connections:
            connection.silent, connection.told = True, False
        self._told.clear()

    async def ask_to_reconnect(self) -> None:
        """Send op 7 to every client and return when each has left."""
        for connection in self._connections:
            connection.tell(_RECONNECT)
        await self._gone(list(self._connections))

    async def stop(self) -> None:
        """Close every socket with 1001 and forget the sessions; a client that does not let go is left to the server."""
        self._sessions.clear()
        try:
            async with asyncio.timeout(3.0):
                await self._close(1001)
        except TimeoutError:
            _log.warning("simulated_gateway_client_did_not_close", connections=len(self._connections))

    async def _close(self, code: int | None) -> None:
        connections = list(self._connections)
        for connection in connections:
            if code is None:
                connection.abort()
            else:
                connection.close(code)
        await self._gone(connections)

    async def _gone(self, connections: list[Connection]) -> None:
        for connection in connections:
            await connection.ended.wait()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Answer a GET of `/gateway/`."""
        socket = web.WebSocketResponse(compress=False, timeout=2.0)
        await socket.prepare(request)
        connection = Connection(socket, request.transport)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(connection), name="discord gateway: sending")
                await self._receive(connection, socket)
                if not connection.closing:  # else it is still closing the socket
                    sending.cancel()
        finally:
            connection.ended.set()
        return socket

    async def _send(self, connection: Connection) -> None:
        with suppress(ConnectionError):
            await connection.run_sending(self._on_told)

    async def _receive(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        try:
            connection.tell(_HELLO, {"heartbeat_interval": int(self._world.settings.heartbeat_s * 1000)})
            await self._converse(connection)
        except ClosingError as closing:
            _log.info("simulated_gateway_closes", code=closing.code, reason=str(closing))
            await socket.close(code=closing.code, message=str(closing).encode())
        finally:
            self._detach(connection, None if connection.closing else socket.close_code)

    def _on_told(self, connection: Connection) -> None:
        if connection in self._connections and not connection.silent:  # it may have left meanwhile
            self._told.set()

    def _detach(self, connection: Connection, code: int | None) -> None:
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

    async def _converse(self, connection: Connection) -> None:
        while (payload := await connection.receive()) is not None:
            op, data = payload["op"], payload.get("d")
            if op == _HEARTBEAT:
                if connection.session is not None and isinstance(data, int):
                    connection.session.confirmed(data)
                connection.tell(_ACK)
            elif op == _IDENTIFY:
                self._identify(connection, data)
            elif op == _RESUME:
                self._resume(connection, data)
            elif connection.session is None:
                raise ClosingError(4003, "Not authenticated.")
            elif op == _MEMBERS:
                self._send_members(connection.session, data)
            elif op not in (_PRESENCE, _VOICE):
                raise ClosingError(4001, "Unknown opcode.")

    def _identify(self, connection: Connection, data: Any) -> None:
        if connection.session is not None:
            raise ClosingError(4005, "Already authenticated.")
        if not isinstance(data, dict) or data.get("token") != self._app.token:
            raise ClosingError(4004, "Authentication failed.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~ALL:
            raise ClosingError(4013, "Invalid intent(s).")
        if intents & PRIVILEGED & ~self._app.granted:
            raise ClosingError(4014, "Disallowed intent(s).")
        if not self.starts.left:
            raise ClosingError(4004, "Authentication failed.")  # the token was reset
        self.starts.left -= 1
        self.identifies += 1
        session = Session(secrets.token_hex(16), intents, self._garbler)
        self._sessions[session.id] = session
        session.connection, connection.session = connection, session
        session.dispatch("READY", self._ready_data(session, data.get("shard")))
        if intents & GUILDS:
            for guild in self._world.joined():
                if guild.id not in self._world.out:
                    session.dispatch("GUILD_CREATE", self._created(guild, intents))
        connection.mark_told()

    def begin_outage(self, guild_id: str) -> None:
        """Make a guild unavailable: READY and GUILD_DELETE say so, and what is said there is only in its history.

        A bot that connects meanwhile is ready without it (Discord docs, events/gateway, "Guild Availability").
        """
        guild = self._known.guild(guild_id)
        self._world.out.add(guild.id)
        self.dispatch("GUILD_DELETE", GUILDS, lambda _: {"id": guild.id, "unavailable": True})

    def end_outage(self, guild_id: str, *, said_available: bool = True) -> None:
        """Send the GUILD_CREATE of a guild that is available again. Its field `unavailable` says so, or its coming
        alone: the field may be left out (Discord docs, resources/guild, `unavailable?`).
        """
        guild = self._known.guild(guild_id)
        self._world.out.discard(guild.id)
        left_out = set() if said_available else {"unavailable"}

        def told(intents: int) -> Json:
            return {key: value for key, value in self._created(guild, intents).items() if key not in left_out}

        self.dispatch("GUILD_CREATE", GUILDS, told)

    def _created(self, guild: Guild, intents: int) -> Json:
        return self._wire.guild_create(guild, all_members=bool(intents & PRESENCES))

    def _ready_data(self, session: Session, shard: Any) -> Json:
        return {
            "v": 10,
            "user": {**self._wire.user(self._world.bot), "verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in self._world.joined()],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": self._own_application(),
            **({"shard": shard} if shard else {}),
        }

    def _own_application(self) -> Json:
        flags = self._app.flags()
        return {"id": self._app.id, "flags": flags, "flags_new": str(flags)}

    def _resume(self, connection: Connection, data: Any) -> None:
        if not isinstance(data, dict) or data.get("token") != self._app.token:
            raise ClosingError(4004, "Authentication failed.")
        session = self._sessions.get(str(data.get("session_id")))
        if session is None:
            connection.tell(_INVALID_SESSION, False)
            return
        seq = data.get("seq")
        if not isinstance(seq, int) or seq > session.seq:
            raise ClosingError(4007, "Invalid `seq`.")
        self.resumes += 1
        if session.connection is not None:
            session.connection.close(4000)
        session.connection, connection.session = connection, session
        session.confirmed(seq)
        again = [one for one in session.received if one["t"] not in ("READY", "RESUMED")]
        for event in (*again[len(again) - min(self._repeat, len(again)) :], *session.sent):
            connection.send(event)
        self._repeat = 0
        session.dispatch("RESUMED", {})
        connection.mark_told()

    def _send_members(self, session: Session, data: Any) -> None:
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
            raise ClosingError(4002, "Error while decoding payload.")
        members = members[: limit or None]
        chunk: Json = {"guild_id": guild.id, "members": [self._wire.member(guild, one) for one in members]}
        chunk |= {"chunk_index": 0, "chunk_count": 1, "not_found": [], "nonce": asked.get("nonce")}
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)
