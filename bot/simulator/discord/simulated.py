"""The simulated Discord: what people set up, do and see in it, and the parts it is made of."""

from collections.abc import Sequence
from email.utils import formatdate
from typing import Self

from aiohttp import web

from bot.simulator.changes import Changes
from bot.simulator.discord.actions import Actions, Draft, Revision
from bot.simulator.discord.gateway import intents
from bot.simulator.discord.gateway.app import App
from bot.simulator.discord.gateway.gateway import Gateway
from bot.simulator.discord.others import Others
from bot.simulator.discord.places import Places
from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.channels import AccountRoutes, ChannelRoutes
from bot.simulator.discord.rest.interactions import Interactions
from bot.simulator.discord.rest.limits import Limits
from bot.simulator.discord.rest.messages import MessageRoutes
from bot.simulator.discord.rest.rest import Rest
from bot.simulator.discord.world import components
from bot.simulator.discord.world.cdn import Cdn
from bot.simulator.discord.world.known import Known
from bot.simulator.discord.world.model import DEFAULT, HAS_SNAPSHOT, REPLY, Channel, Guild, Message, Person, Role
from bot.simulator.discord.world.settings import Settings
from bot.simulator.discord.world.wire import Wire
from bot.simulator.discord.world.world import MANAGE_MESSAGES, PERMISSIONS, World
from bot.simulator.faults import Faults
from bot.simulator.loopback import Loopback

_DENIABLE = {*PERMISSIONS, "dm"}


class SimulatedDiscord:
    """One application's Discord, on 127.0.0.1, while the `async with` lasts.

        async with SimulatedDiscord() as discord:
            guild = discord.add_guild("Analytical Engines")
            channel = discord.add_channel(guild, "general")
            ada = discord.add_person("Ada", guild=guild)
            ...  # start a bot with discord.app.token, discord.api_url and discord.gateway.url
            await discord.gateway.ready()
            await discord.say(ada, channel, f"{discord.app.mention} hello")
            await discord.changes.wait(lambda change: change.by_bot and change.kind == "posted")

    `port`: 0 takes a free one. `limits`: whether Discord's rate limits hold. What people set up, do and see is here.
    Guilds, channels, threads and messages are named by their ids, which are snowflake strings; an id there is not is a
    `ValueError`. The bot is sent what happens at once, if one is connected and its intents include it. The rest has
    parts:

    `app`: who the application is, and its privileged intents. `settings`: how this Discord behaves. `changes`: what
    people see happen, as it happens. `faults`: what goes wrong next, by `METHOD /path` below `/api/v10`. `limits`: the
    rate limits. `rest`: the calls that were made. `gateway`: its sessions, and the ways to lose them. `cdn`: the
    addresses of files. `others`: what other apps show. `places`: topics and forums. Single event loop.
    """

    def __init__(self, port: int = 0, *, limits: bool = True, bot_name: str = "Parley") -> None:
        self.settings = Settings()
        self.changes = Changes()
        self.faults = Faults()
        self.limits = Limits(enabled=limits)
        self._server = Loopback(port)
        self._world = World(self.settings, bot_name)
        self._known = Known(self._world)
        self.app = App(self._world.bot)
        self.cdn = Cdn(self.settings, self._server)
        self._wire = Wire(self._world, self.cdn)
        self.gateway = Gateway(self._world, self._wire, self.app, self._server)
        self._actions = Actions(self._world, self._wire, self.cdn, self.gateway, self.changes)
        self._interactions = Interactions(self._world, self._wire, self.gateway, self._actions)
        self.rest = Rest(self.app.token, self.faults, self.limits)
        self.others = Others(self._world, self._wire, self._actions)
        self.places = Places(self._world, self._wire, self.gateway, self._actions)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=bodies.REQUEST_MOST_BYTES + 2**20)
        app.on_response_prepare.append(self._date)
        handlers = [
            *MessageRoutes(self._world, self._wire, self.app, self._actions).routes(),
            *ChannelRoutes(self._world, self._wire, self._actions).routes(),
            *self._interactions.routes(),
            *AccountRoutes(self._world, self._wire, self.app, self.gateway).routes(),
        ]
        app.add_routes(
            [web.get("/gateway/", self.gateway.serve), self.rest.file_door(self.cdn.serve), *self.rest.routes(handlers)]
        )
        await self._server.open(app, grace_s=0.5)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop_listening()  # first, so that nobody connects again while the rest closes
        await self.gateway.stop()
        await self._server.close()

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self._world.ids.now_s(), usegmt=True)

    @property
    def cdn_host(self) -> str:
        """Host and port of the attachments' addresses."""
        return self._server.host

    @property
    def api_url(self) -> str:
        """What discord.py's `Route.BASE` must be."""
        return f"http://{self._server.host}/api/v10"

    # The application's permissions

    def deny(self, *permissions: str) -> None:
        """Deny the application permissions everywhere: "view", "send", "create_thread", "read_history", "dm", …"""
        self._check_permissions(permissions)
        self._world.denied |= set(permissions)
        self._tell_permissions()

    def allow(self, *permissions: str) -> None:
        """Give back permissions that were denied."""
        self._check_permissions(permissions)
        self._world.denied -= set(permissions)
        self._tell_permissions()

    def _check_permissions(self, permissions: Sequence[str]) -> None:
        if wrong := set(permissions) - _DENIABLE:
            raise ValueError(f"no such permission: {sorted(wrong)}; there are {sorted(_DENIABLE)}")

    def _tell_permissions(self) -> None:
        for guild in self._world.guilds.values():
            self._tell_role("GUILD_ROLE_UPDATE", guild, guild.roles[guild.id])

    # The place: who and what there is.

    def add_guild(self, name: str) -> str:
        """Make a guild with the application in it; return its id."""
        guild = self._world.add_guild(name)
        self.gateway.dispatch("GUILD_CREATE", intents.GUILDS, lambda _: self._guild_create(guild))
        return guild.id

    def _guild_create(self, guild: Guild) -> dict[str, object]:
        created = self._wire.guild_create(guild, all_members=False)
        del created["unavailable"]  # absent: the application was added to the guild (Discord docs, gateway-events)
        return created

    def add_channel(self, guild: str, name: str) -> str:
        """Make a text channel; return its id."""
        channel = self._world.add_channel(self._known.guild(guild), name)
        self.gateway.dispatch("CHANNEL_CREATE", intents.GUILDS, lambda _: self._wire.channel(channel))
        return channel.id

    def add_person(
        self, name: str, *, guild: str | None = None, roles: Sequence[str] = (), bot: bool = False
    ) -> Person:
        """Make an account, a member of `guild` with roles of these names; roles that are not there yet are made."""
        person = self._world.add_person(name, bot=bot)
        if guild is not None:
            self.join(person, guild, roles)
        elif roles:
            raise ValueError("roles belong to a guild: pass guild=… too")
        return person

    def join(self, person: Person, guild: str, roles: Sequence[str] = ()) -> None:
        """Make a person a member of a guild with exactly these roles."""
        where = self._known.guild(guild)
        new = person.id not in where.members
        for name in roles:
            self.role(guild, name)
        self._world.join(person, where, roles)
        self._tell_member(where, person, new=new)

    def promote(self, person: Person, guild: str) -> None:
        """Make a member a moderator: give them the role "Moderator", which may delete other people's messages."""
        where = self._known.guild(guild)
        if person.id not in where.members:
            raise ValueError(f"{person.name} is not in this guild: add_person(…, guild=…) or join()")
        role = self._role(where, "Moderator")
        role.permissions |= MANAGE_MESSAGES
        self._tell_role("GUILD_ROLE_UPDATE", where, role)
        where.members[person.id] = [one for one in where.members[person.id] if one != role.id] + [role.id]
        self._tell_member(where, person, new=False)

    def _tell_member(self, where: Guild, person: Person, *, new: bool) -> None:
        about = {**self._wire.member(where, person), "guild_id": where.id}
        event = "GUILD_MEMBER_ADD" if new else "GUILD_MEMBER_UPDATE"
        self.gateway.dispatch(event, intents.GUILD_MEMBERS, lambda _: about)

    def kick_bot(self, guild: str) -> None:
        """Put the application out of a guild: it receives nothing from there, and may do and read nothing."""
        gone = {"id": self._known.guild(guild).id}
        self._world.left.add(guild)
        self.gateway.dispatch("GUILD_DELETE", intents.GUILDS, lambda _: gone)

    def role(self, guild: str, name: str) -> str:
        """Return the id of the guild's role of this name, made if it is not there yet."""
        return self._role(self._known.guild(guild), name).id

    def _role(self, guild: Guild, name: str) -> Role:
        before = set(guild.roles)
        role = self._world.role(guild, name)
        if role.id not in before:
            self._tell_role("GUILD_ROLE_CREATE", guild, role)
        return role

    def _tell_role(self, event: str, guild: Guild, role: Role) -> None:
        about = {"guild_id": guild.id, "role": self._wire.role(guild, role)}
        self.gateway.dispatch(event, intents.GUILDS, lambda _: about)

    def bot_role(self, guild: str) -> str:
        """Return the id of the role Discord made for the application; people mention it by mistake."""
        return next(one.id for one in self._known.guild(guild).roles.values() if one.bot_id)

    def dm(self, person: Person) -> str:
        """Return the id of the application's DM channel with a person. Discord tells the application nothing of it."""
        return self._world.dm(person).id

    # The people: what they do.

    async def say(
        self,
        person: Person,
        channel: str,
        text: str,
        *,
        files: Sequence[tuple[str, bytes]] = (),
        reply_to: str | None = None,
        ping: bool = True,
        spoiler: bool = False,
        forward: str | None = None,
        untyped: bool = False,
        stickers: Sequence[str] = (),
    ) -> Message:
        """Post a person's message and return it.

        `reply_to`: id of the message it replies to, with the reply's own ping unless `ping` is False. `spoiler`: the
        files are hidden. `forward`: id of a message it forwards; such a message has no text of its own. `untyped`:
        Discord tells no `content_type` for the files. `stickers`: their names, at most three.
        Raise `ValueError` for what Discord's client would not send.
        """
        where = self._known.channel(channel)
        self._known.check_may_write(person, where)
        if len(text) > bodies.CONTENT_MOST:
            raise ValueError(f"a message has at most {bodies.CONTENT_MOST} characters: attach longer text as a file")
        if not (text.strip() or files or forward or stickers):
            raise ValueError("an empty message: give text, files, stickers or forward")
        if len(stickers) > 3:
            raise ValueError("a message has at most three stickers")
        attachments = [self._world.attachment(f"SPOILER_{name}" if spoiler else name, data) for name, data in files]
        for one in attachments:
            one.media_type = None if untyped else one.media_type
        draft = Draft(
            text.strip(),
            attachments,
            [{"id": self._world.ids.new(), "name": name, "format_type": 1} for name in stickers],
            reference=None if reply_to is None else self._known.message(reply_to).id,
            forwarded=None if forward is None else self._world.snapshot(self._known.message(forward)),
            flags=0 if forward is None else HAS_SNAPSHOT,
            allowed={"parse": ["users", "roles", "everyone"], "replied_user": ping},
        )
        return self._actions.post(person, where, draft)

    async def forward(self, person: Person, message_id: str, channel: str) -> Message:
        """Forward a message into a channel, DM or thread; return the new one, which shows it as it is now."""
        self._known.check_may_write(person, self._known.channel(self._known.message(message_id).channel))
        return await self.say(person, channel, "", forward=message_id)

    async def open_thread(self, person: Person, channel: str, title: str, *, on: str | None = None) -> str:
        """Open a person's thread, on a message or by itself; return its id.

        In `changes` its `place` is the channel and its `message` the thread's id, which is the message's own.
        """
        where = self._known.channel(channel)
        self._known.check_may_write(person, where)
        if on is not None and on in self._world.channels:
            raise ValueError(f"message {on} has a thread already")
        root = None if on is None else self._known.message(on)
        return self._actions.open_thread(person, where, title, on=root).id

    async def archive(self, thread: str) -> None:
        """Archive a thread; the next post into it opens it again."""
        self._actions.change_thread(self._known.channel(thread), archived=True)

    async def edit(
        self, person: Person, message_id: str, text: str, *, files: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Edit a person's own message. `files`: what is added to those it has."""
        message = self._known.message(message_id)
        if message.author is not person:
            raise ValueError(f"{person.name} did not write message {message_id}")
        replied = self._world.find(message.reference) if message.reference else None
        ping = replied is not None and replied.author.id in message.mentions
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        added = [self._world.attachment(name, data) for name, data in files]
        attachments = [*message.attachments, *added] if added else None
        self._actions.edit(message, Revision(content=text.strip(), attachments=attachments, allowed=allowed))

    async def delete(self, message_id: str) -> None:
        """Delete a message, whoever wrote it, as its author or a moderator does."""
        self._actions.delete(self._known.message(message_id))

    async def delete_many(self, message_ids: Sequence[str]) -> None:
        """Delete messages of one channel of a guild in one go, as a moderator's tool does: 2 to 100, in one event."""
        found = [self._known.message(one) for one in dict.fromkeys(message_ids)]
        channels = {one.channel for one in found}
        if not 2 <= len(found) <= 100 or len(channels) > 1 or not self._known.channel(channels.pop()).guild:
            raise ValueError("2 to 100 messages of one channel of a guild can be deleted in one go: else delete()")
        self._actions.delete_many(found)

    async def press(self, person: Person, message_id: str, label: str, *, wait_s: float = 1.0) -> str:
        """Press a button on a message; return the text that the presser alone was shown for it, or "".

        It returns as soon as the bot has answered the press. If the bot only said that an answer will come, it waits
        for the first one (a message, or a change of one, through the interaction) for at most `wait_s` seconds; what
        comes later is in `whispers`. Raise `LookupError` if the message shows no such button or it cannot be
        pressed, `TimeoutError` if nobody acknowledged the press within 3 s ("This interaction failed").
        """
        message = self._known.message(message_id)
        self._known.check_may_write(person, self._known.channel(message.channel))
        button = next((one for one in components.buttons(message.components) if components.shown(one) == label), None)
        if button is None:
            raise LookupError(f"message {message_id} shows no button {label!r}, but {message.buttons}")
        if button.get("disabled") or "custom_id" not in button:
            raise LookupError(f"the button {label!r} is disabled, or a link: pressing it tells the bot nothing")
        return await self._interactions.press(person, message, button, wait_s)

    def whispers(self, person: Person) -> list[str]:
        """Return the ephemeral texts that a person was shown and that are still there, oldest first."""
        return self._interactions.whispers(person)

    async def react(self, person: Person, message_id: str, emoji: str) -> None:
        """Put a person's reaction on a message."""
        self._actions.react(person, self._known.message(message_id), emoji)

    async def unfurl(self, message_id: str) -> None:
        """Add a link's preview to a message, as Discord does by itself: MESSAGE_UPDATE without an edit by anyone."""
        embed = {"type": "link", "url": "https://example.org", "title": "Example"}
        self._actions.edit(self._known.message(message_id), Revision(embeds=[embed]), edited=False)

    async def redeliver(self, message_id: str) -> None:
        """Send the MESSAGE_CREATE of a message again, as a new event."""
        self._actions.deliver(self._known.message(message_id))

    def messages(self, channel: str) -> list[Message]:
        """Return what was written in a channel, DM or thread and is still there, oldest first; no system messages."""
        return [one for one in self._known.channel(channel).messages if one.type in (DEFAULT, REPLY)]

    def threads(self, channel: str) -> list[Channel]:
        """Return a channel's threads, oldest first."""
        return self._world.threads_of(parent=self._known.channel(channel).id)
