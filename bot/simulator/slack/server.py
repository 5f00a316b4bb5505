"""The simulated Slack as one loopback server, with a person's hands and eyes on it."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal, Self

from aiohttp import web

from bot.simulator.changes import Changes
from bot.simulator.faults import Faults
from bot.simulator.slack import blocks as block_kit
from bot.simulator.slack import mrkdwn
from bot.simulator.slack.calls import Call
from bot.simulator.slack.errors import SlackError
from bot.simulator.slack.files import Files
from bot.simulator.slack.methods import ALL_SCOPES, SCOPES, scope_of
from bot.simulator.slack.records import Message, Person
from bot.simulator.slack.sockets import Envelope, SocketMode
from bot.simulator.slack.web_api import WebApi
from bot.simulator.slack.workspace import Content, Workspace

_LARGEST_BODY = 64 * 1024 * 1024


class SimulatedSlack:
    """One workspace with one app, served on 127.0.0.1 while the `async with` lasts.

    `port=0` takes a free port. `limits`: whether Slack's rate limits hold. All times are in seconds.
    """

    def __init__(self, port: int = 0, *, limits: bool = True) -> None:
        self._port = port
        self._workspace = Workspace()
        self._sockets = SocketMode(self._workspace)
        self._files = Files(self._workspace)
        self._api = WebApi(self._workspace, self._sockets, self._files, limits=limits)
        self._workspace.hear = self._hear
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_get("/link/", self._sockets.connect)
        app.router.add_post("/upload/v1/{file_id}", self._files.receive)
        app.router.add_get("/files-pri/{owner}/{name}", self._download)
        app.router.add_get("/files-pri/{owner}/download/{name}", self._download)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._workspace.file_host = f"127.0.0.1:{runner.addresses[0][1]}"
            stack.push_async_callback(self._sockets.close)
            stack.callback(self._workspace.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # Where it is, and who the app is

    @property
    def api_url(self) -> str:
        """`base_url` for the SDK's clients."""
        return f"http://{self._workspace.file_host}/api/"

    @property
    def file_host(self) -> str:
        """Host and port of `url_private` addresses."""
        return self._workspace.file_host

    @property
    def bot_token(self) -> str:
        """The `xoxb-` token the Web API and the files want."""
        return self._api.bot_token

    @property
    def app_token(self) -> str:
        """The `xapp-` token `apps.connections.open` wants."""
        return self._api.app_token

    @property
    def team_id(self) -> str:
        """The workspace, `T…`."""
        return self._workspace.team_id

    @property
    def app_id(self) -> str:
        """The app, `A…`."""
        return self._workspace.app_id

    @property
    def bot_user_id(self) -> str:
        """The bot as a member, `U…`."""
        return self._workspace.bot.id

    @property
    def bot_id(self) -> str:
        """The bot as the author of messages, `B…`."""
        return self._workspace.bot.bot_id

    @property
    def mention(self) -> str:
        """How a message names the bot."""
        return f"<@{self.bot_user_id}>"

    # People and places

    def add_channel(self, name: str, *, member: bool = True, private: bool = False) -> str:
        """Add a channel and return its id. `member`: the bot is in it; it hears nothing of the others."""
        kind: Literal["channel", "group"] = "group" if private else "channel"
        members = [self.bot_user_id] if member else []
        return self._workspace.add_channel(name, kind, members, bot_member=member).id

    def add_person(self, name: str, *, bot: bool = False, guest: bool = False) -> Person:
        """Add a person, another app's bot, or a guest."""
        return self._workspace.add_person(name, bot=bot, guest=guest)

    def dm(self, who: Person, *others: Person) -> str:
        """Return the id of the bot's DM with a person, or of its group DM with several; opened if need be."""
        return self._workspace.direct([who, *others]).id

    # What people do

    async def say(
        self, who: Person, channel: str, text: str, *, files: Sequence[tuple[str, bytes]] = (), thread: str = "",
        broadcast: bool = False, blocks: Sequence[Mapping[str, Any]] = (),
        attachments: Sequence[Mapping[str, Any]] = (),
    ) -> Message:  # fmt: skip
        """Write a message; its events are on their way when this returns.

        `text`: as typed, with `<@U…>`, `<#C…>`, `<!here>` for what the person's client inserts. `files`: names and
        bytes. `thread`: `ts` of the root to reply to. `broadcast`: the reply is also sent to the channel.
        Raises `SlackError` for a channel or thread that is not there, or a DM that is not theirs.
        """
        workspace = self._workspace
        place = workspace.channel(channel)
        if place.type in {"im", "mpim"} and who.id not in place.members:
            raise SlackError("channel_not_found")
        kept = [workspace.add_file(name, data, who.id) for name, data in files]
        stored = mrkdwn.typed(text)
        checked = block_kit.check([dict(block) for block in blocks]) if blocks else mrkdwn.rich_text(stored)
        content = Content(stored, checked, [dict(a) for a in attachments], files=kept)
        return workspace.post(place, who, content, thread_ts=thread, broadcast=broadcast)

    async def edit(self, who: Person, channel: str, ts: str, text: str) -> Message:
        """Edit a person's own message. Raises `SlackError` if it is not there or not theirs."""
        place = self._workspace.channel(channel)
        message = self._workspace.message(place, ts)
        if message.user != who.id:
            raise SlackError("cant_update_message")
        stored = mrkdwn.typed(text)
        content = Content(stored, mrkdwn.rich_text(stored), files=message.files)
        self._workspace.edit(place, message, content, flag=True)
        return message

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message, whoever wrote it. A root that has replies leaves "This message was deleted."."""
        place = self._workspace.channel(channel)
        self._workspace.delete(place, self._workspace.message(place, ts))

    async def press_stop(self, who: Person, channel: str, thread: str) -> None:
        """Press Slack's own Stop button in a thread: its streams end, and `agent_session_stopped` is on its way."""
        self._workspace.stop_streams(who, self._workspace.channel(channel), thread)

    # What people see

    def messages(self, channel: str, thread: str = "") -> list[Message]:
        """Return what a channel shows, or a thread with its root, oldest first; the very objects, kept up to date."""
        place = self._workspace.channel(channel)
        return place.thread(thread) if thread else place.timeline()

    @property
    def changes(self) -> Changes:
        """What people saw happen; `place` is the channel's id, `thread` the root's `ts` or ""."""
        return self._workspace.changes

    # What the app did

    @property
    def calls(self) -> list[Call]:
        """Every Web API call, in the order of their answers."""
        return self._api.calls

    @property
    def limited(self) -> int:
        """How many calls were answered with 429."""
        return self._api.limited

    @property
    def acks(self) -> dict[str, float]:
        """Envelope id → when it was acknowledged, on the loop's clock."""
        return self._sockets.acks

    @property
    def envelopes(self) -> list[Envelope]:
        """Every delivery of an event, in order."""
        return self._sockets.envelopes

    @property
    def sockets(self) -> int:
        """How many Socket Mode connections are open."""
        return len(self._sockets.sockets)

    async def ready(self, timeout_s: float = 20.0) -> None:
        """Return when the app has a connection that takes events. Raises `TimeoutError`."""
        await self._sockets.wait_until(lambda: any(not s.leaving for s in self._sockets.sockets), timeout_s)

    async def acknowledged(self, channel: str, ts: str, timeout_s: float = 20.0) -> None:
        """Return when every event of a message was acknowledged. Raises `TimeoutError`."""
        await self._sockets.wait_until(lambda: self._sockets.acknowledged(channel, ts), timeout_s)

    async def settled(self, timeout_s: float = 20.0) -> None:
        """Return when no event is on its way: each was acknowledged or given up. Raises `TimeoutError`."""
        await self._sockets.wait_until(self._sockets.settled, timeout_s)

    # What goes wrong

    @property
    def faults(self) -> Faults:
        """What goes wrong next; a call is named by its method (`chat.postMessage`), a download `files.download`."""
        return self._api.faults

    @property
    def redeliver_after_s(self) -> float:
        """An event that was not acknowledged for this long is sent again; Slack waits 3 seconds."""
        return self._sockets.redeliver_after_s

    @redeliver_after_s.setter
    def redeliver_after_s(self, seconds: float) -> None:
        self._sockets.redeliver_after_s = seconds

    @property
    def stream_lasts_s(self) -> float:
        """How long after its start a stream takes text; Slack's is about 300."""
        return self._workspace.stream_lasts_s

    @stream_lasts_s.setter
    def stream_lasts_s(self, seconds: float) -> None:
        self._workspace.stream_lasts_s = seconds

    @property
    def status_lasts_s(self) -> float:
        """How long a thread's status is shown; Slack's is 120."""
        return self._workspace.status_lasts_s

    @status_lasts_s.setter
    def status_lasts_s(self, seconds: float) -> None:
        self._workspace.status_lasts_s = seconds

    @property
    def stub_files(self) -> bool:
        """Whether files arrive as another organisation's do: without an address, to be asked for by `files.info`."""
        return self._workspace.stub_files

    @stub_files.setter
    def stub_files(self, stub: bool) -> None:
        self._workspace.stub_files = stub

    async def redeliver(self, channel: str, ts: str) -> None:
        """Send a message's events once more, as a first retry. Raises `KeyError` if it had none."""
        self._sockets.redeliver(channel, ts)

    async def refresh_sockets(self, reason: Literal["refresh_requested", "warning"] = "refresh_requested") -> None:
        """Ask every connection to go. `refresh_requested`: they are closed when this returns; `warning`: in 10 s."""
        await self._sockets.refresh(reason, 1.0 if reason == "refresh_requested" else 10.0)

    def deny(self, *features: str) -> None:
        """Take scopes from the app, by feature (`history`, all four kinds) or by name (`im:history`).

        Its calls are answered `missing_scope`, and events it may not see stay away. Raises `ValueError` for a name
        that is neither.
        """
        for feature in features:
            scopes = SCOPES.get(feature, (feature,))
            if not set(scopes) <= ALL_SCOPES:
                raise ValueError(f"no such feature: {feature}; there are {sorted(SCOPES)} and {sorted(ALL_SCOPES)}")
            self._api.scopes -= set(scopes)

    def _hear(self, kind: str, event: dict[str, Any], ts: str) -> None:
        feature = {"app_mention": "mentions", "message": "history"}.get(kind, "chat")
        if scope_of(feature, event.get("channel_type", "")) in self._api.scopes:
            self._sockets.send(kind, event, ts)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        faulty = await self._api.fault(request, "files.download")
        if faulty is not None:
            return faulty
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._files.give(request, allowed=token == self.bot_token and "files:read" in self._api.scopes)
