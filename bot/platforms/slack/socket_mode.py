"""The Socket Mode connection: slack_sdk's client, with every task it starts owned and awaited.

slack_sdk 3.47 starts tasks that nobody keeps, retries a refused token for ever and goes on with a used-up ticket; the
handler of bolt 1.30 closes without waiting for the events it is working on. The overrides here mend that, no more.
"""

import asyncio
import json
from time import time
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import RateLimited, StartupError
from bot.platforms.slack.sign_in import new_socket_url

log = structlog.get_logger()

_PING_EVERY_S = 5.0
"""A connection that does not answer for four of these is given up."""
_DRAIN_S = 5.0
_CLOSE_S = 5.0


class Socket(SocketModeClient):
    """A connection that stays: it reconnects by itself until it is closed. `tasks` owns the handling of each event.

    `url`: a ticket that was just issued; after `ticket_lasts_s` without a connection another one is asked for.
    `refused` gets a `StartupError` if Slack refuses the app's token later on.
    """

    def __init__(
        self,
        app_token: str,
        web_client: AsyncWebClient,
        url: str,
        tasks: asyncio.TaskGroup,
        *,
        ticket_lasts_s: float = 10.0,
    ) -> None:
        super().__init__(app_token, logger=web_client.logger, web_client=web_client, ping_interval=_PING_EVERY_S)
        self.proxy = web_client.proxy
        self.wss_uri = url
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ticket_lasts_s = ticket_lasts_s
        self._not_before_s = 0.0
        self._tasks = tasks
        self._events: set[asyncio.Task[None]] = set()

    async def issue_new_wss_url(self) -> str:
        """Return a new ticket. Raises `PlatformError`s, after which slack_sdk tries again; a refusal ends the run."""
        now_s = asyncio.get_running_loop().time
        try:
            await asyncio.sleep(self._not_before_s - now_s())
            return await new_socket_url(self.web_client, self.app_token)
        except RateLimited as error:
            self._not_before_s = now_s() + error.retry_after_s
            raise
        except StartupError as error:
            if not self.refused.done():
                self.refused.set_exception(error)
            raise

    async def connect(self) -> None:
        """Connect, with a new ticket if the one at hand brings no connection for a while: each is good for one try."""
        while not self.closed:
            try:
                async with asyncio.timeout(self._ticket_lasts_s):
                    await super().connect()  # type: ignore[no-untyped-call]
            except TimeoutError:
                log.warning("slack_not_connected", after_s=self._ticket_lasts_s)
                self.wss_uri = None
            else:
                log.info("slack_connected")
                return

    async def process_message(self) -> None:
        """Handle the next message in a task of its own."""
        raw = await self.message_queue.get()
        message = json.loads(raw) if raw and raw.startswith("{") else {}
        task = self._tasks.create_task(self.run_message_listeners(message, raw), name="slack-event")
        self._events.add(task)
        task.add_done_callback(self._events.discard)

    async def close(self) -> None:
        """Take nothing more in, let what is being heard be acknowledged, then close; no task is left behind."""
        self.closed = True
        self.auto_reconnect_enabled = False
        await _cancel(self.message_receiver, self.message_processor, self.current_session_monitor)
        if self._events:
            await asyncio.wait(self._events, timeout=_DRAIN_S)
        await _cancel(*self._events, self.message_receiver, self.current_session_monitor)
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.disconnect()  # type: ignore[no-untyped-call]
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            log.info("slack_socket_not_closed", reason=type(error).__name__)
        await self.aiohttp_client_session.close()
        if self.refused.done():
            self.refused.exception()
        self.refused.cancel()


class Handler(AsyncBaseSocketModeHandler):
    """Bolt's Socket Mode handler for a connection that was made elsewhere."""

    def __init__(self, app: AsyncApp, socket: Socket) -> None:
        self.app: AsyncApp = app
        self.client = socket
        socket.socket_mode_request_listeners.append(self.handle)

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        """Let the app take an event; it is acknowledged if the app answers 200."""
        begun_s = time()
        answer = await run_async_bolt_app(self.app, req)
        await send_async_response(client, req, answer, begun_s)


async def _cancel(*tasks: Any) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
