"""Slack as the bot sees it: a connection that holds, surfaces to answer on, files to fetch."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import aiohttp

from bot.errors import MediaError, PlatformError, StartupError
from bot.events import Address, Incoming, MessageKey, Person, Traits, Upload
from bot.media import read_page
from bot.media.download import RedirectRefused, fetch
from bot.platforms.kernel.catch_up import CatchUp
from bot.platforms.kernel.door import Door
from bot.platforms.kernel.others import Others
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.kernel.whisper import Whispering
from bot.platforms.slack.buttons import Presses
from bot.platforms.slack.calls import TIMEOUT, Calls, Me, Refused
from bot.platforms.slack.connect.sign_in import sign_in_when_there
from bot.platforms.slack.connect.socket_mode import SocketMode
from bot.platforms.slack.growth.delivery import Delivery, GrowingMessage, ReplyDelivery
from bot.platforms.slack.limits import shared_budget
from bot.platforms.slack.listen import Listener
from bot.platforms.slack.own import OwnPosts
from bot.platforms.slack.read import documents
from bot.platforms.slack.read.context import message_at
from bot.platforms.slack.read.events import Events
from bot.platforms.slack.read.people import People
from bot.platforms.slack.read.translate import Translator, is_written
from bot.platforms.slack.sdk import bolt_app, web_client
from bot.platforms.slack.seal import Seal, seal_key
from bot.platforms.slack.source import TERMS, SlackSource
from bot.platforms.slack.surface import SlackSurface
from bot.platforms.slack.whisper import whisper_to_author
from bot.ports import Checkpoints, EventHandler, IsOurs
from bot.reply import Pacer
from bot.telemetry import Emit, ignore

_FILE_HOSTS = ("files.slack.com", "slack-files.com")
"""Slack docs, reference/objects/file-object: where `url_private` and its older form point."""
_PAGE_STARTS = (b"<!doctype html", b"<html")


class SlackPlatform:
    """The bot's account in a Slack workspace; a `bot.ports.Platform`.

    `api_url`: "" for Slack's own Web API; with another one no proxy is used. `file_hosts`: further hosts (or
    `host:port`, which may then be http) that files may come from; the bot's token is sent to them. `delivery`: how
    answers grow; `auto` streams some and edits the others, to use the limits of both. `pacer`: the bot's, which has
    the `shared_budget`; a platform used alone has one of its own.
    """

    name = "slack"
    traits = Traits(workspaces="workspaces")

    def __init__(
        self,
        bot_token: str,
        app_token: str,
        *,
        api_url: str = "",
        file_hosts: Sequence[str] = (),
        delivery: Delivery = "auto",
        pacer: Pacer | None = None,
        emit: Emit = ignore,
    ) -> None:
        self._bot_token = bot_token.strip()
        self._app_token = app_token.strip()
        self._api_url = api_url
        self._hosts = frozenset([*_FILE_HOSTS, *file_hosts])
        self.pacer = pacer or Pacer([shared_budget()])
        self._calls = Calls(self.pacer, emit)
        self._translator = Translator(self._calls, People(self._calls))
        self._delivering = ReplyDelivery(self._calls, delivery)
        self._key = seal_key(self._bot_token)
        self._complaints: set[str] = set()
        self._session: aiohttp.ClientSession | None = None

    async def run(self, handle: EventHandler, checkpoints: Checkpoints, is_ours: IsOurs) -> None:
        """Connect and hand messages in until cancelled; then everything is closed.

        Reconnects by itself; while Slack cannot be reached it tries again, ever more rarely. Raise `StartupError` if
        Slack refuses a token, at the start or later. On the way out, messages that are being handled are finished. What
        was written since the last checkpoint is fetched and handed in, too.
        """
        async with aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session:
            self._session = session
            client = web_client(session, self._bot_token, api_url=self._api_url)
            try:
                signed_in = await sign_in_when_there(client, self._app_token, self._calls.clock)
                self._calls.use(client, signed_in[0])
                await self._listen(handle, checkpoints, Others(self.name, is_ours), signed_in, session)
            finally:
                self._calls.stop()
                self._session = None

    def surface(self, address: Address, key: MessageKey) -> SlackSurface:
        """Return the surface for an address; works for one that an earlier process has stored."""
        seal = Seal(self._key, address.channel, address.thread.thread)
        growth = GrowingMessage(self._delivering, address, key)
        return SlackSurface(self._translator, address, seal, growth, self._complaints)

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        """Return an upload's bytes, from Slack's file hosts (and `file_hosts`) only; for what is written in Slack
        itself (canvases, posts, e-mails), its text. Raise `MediaError`.
        """
        if self._session is None:
            raise MediaError(f"The file {upload.name} cannot be read while Slack is not connected.")
        if upload.media_type == documents.MEDIA_TYPE:
            return await self._document(self._session, upload, max_bytes)
        data = await self._fetch(self._session, upload, max_bytes)
        if _is_login_page(data, upload):
            raise _not_allowed(upload, "a page instead of the file")
        return data

    async def current(self, question: Incoming) -> Incoming | None:
        """Return a question as it stands now: this very object if nobody edited it, None if it was deleted.

        Raise `PlatformError` if that is not known, also if the whole channel is gone.
        """
        me = await self._calls.me()
        found = await message_at(self._calls, question.thread, question.key.message)
        if found is None:
            return None
        if not found.get("edited") or not is_written(found, me):  # a message of the bot's own is a Continue's question
            return question
        kind = "im" if question.direct else "channel"  # the exact kind was handed in before
        whole = {**found, "channel": question.key.channel, "channel_type": kind}
        try:
            now = await self._translator.incoming(whole, question.key.workspace, me)
        except MISREAD as error:
            misread("slack_message_unreadable", found, error, method="conversations.replies")
            raise PlatformError("What Slack answered cannot be read.", type(error).__name__) from error
        return replace(question, text=now.text, uploads=now.uploads)

    async def author_now(self, question: Incoming) -> Person:
        """Return a question's author. What Slack calls a role (a guest, an external) is kept for an hour."""
        return await self._translator.person(question.author.id)

    def now_s(self) -> float:
        """Return Slack's time, in seconds since 1970; this machine's before Slack has answered."""
        return self._calls.clock.now_s()

    async def _document(self, session: aiohttp.ClientSession, upload: Upload, max_bytes: int) -> bytes:
        try:
            file = (await self._calls.read("files.info", file=upload.id)).get("file")
        except Refused as error:
            raise _not_allowed(upload, error.detail) from error
        except PlatformError as error:
            raise MediaError(f"Slack does not give out {upload.name} at the moment.", error.detail) from error
        if isinstance(file, dict) and (text := documents.text_in(file)):
            return _within(text.encode(), upload, max_bytes)
        data = await self._fetch(session, upload, max_bytes)
        if not data[:200].lstrip().startswith(b"<"):
            return data
        return await read_page(data, upload.name)

    async def _fetch(self, session: aiohttp.ClientSession, upload: Upload, max_bytes: int) -> bytes:
        headers = {"Authorization": f"Bearer {self._bot_token}"}
        try:
            return await fetch(session, upload.url, hosts=self._hosts, max_bytes=max_bytes, headers=headers)
        except RedirectRefused as error:
            raise _not_allowed(upload, error.detail) from error

    async def _listen(
        self,
        handle: EventHandler,
        checkpoints: Checkpoints,
        others: Others,
        signed_in: tuple[Me, str],
        session: aiohttp.ClientSession,
    ) -> None:
        me, url = signed_in
        client = web_client(session, api_url=self._api_url)
        app = bolt_app(client, me)
        refusal: StartupError | None = None
        async with asyncio.TaskGroup() as tasks:
            told = Whispering(handle, partial(whisper_to_author, self._calls), tasks).handle
            door, events = Door(self.name, told), Events(self._translator, me)
            source = SlackSource(self._calls, events, me)
            catch_up = CatchUp(source, door, checkpoints, self._calls.clock.now_s, TERMS)
            listener = Listener(door, events, catch_up.first, me, self._calls.clock)
            working = self._delivering.sessions.working
            app.use(OwnPosts(others, self._key, me, self._calls.clock).take)
            app.use(Presses(handle, self._calls, self._translator, me, working=working, tasks=tasks).take)
            app.use(listener.take)
            try:
                await SocketMode(app, self._app_token, client, session, others=others).run(url, catch_up.run)
            except StartupError as error:  # kept out of the group, which would wrap it
                refusal = error
        if refusal is not None:
            raise refusal


def _not_allowed(upload: Upload, detail: str) -> MediaError:
    return MediaError(
        f"Slack does not give out the file {upload.name}: the app needs the scope files:read (OAuth & Permissions), "
        "then must be reinstalled.",
        f"{upload.id}: {detail}",
    )


def _within(data: bytes, upload: Upload, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise MediaError(f"I could not read {upload.name}: it is larger than {max_bytes / 1_000_000:g} MB.")
    return data


def _is_login_page(data: bytes, upload: Upload) -> bool:
    """Return whether these bytes are the page that Slack sends, with status 200, to whoever may not read the file."""
    is_page = data[:200].lstrip().lower().startswith(_PAGE_STARTS)
    return is_page and len(data) != upload.size_bytes
