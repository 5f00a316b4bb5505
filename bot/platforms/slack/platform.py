"""Slack as the bot sees it: a connection that holds, surfaces to answer on, files to fetch."""

import asyncio
import random
from collections.abc import Sequence

import aiohttp
import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import MediaError, PlatformError, RateLimited, StartupError, Unreachable
from bot.events import Incoming, Upload
from bot.media.download import RedirectRefused, fetch
from bot.platforms.slack.calls import TIMEOUT, Calls, Me
from bot.platforms.slack.listen import Listener, authorized_as
from bot.platforms.slack.people import People
from bot.platforms.slack.sdk_log import sdk_logger
from bot.platforms.slack.sign_in import new_socket_url, sign_in
from bot.platforms.slack.socket_mode import Handler, Socket
from bot.platforms.slack.surface import SlackSurface
from bot.platforms.slack.translate import Translator
from bot.ports import Hear

log = structlog.get_logger()

_FILE_HOSTS = ("files.slack.com", "slack-files.com")
"""Slack docs, reference/objects/file-object: where `url_private` and its older form point."""
_LONGEST_WAIT_S = 300.0
_PAGE_STARTS = (b"<!doctype html", b"<html")


class SlackPlatform:
    """The bot's account in a Slack workspace; a `bot.ports.Platform`.

    `api_url`: "" for Slack's own Web API; with another one no proxy is used, as slack_sdk would even to reach this very
    machine. `file_hosts`: further hosts (or `host:port`, which may then be http) that files may come from; the bot's
    token is sent to them.
    """

    name = "slack"

    def __init__(self, bot_token: str, app_token: str, *, api_url: str = "", file_hosts: Sequence[str] = ()) -> None:
        self._bot_token = bot_token.strip()
        self._app_token = app_token.strip()
        self._api_url = api_url
        self._hosts = frozenset([*_FILE_HOSTS, *file_hosts])
        self._calls = Calls()
        self._translator = Translator(self._calls, People(self._calls))
        self._complaints: set[str] = set()
        self._session: aiohttp.ClientSession | None = None

    async def run(self, hear: Hear) -> None:
        """Connect and hand messages in until cancelled; then everything is closed.

        Reconnects by itself; while Slack cannot be reached it tries again, ever more rarely. Raises `StartupError` if
        Slack refuses a token, at the start or later. On the way out, messages that are being heard are let through.
        """
        async with aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session:
            self._session = session
            client = self._client(session, self._bot_token)
            try:
                me, url = await self._sign_in(client)
                self._calls.use(client, me)
                await self._listen(hear, me, url, session)
            finally:
                self._calls.stop()
                self._session = None

    def surface(self, question: Incoming) -> SlackSurface:
        """Return the place where a question is answered; works for a question stored by an earlier process."""
        return SlackSurface(self._calls, self._translator, question, self._complaints)

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        """Return an upload's bytes, from Slack's file hosts (and `file_hosts`) only. Raises `MediaError`."""
        if self._session is None:
            raise MediaError(f"The file {upload.name} cannot be read while Slack is not connected.")
        headers = {"Authorization": f"Bearer {self._bot_token}"}
        try:
            data = await fetch(self._session, upload.url, hosts=self._hosts, max_bytes=max_bytes, headers=headers)
        except RedirectRefused as error:
            raise _not_allowed(upload, error.detail) from error
        if _is_login_page(data, upload):
            raise _not_allowed(upload, "a page instead of the file")
        return data

    def _client(self, session: aiohttp.ClientSession, token: str | None = None) -> AsyncWebClient:
        base_url = self._api_url or AsyncWebClient.BASE_URL
        client = AsyncWebClient(token, base_url, session=session, retry_handlers=[], logger=sdk_logger())
        if self._api_url:
            client.proxy = None
        return client

    async def _sign_in(self, client: AsyncWebClient) -> tuple[Me, str]:
        """Return who the bot is and a ticket for its connection, as soon as Slack can be reached.

        Raises `StartupError` if Slack, or whatever answers in its place, says anything else.
        """
        failures = 0
        while True:
            try:
                me = await sign_in(client)
                return me, await new_socket_url(client, self._app_token)
            except (Unreachable, RateLimited) as error:
                failures += 1
                wait_s = min(0.5 * 2**failures, _LONGEST_WAIT_S) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries
                wait_s = max(wait_s, error.retry_after_s if isinstance(error, RateLimited) else 0.0)
                log.warning("slack_unreachable", reason=error.detail, wait_s=round(wait_s, 1))
            except PlatformError as error:
                raise StartupError("Slack does not let the bot sign in: check slack.api_url.", error.detail) from error
            await asyncio.sleep(wait_s)

    async def _listen(self, hear: Hear, me: Me, url: str, session: aiohttp.ClientSession) -> None:
        refusal: StartupError | None = None
        client = self._client(session)
        app = AsyncApp(
            client=client,
            authorize=authorized_as(me),
            logger=sdk_logger(),
            name="parley",
            attaching_conversation_kwargs_enabled=False,
        )
        app.use(Listener(hear, self._translator, me).take)
        async with asyncio.TaskGroup() as events:
            socket = Socket(self._app_token, client, url, events)
            handler = Handler(app, socket)
            try:
                await handler.connect_async()  # type: ignore[no-untyped-call]
                await socket.refused
            except StartupError as error:  # kept out of the group, which would wrap it
                refusal = error
            finally:
                await handler.close_async()  # type: ignore[no-untyped-call]
        if refusal is not None:
            raise refusal


def _not_allowed(upload: Upload, detail: str) -> MediaError:
    return MediaError(
        f"Slack does not give out the file {upload.name}: the app needs the scope files:read (OAuth & Permissions), "
        "then must be reinstalled.",
        f"{upload.id}: {detail}",
    )


def _is_login_page(data: bytes, upload: Upload) -> bool:
    """Say whether these bytes are the page Slack answers with, status 200, to whom may not read the file."""
    is_page = data[:200].lstrip().lower().startswith(_PAGE_STARTS)
    return is_page and len(data) != upload.size_bytes
