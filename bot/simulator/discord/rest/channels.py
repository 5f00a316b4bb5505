"""The REST routes of everything but messages: the account, channels, threads, guilds, commands."""

from typing import Any

from aiohttp import web

from bot.simulator.discord.actions import Actions
from bot.simulator.discord.gateway.app import App
from bot.simulator.discord.gateway.gateway import Gateway
from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.bodies import Body, Created
from bot.simulator.discord.world import blanks
from bot.simulator.discord.world.model import PRIVATE_THREAD, PUBLIC_THREAD, TEXT, Channel, Message
from bot.simulator.discord.world.refusals import (
    archived_thread,
    cannot_message_user,
    missing_access,
    missing_permissions,
    thread_exists,
    too_many_threads,
    unknown,
    wrong_channel_type,
)
from bot.simulator.discord.world.wire import Json, Wire
from bot.simulator.discord.world.world import World


class ChannelRoutes:
    """Channels, DMs and threads (Discord docs, resources/channel, topics/threads)."""

    def __init__(self, world: World, wire: Wire, actions: Actions) -> None:
        self._world = world
        self._wire = wire
        self._actions = actions

    def routes(self) -> list[tuple[str, str, Any]]:
        """Return the routes: method, pattern below `/api/v10`, handler of a request and its body."""
        return [
            ("POST", "/users/@me/channels", self.open_dm),
            ("GET", "/channels/{channel}", self.one),
            ("PATCH", "/channels/{channel}", self.change),
            ("DELETE", "/channels/{channel}", self.delete),
            ("POST", "/channels/{channel}/typing", self.type),
            ("POST", "/channels/{channel}/messages/{message}/threads", self.thread_on_message),
            ("POST", "/channels/{channel}/threads", self.thread),
            ("GET", "/channels/{channel}/threads/archived/public", self.archived),
            ("GET", "/channels/{channel}/thread-members", self.members),
            ("PUT", "/channels/{channel}/thread-members/@me", self.join),
            ("DELETE", "/channels/{channel}/thread-members/@me", self.leave),
            ("PUT", "/channels/{channel}/thread-members/{user}", self.add_member),
        ]

    async def open_dm(self, _: web.Request, body: Body) -> Json:
        """Open the DM channel with a person."""
        person = self._world.person(str(body.fields.get("recipient_id")))
        if person.bot:
            raise cannot_message_user()
        return self._wire.channel(self._world.dm(person))

    async def one(self, request: web.Request, _: Body) -> Json:
        """GET a channel, DM or thread, archived ones too."""
        return self._wire.channel(self._channel(request))

    async def change(self, request: web.Request, body: Body) -> Json:
        """PATCH a thread: name, archived, locked."""
        thread = self._thread(request)
        fields = body.fields
        if thread.archived and fields.get("archived", True):
            raise archived_thread()
        name = bodies.name(fields) if "name" in fields else None
        archived, locked = fields.get("archived"), fields.get("locked")
        self._actions.change_thread(thread, name=name, archived=archived, locked=locked)
        return self._wire.channel(thread)

    async def delete(self, request: web.Request, _: Body) -> Json:
        """DELETE a thread, which wants MANAGE_THREADS even of who opened it (topics/threads)."""
        thread = self._thread(request)
        if "manage_threads" in self._world.denied:
            raise missing_permissions()
        self._actions.delete_thread(thread)
        return self._wire.channel(thread)

    async def type(self, request: web.Request, _: Body) -> None:
        """Show the typing indicator, which Discord keeps for ten seconds."""
        channel = self._channel(request)
        denied = self._world.denied
        if channel.guild and ("send" in denied or (channel.is_thread and "send_in_threads" in denied)):
            raise missing_permissions()
        self._actions.type(self._world.bot, channel)

    async def thread_on_message(self, request: web.Request, body: Body) -> Created:
        """Open a public thread on a message; it takes the message's id."""
        parent = self._may_open(request)
        message = self._world.message(parent.id, request.match_info["message"])
        if message.id in self._world.channels:
            raise thread_exists()
        return self._opened(parent, body, message, PUBLIC_THREAD)

    async def thread(self, request: web.Request, body: Body) -> Created:
        """Open a thread that hangs on no message; private unless its type is given."""
        parent = self._may_open(request)
        kind = PUBLIC_THREAD if body.fields.get("type") == PUBLIC_THREAD else PRIVATE_THREAD
        return self._opened(parent, body, None, kind)

    def _opened(self, parent: Channel, body: Body, on: Message | None, kind: int) -> Created:
        name, minutes = bodies.name(body.fields), bodies.archive_after_min(body.fields)
        active = [one for one in self._world.threads_of(guild=parent.guild) if not one.archived]
        if len(active) >= self._world.settings.most_active_threads:
            raise too_many_threads()
        thread = self._actions.open_thread(self._world.bot, parent, name, on=on, kind=kind, archive_after_min=minutes)
        return Created(self._wire.channel(thread))

    async def archived(self, request: web.Request, _: Body) -> Json:
        """List a channel's archived threads."""
        threads = [one for one in self._world.threads_of(parent=self._channel(request).id) if one.archived]
        return self._wire.threads(threads)

    async def members(self, request: web.Request, _: Body) -> list[Json]:
        """List who is in a thread."""
        thread = self._thread(request)
        return [self._wire.thread_member(thread, self._world.people[one]) for one in thread.members]

    async def join(self, request: web.Request, _: Body) -> None:
        """Join a thread."""
        self._add(self._thread(request), self._world.bot.id)

    async def add_member(self, request: web.Request, _: Body) -> None:
        """Add a person to a thread."""
        self._add(self._thread(request), self._world.person(request.match_info["user"]).id)

    async def leave(self, request: web.Request, _: Body) -> None:
        """Leave a thread."""
        thread = self._thread(request)
        thread.members = [one for one in thread.members if one != self._world.bot.id]

    def _add(self, thread: Channel, person_id: str) -> None:
        if thread.archived:
            raise archived_thread()
        if person_id not in thread.members:
            thread.members.append(person_id)

    def _channel(self, request: web.Request) -> Channel:
        channel = self._world.channel(request.match_info["channel"])
        if channel.guild and "view" in self._world.denied:
            raise missing_access()
        return channel

    def _thread(self, request: web.Request) -> Channel:
        channel = self._channel(request)
        if not channel.is_thread:
            raise wrong_channel_type()
        return channel

    def _may_open(self, request: web.Request) -> Channel:
        channel = self._channel(request)
        if channel.type != TEXT:
            raise wrong_channel_type()
        if "create_thread" in self._world.denied:
            raise missing_permissions()
        return channel


class AccountRoutes:
    """The application itself, its guilds and its commands."""

    def __init__(self, world: World, wire: Wire, app: App, gateway: Gateway) -> None:
        self._world = world
        self._app = app
        self._wire = wire
        self._gateway = gateway
        self._commands: dict[str, list[Json]] = {}

    def routes(self) -> list[tuple[str, str, Any]]:
        """Return the routes: method, pattern below `/api/v10`, handler of a request and its body."""
        commands = "/applications/{application}/commands"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        return [
            ("GET", "/users/@me", self.me),
            ("GET", "/users/@me/guilds", self.guilds),
            ("GET", "/users/{user}", self.user),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/applications/@me", self.application),
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", "/guilds/{guild}", self.guild),
            ("GET", "/guilds/{guild}/channels", self.channels),
            ("GET", "/guilds/{guild}/threads/active", self.active_threads),
            ("GET", "/guilds/{guild}/members/{user}", self.member),
            ("GET", commands, self.commands),
            ("PUT", commands, self.put_commands),
            ("GET", guild_commands, self.commands),
            ("PUT", guild_commands, self.put_commands),
        ]

    async def me(self, _: web.Request, __: Body) -> Json:
        """The account of the token."""
        return {**self._wire.user(self._world.bot), **blanks.OWN_USER}

    async def user(self, request: web.Request, _: Body) -> Json:
        """An account."""
        return self._wire.user(self._world.person(request.match_info["user"]))

    async def application(self, _: web.Request, __: Body) -> Json:
        """The application of the token; its flags tell the privileged intents."""
        return self._wire.application(self._app.flags())

    async def gateway(self, _: web.Request, __: Body) -> Json:
        """Where the gateway is."""
        return {"url": self._gateway.url}

    async def gateway_bot(self, _: web.Request, __: Body) -> Json:
        """Where the gateway is, and how often it may be identified at."""
        left, reset_ms = self._gateway.starts.left, int(self._gateway.starts.reset_after_s * 1000)
        start = {"total": 1000, "remaining": left, "reset_after": reset_ms, "max_concurrency": 1}
        return {"url": self._gateway.url, "shards": 1, "session_start_limit": start}

    async def guilds(self, _: web.Request, __: Body) -> list[Json]:
        """The guilds the application is in."""
        return [self._wire.own_guild(one) for one in self._world.joined()]

    async def guild(self, request: web.Request, _: Body) -> Json:
        """A guild."""
        return self._wire.guild(self._world.guild(request.match_info["guild"]))

    async def channels(self, request: web.Request, _: Body) -> list[Json]:
        """A guild's channels, without threads."""
        guild = self._world.guild(request.match_info["guild"])
        found = [one for one in self._world.channels.values() if one.guild == guild.id and one.type == TEXT]
        return [self._wire.channel(one) for one in found]

    async def active_threads(self, request: web.Request, _: Body) -> Json:
        """A guild's threads that are not archived."""
        guild = self._world.guild(request.match_info["guild"])
        threads = [one for one in self._world.threads_of(guild=guild.id) if not one.archived]
        return self._wire.threads(threads)

    async def member(self, request: web.Request, _: Body) -> Json:
        """A member of a guild."""
        guild = self._world.guild(request.match_info["guild"])
        person = self._world.person(request.match_info["user"])
        if person.id not in guild.members:
            raise unknown("Member")
        return self._wire.member(guild, person)

    async def commands(self, request: web.Request, _: Body) -> list[Json]:
        """The application's commands, in all guilds or in one."""
        return self._commands.get(request.match_info.get("guild", ""), [])

    async def put_commands(self, request: web.Request, body: Body) -> list[Json]:
        """Replace the application's commands."""
        common: Json = {"application_id": self._world.bot.id, "default_member_permissions": None}
        common |= {"type": 1, "description": "", "nsfw": False}
        written = [
            {**common, **one, "id": self._world.ids.new(), "version": self._world.ids.new()}
            for one in bodies.commands(body)
        ]
        self._commands[request.match_info.get("guild", "")] = written
        return written
