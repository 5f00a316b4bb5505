"""Discord as the bot sees it: a connection that holds, surfaces to answer on, files to fetch."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import aiohttp
import discord
import structlog
from yarl import URL

from bot.errors import Gone, MediaError, PlatformError, StartupError
from bot.events import Address, Incoming, MessageKey, Person, Traits, Upload
from bot.media.download import LinkExpired, fetch
from bot.platforms.discord import sdk
from bot.platforms.discord.calls import Calls, readable
from bot.platforms.discord.limits import ALL_CALLS, shared_budget
from bot.platforms.discord.read.translate import is_question, mentions_bot, person, says_something, text_of, uploads_of
from bot.platforms.discord.sessions import PacedListener, SessionStarts, wait_if_few_left
from bot.platforms.discord.source import TERMS, DiscordSource, Past
from bot.platforms.discord.surface import DiscordSurface
from bot.platforms.discord.whisper import whisper_to_author
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.catch_up import CatchUp
from bot.platforms.kernel.door import Door
from bot.platforms.kernel.others import Others
from bot.platforms.kernel.shape import misread
from bot.platforms.kernel.whisper import Whispering
from bot.ports import Checkpoints, EventHandler, IsOurs
from bot.reply import Pacer
from bot.tasks import beside, cancel_reliably
from bot.telemetry import Emit, ignore

log = structlog.get_logger()

_CDN_HOSTS = ("cdn.discordapp.com", "media.discordapp.net")
"""Discord docs, reference/image formatting and attachments: the only hosts of uploaded files."""
_STABLE_S = 60.0
_BACK_OFF = BackOff(1.0, 300.0, spread=True)
_CLOSE_S = 5.0
_UNKNOWN_MESSAGE = 10008


class DiscordPlatform:
    """The bot's account on Discord; a `bot.ports.Platform`.

    `api_url`, `gateway_url`: "" for Discord's own. discord.py keeps them per process, so all instances that run at one
    time must agree. `cdn_hosts`: further hosts (or `host:port`, which may then be http) that files may come from.
    `calls_per_s`: what Discord allows this bot. `starts`: how often a new session may begin, if not as usual.
    `pacer`: the bot's, which has the `shared_budget`; a platform used alone has one of its own.
    Raise `StartupError` if one of the addresses cannot be used.
    """

    name = "discord"
    traits = Traits(threads_in_dms=False, dms_in_workspaces=False, workspaces="guilds", pasted_file="message.txt")

    def __init__(
        self,
        token: str,
        *,
        api_url: str = "",
        gateway_url: str = "",
        cdn_hosts: Sequence[str] = (),
        calls_per_s: int = ALL_CALLS,
        starts: SessionStarts | None = None,
        pacer: Pacer | None = None,
        emit: Emit = ignore,
    ) -> None:
        self._token = token
        self._api_url = str(_address("api_url", api_url, "https", "http")).rstrip("/") if api_url else sdk.API_URL
        self._gateway_url = _address("gateway_url", gateway_url, "wss", "ws") if gateway_url else sdk.GATEWAY_URL
        self._hosts = frozenset([*_CDN_HOSTS, *cdn_hosts])
        self._starts = starts or SessionStarts()
        self.pacer = pacer or Pacer([shared_budget(calls_per_s)])
        self._calls = Calls(self.pacer, calls_per_s, emit)
        self._files: aiohttp.ClientSession | None = None

    async def run(self, handle: EventHandler, checkpoints: Checkpoints, is_ours: IsOurs) -> None:
        """Connect and hand events in until cancelled; then everything is closed.

        What was written while there was no session is fetched and handed in, too (see `source`).

        Reconnects by itself; while Discord cannot be reached it tries again, ever more rarely, within what Discord
        allows (see `sessions`). Raise `StartupError` if Discord refuses the bot, at the start or later (a token that
        was reset). If the Message Content intent is refused, it goes on without, and logs what stops working.
        """
        sdk.use_addresses(self._api_url, self._gateway_url)
        refusal: StartupError | None = None
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as files, asyncio.TaskGroup() as hearing:
            self._files = files
            try:
                told = Whispering(handle, partial(whisper_to_author, self._calls), hearing).handle
                await self._stay_connected(told, checkpoints, hearing, Others(self.name, is_ours))
            except StartupError as error:  # kept out of the group, which would wrap it
                refusal = error
            finally:
                self._files = None
        if refusal:
            raise refusal

    def surface(self, address: Address, key: MessageKey) -> DiscordSurface:
        """Return the surface for an address; works for one that an earlier process has stored."""
        return DiscordSurface(self._calls, address, key)

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        """Return an upload's bytes, from Discord's file hosts (and `cdn_hosts`) only. Raise `MediaError`.

        The addresses expire (Discord docs, reference, signed attachment URLs): if one has, its message is read again
        for a fresh one.
        """
        files = await self._file_session(upload)
        try:
            return await fetch(files, upload.url, hosts=self._hosts, max_bytes=max_bytes)
        except LinkExpired:
            url = await self._fresh_url(upload)
            if url in {"", upload.url}:
                raise
        return await fetch(files, url, hosts=self._hosts, max_bytes=max_bytes)

    async def current(self, question: Incoming) -> Incoming | None:
        """Return a question as it stands now: this very object if nobody edited it, None if it was deleted.

        Raise `PlatformError` if that is not known, also if the whole channel is gone.
        """
        channel, message = int(question.key.channel), int(question.key.message)
        found = await self._calls.call(lambda client: _message(client, channel, message), patient=True)
        if found is None:
            return None
        me = (await self._calls.client()).user
        with readable("a question that was looked up"):
            own = me.id if me else 0
            now = replace(question, text=text_of(found, without=own), uploads=uploads_of(found))
            # without the Message Content intent the text may be missing; the bot's own message is a Continue's question
            if (
                found.edited_at is None
                or not is_question(found)
                or not says_something(replace(now, mentions_bot=mentions_bot(found, own)))
            ):
                return question
            return now

    async def author_now(self, question: Incoming) -> Person:
        """Return a question's author with their present roles: none if they have left.

        Raise `PlatformError` if that is not known.
        """
        guild = question.key.workspace
        if guild == "@me":
            return question.author
        try:
            return await self._calls.call(lambda client: _member(client, int(guild), question.author), patient=True)
        except Gone:
            return replace(question.author, roles=frozenset(), moderator=False)

    def now_s(self) -> float:
        """Return Discord's time, in seconds since 1970; this machine's before Discord has answered."""
        return self._calls.clock.now_s()

    async def _file_session(self, upload: Upload) -> aiohttp.ClientSession:
        """Return the session for files; a turn of an earlier process may ask for it before the login."""
        detail = ""
        try:
            await self._calls.client()
        except PlatformError as error:
            detail = error.detail
        if self._files is None:
            raise MediaError(f"The file {upload.name} cannot be read while Discord is not connected.", detail)
        return self._files

    async def _fresh_url(self, upload: Upload) -> str:
        channel, message, _ = (int(part) for part in upload.id.split("/"))
        try:
            found = await self._calls.call(lambda client: sdk.read_message(client, channel, message), patient=True)
            with readable("an upload's message"):
                return next((fresh.url for fresh in uploads_of(found) if fresh.id == upload.id), "")
        except PlatformError as error:
            log.info("discord_upload_not_found", upload=upload.id, reason=error.detail)
            return ""

    async def _stay_connected(
        self, handle: EventHandler, checkpoints: Checkpoints, hearing: asyncio.TaskGroup, others: Others
    ) -> None:
        content, failures = True, 0
        # They outlive a connection: an event that waits for what was missed in its place is handed in by the next one.
        door, source = Door(self.name, handle), DiscordSource(self._calls)
        catch_up = CatchUp(source, door, checkpoints, self._calls.clock.now_s, TERMS)
        clock = asyncio.get_running_loop().time
        while True:
            begun, least_s = clock(), 0.0
            try:
                client = PacedListener(
                    door,
                    source,
                    catch_up,
                    hearing,
                    self._calls.limits,
                    starts=self._starts,
                    content=content,
                    others=others,
                )
                await self._connect(client, catch_up)
                reason = "closed"
            except discord.PrivilegedIntentsRequired:
                content = _without_content(refused_before=not content)
                continue
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = _transient(error)
                least_s = error.retry_after if isinstance(error, discord.RateLimited) else 0.0
            except StartupError:
                raise
            except Exception as error:  # noqa: BLE001 - a task's boundary, and its text may quote what people wrote
                # discord.py may be unable to read what Discord sent; a new connection keeps nothing of it.
                misread("discord_connection_unreadable", {}, error)
                reason = type(error).__name__
            failures = 1 if clock() - begun > _STABLE_S else failures + 1
            wait_s = max(_BACK_OFF.wait_s(failures), least_s, self._starts.wait_s(clock()))
            log.warning("discord_reconnecting", reason=reason, wait_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)

    async def _connect(self, client: PacedListener, catch_up: CatchUp[Past]) -> None:
        try:
            await client.login(self._token)
            self._calls.use(client)
            async with beside(catch_up.run(client.connected, client.is_whole), "discord-catch-up"):
                await wait_if_few_left(client)
                await cancel_reliably(client.connect(), "discord-connection")
        except AttributeError as error:
            # discord.py 2.7.1 reads the session of a connection it never had, if the first attempt to connect fails
            if sdk.was_connected(client):
                raise
            raise ConnectionError("the gateway cannot be reached") from error
        finally:
            self._calls.use(None)
            await _close(client)


async def _member(client: discord.Client, guild: int, author: Person) -> Person:
    there = client.get_guild(guild) or await client.fetch_guild(guild)
    return person(await there.fetch_member(int(author.id)), moderator=author.moderator)


async def _message(client: discord.Client, channel: int, message: int) -> discord.Message | None:
    """Return a message, None if it was deleted (Discord docs, opcodes-and-status-codes: 10008, Unknown Message)."""
    try:
        return await sdk.read_message(client, channel, message)
    except discord.NotFound as error:
        if error.code == _UNKNOWN_MESSAGE:
            return None
        raise


def _address(setting: str, address: str, *schemes: str) -> URL:
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if url.scheme not in schemes or not url.host:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise StartupError(f"discord.{setting} must begin with {wanted} and name a host; it is {address!r}.")
    return url


async def _close(client: discord.Client) -> None:
    """Close a client's sockets; a gateway that does not answer the goodbye gets `_CLOSE_S` seconds."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await client.close()
    except TimeoutError:
        log.info("discord_close_timed_out", after_s=_CLOSE_S)
        await sdk.close_calls(client)


def _without_content(*, refused_before: bool) -> bool:
    if refused_before:
        raise StartupError("Discord refuses the bot's intents: check them on the application's Bot page.")
    log.warning(
        "discord_message_content_refused",
        stops_working="messages in servers that do not mention the bot arrive without text and are ignored",
        remedy="switch on Message Content Intent on the application's Bot page (discord.com/developers), then restart",
    )
    return False


def _transient(error: Exception) -> str:
    """Return the reason for the log if trying again may help. Raise `StartupError` if it is useless.

    (Close codes: Discord docs, topics/opcodes-and-status-codes.)
    """
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, discord.LoginFailure) or (isinstance(error, discord.ConnectionClosed) and error.code == 4004):
        raise StartupError(
            "Discord refuses the bot's token: copy it from the application's Bot page into DISCORD_TOKEN.", detail
        ) from error
    if isinstance(error, discord.ConnectionClosed) and error.code == 4011:
        raise StartupError("The bot is in too many servers for one connection (Discord's limit is 2,500).", detail)
    if isinstance(error, discord.ConnectionClosed):
        raise StartupError(f"Discord's gateway refuses the bot (close code {error.code}).", detail) from error
    if isinstance(error, discord.HTTPException) and error.status < 500 and error.status not in {408, 429}:
        raise StartupError(f"Discord answers {error.status} to the login: check discord.api_url.", detail) from error
    return detail
