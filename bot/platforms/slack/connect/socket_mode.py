"""The Socket Mode connections: two at once, so that something always listens; every task owned.

bolt handles each event as ever. None of slack_sdk's own clients is used: its aiohttp client (3.47) closes a connection
before it opens the next one, and waits ten seconds for a dead one to close; it acknowledges on another connection than
the event came by, asks for a refused token for ever and starts tasks that nobody keeps.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import PlatformError, RateLimited, StartupError
from bot.platforms.kernel.others import Others
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.connect.sign_in import BACK_OFF, new_socket_url
from bot.platforms.slack.sdk import acknowledgement

log = structlog.get_logger()

_CONNECTIONS = 2
"""Slack gives each event to one of an app's connections, of which there may be ten (docs, apis/events-api/
using-socket-mode): while one of two is replaced, or is dead and not yet known to be, the other receives."""
_HEARTBEAT_S = 10.0
"""A connection that is silent for this long is pinged, and given up if it stays silent for half as long again."""
_HELLO_S = 10.0
_STEADY_S = 30.0
"""A connection that ends by itself before this is one more failure in a row."""
_DRAIN_S = 5.0
_CLOSE_S = 5.0
_CROWD = 6
"""So many connections of one app are not ours alone: ghosts of earlier ones, or a second process, that take events
away. Slack refuses the eleventh."""
_GHOSTS_S = 300.0
"""So long Slack may count connections that are no more, of ours and of an earlier process."""
_CROWDED_EVERY_S = 31.0
"""While Slack has too many connections of the app or has switched them off, two tries a minute are enough."""
_RENEWED = "renewed"
_REPLACED = frozenset({"refresh_requested", "warning", _RENEWED})
"""Slack docs, apis/events-api/using-socket-mode: this connection is soon closed, a new one is welcome at once. The last
is our own reason."""
_UNWELCOME = frozenset({"too_many_websockets", "link_disabled"})

Meanwhile = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""What runs beside the connections; the event is set while there is one."""


class NoHello(Exception):  # noqa: N818 - it says what happened
    """Slack took a connection and sent it away at once; the text is Slack's reason."""


class Link:
    """One connection, from Slack's hello to its close. `tasks` owns the handling of each event.

    When it is over or about to be, `leave` is called once, with Slack's reason, `closed` or `silent` (it was half-open:
    no answer to a ping); then `leaving` is set.
    """

    def __init__(
        self,
        ws: aiohttp.ClientWebSocketResponse,
        app: AsyncApp,
        tasks: asyncio.TaskGroup,
        leave: Callable[[str], None],
        close_s: float,
    ) -> None:
        self.leaving = asyncio.Event()
        self._ws = ws
        self._app = app
        self._tasks = tasks
        self._leave = leave
        self._close_s = close_s
        self._events: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Take events until the connection is closed or this is cancelled.

        Then what is being heard is waited for, so that it can be acknowledged, and the connection is closed.
        """
        try:
            async for frame in self._ws:
                if frame.type is aiohttp.WSMsgType.TEXT and self._take(read(frame.data)) in _UNWELCOME:
                    break
            self._go("silent" if isinstance(self._ws.exception(), aiohttp.ServerTimeoutError) else "closed")
        finally:
            try:
                if self._events:
                    await asyncio.wait(self._events, timeout=_DRAIN_S)
            finally:
                await self.close()

    async def close(self) -> None:
        """Close the connection, if it is open."""
        await close(self._ws, self._close_s)

    def renew(self) -> None:
        """Have another connection take the place of this one, which ends when that is there."""
        self._go(_RENEWED)

    def _take(self, message: dict[str, Any]) -> str:
        """Handle an event in a task of its own; return Slack's reason if the message bids to disconnect, else ""."""
        if message.get("type") == "disconnect":
            reason = str(message.get("reason") or "closed")
            self._go(reason)
            return reason
        if "envelope_id" in message:
            task = self._tasks.create_task(self._handle(message), name="slack-event")
            self._events.add(task)
            task.add_done_callback(self._events.discard)
        return ""

    async def _handle(self, message: dict[str, Any]) -> None:
        """Let the app take an event; it is acknowledged, where it came from, if the app answers 200."""
        try:
            if (answer := await acknowledgement(self._app, message)) is not None:
                await self._ws.send_str(answer)
        except ConnectionError as error:
            log.info("slack_event_not_acknowledged", reason=type(error).__name__)
        except MISREAD as error:
            misread("slack_envelope_unreadable", message, error)
        except Exception:
            # One event must not end the connection; without an acknowledgement Slack sends it again.
            log.exception("slack_event_not_handled", kind=message.get("type"))

    def _go(self, reason: str) -> None:
        if not self.leaving.is_set():
            self._leave(reason)
            self.leaving.set()


class SocketMode:
    """The app's connections. `client`: makes the calls for new ones, over `session` as the connections themselves.

    `others`: is told of connections that are not ours. `heartbeat_s`, `crowded_every_s`, `close_s`, `ghosts_s`: see the
    constants.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        *,
        heartbeat_s: float = _HEARTBEAT_S,
        crowded_every_s: float = _CROWDED_EVERY_S,
        close_s: float = _CLOSE_S,
        ghosts_s: float = _GHOSTS_S,
        others: Others | None = None,
    ) -> None:
        self._app = app
        self._others = others or Others()
        self._ghosts_s = ghosts_s
        self._began_s = _now_s()
        self._held: set[Link] = set()
        self._ended_s: deque[float] = deque()
        self._crowded = False
        self._app_token = app_token
        self._client = client
        self._session = session
        self._heartbeat_s = heartbeat_s
        self._crowded_every_s = crowded_every_s
        self._close_s = close_s
        self._opening = asyncio.Lock()
        self._connected = asyncio.Event()
        self._serving: set[Link] = set()
        self._failures = 0
        self._not_before_s = 0.0

    async def run(self, url: str, meanwhile: Meanwhile | None = None) -> None:
        """Stay connected until cancelled. `url`: a ticket that was just issued; all further ones are asked for.

        Raise `StartupError` if Slack refuses the app's token. On the way out nothing more is taken in, events that are
        being heard are let through for a while, and everything is closed.
        """
        refusal: StartupError | None = None
        async with asyncio.TaskGroup() as events:
            try:
                async with asyncio.TaskGroup() as links:
                    for first in [url, *[""] * (_CONNECTIONS - 1)]:
                        links.create_task(self._stay(first, events, links), name="slack-connections")
                    links.create_task(self._look_again(), name="slack-look-again")
                    if meanwhile is not None:
                        links.create_task(meanwhile(self._connected), name="slack-meanwhile")
            except* StartupError as group:  # kept out of the outer group, which would wrap it
                refusal = next(error for error in group.exceptions if isinstance(error, StartupError))
            finally:  # a connection whose task was cancelled before it ran has nobody else to close it
                await asyncio.gather(*(link.close() for link in self._held))
        if refusal is not None:
            raise refusal

    async def _stay(self, url: str, events: asyncio.TaskGroup, links: asyncio.TaskGroup) -> None:
        """Keep one connection. One that Slack is about to close is listened to until its successor is there."""
        serving: asyncio.Task[None] | None = None
        while True:
            link = await self._open(url, events)
            if serving is not None:
                serving.cancel()
            serving = links.create_task(self._serve(link), name="slack-connection")
            await link.leaving.wait()
            url = ""

    async def _look_again(self) -> None:
        """Have Slack count once more if there was more than ours at first, now that ghosts are forgotten."""
        await asyncio.sleep(self._ghosts_s)
        if self._crowded:
            for link in [*self._serving][:1]:
                link.renew()

    async def _serve(self, link: Link) -> None:
        self._serving.add(link)
        self._connected.set()
        try:
            await link.serve()
        finally:
            self._held.discard(link)
            self._ended_s.append(_now_s())
            self._serving.discard(link)
            if not self._serving:
                self._connected.clear()

    async def _open(self, url: str, events: asyncio.TaskGroup) -> Link:
        """Return a new connection, however long it takes. One is opened at a time, and what one try learns of Slack
        holds for the next. Raise `StartupError` if Slack refuses the app's token.
        """
        async with self._opening:
            while True:
                await asyncio.sleep(self._not_before_s - _now_s())
                try:
                    ticket = url or await new_socket_url(self._client, self._app_token)
                    return await self._connect(ticket, events)
                except PlatformError as error:
                    self._failed(error.detail, error.retry_after_s if isinstance(error, RateLimited) else 0.0)
                except NoHello as error:
                    self._failed(str(error), self._crowded_every_s if str(error) in _UNWELCOME else 0.0)
                except (aiohttp.ClientError, OSError) as error:  # their texts hold the ticket
                    self._failed(type(error).__name__)
                url = ""

    async def _connect(self, ticket: str, events: asyncio.TaskGroup) -> Link:
        """Return the connection that a ticket is good for. Raise `NoHello`, `aiohttp.ClientError` and `OSError`."""
        async with asyncio.timeout(_HELLO_S):
            ws = await self._session.ws_connect(ticket, heartbeat=self._heartbeat_s, proxy=self._client.proxy)
            try:
                connections = greeting(read(str((await ws.receive()).data)))
            except BaseException:
                await close(ws, self._close_s)
                self._ended_s.append(_now_s())
                raise
        begun_s = _now_s()
        link = Link(ws, self._app, events, lambda reason: self._left(reason, _now_s() - begun_s), self._close_s)
        self._held.add(link)
        self._greeted(connections)
        return link

    def _greeted(self, connections: int) -> None:
        log.info("slack_connected", connections=connections)
        self._count(connections)
        if connections >= _CROWD:
            remedy = "stop other processes that use this app token; Slack forgets dead connections after some minutes"
            log.warning("slack_many_connections", connections=connections, remedy=remedy)
            self._hold(self._crowded_every_s)

    def _count(self, connections: int) -> None:
        """Compare Slack's number of connections with ours, of which it may count some that have ended."""
        now_s = _now_s()
        while self._ended_s and self._ended_s[0] <= now_s - self._ghosts_s:
            self._ended_s.popleft()
        self._crowded = connections > len(self._held) + len(self._ended_s)
        if self._crowded and now_s - self._began_s >= self._ghosts_s:
            self._others.seen("it holds connections of the app")

    def _left(self, reason: str, after_s: float) -> None:
        log.info("slack_connection_ends", reason=reason, after_s=round(after_s, 1))
        if after_s > _STEADY_S or reason in _REPLACED:
            self._failures = 0
        if reason not in _REPLACED:
            self._failed(reason, self._crowded_every_s if reason in _UNWELCOME else 0.0)

    def _failed(self, reason: str, wait_s: float = 0.0) -> None:
        """Put the next try off: for `wait_s` at least, and the longer the more often it went wrong."""
        self._failures += 1
        wait_s = max(wait_s, BACK_OFF.wait_s(self._failures))
        log.warning("slack_not_connected", reason=reason, wait_s=round(wait_s, 1))
        self._hold(wait_s)

    def _hold(self, wait_s: float) -> None:
        self._not_before_s = max(self._not_before_s, _now_s() + wait_s)


def read(words: str) -> dict[str, Any]:
    """Return a message of Slack's; empty for what is none."""
    try:
        message = json.loads(words)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        log.warning("slack_message_unreadable", size=len(words))
        return {}
    return message


def greeting(message: dict[str, Any]) -> int:
    """Return how many connections the app has with this one, as Slack's hello tells. Raise `NoHello`."""
    if message.get("type") != "hello":
        raise NoHello(str(message.get("reason") or "no hello"))
    connections = message.get("num_connections")
    return connections if isinstance(connections, int) else 0


async def close(ws: aiohttp.ClientWebSocketResponse, within_s: float) -> None:
    """Close a connection; one that does not answer is dropped after `within_s` seconds."""
    try:
        async with asyncio.timeout(within_s):
            await ws.close()
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        log.info("slack_connection_dropped", reason=type(error).__name__)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
