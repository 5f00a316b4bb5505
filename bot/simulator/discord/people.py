"""The hands of the people in the simulated Discord: what they set up, what they write, what they see."""

from collections.abc import Sequence

from bot.simulator.changes import Changes
from bot.simulator.discord.actions import Actions, Draft, Revision
from bot.simulator.discord.gateway import gateway
from bot.simulator.discord.gateway.gateway import Gateway
from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.interactions import Interactions
from bot.simulator.discord.world import components
from bot.simulator.discord.world.cdn import Cdn
from bot.simulator.discord.world.model import DEFAULT, DM, HAS_SNAPSHOT, REPLY, Channel, Guild, Message, Person, Role
from bot.simulator.discord.world.wire import Wire
from bot.simulator.discord.world.world import MANAGE_MESSAGES, World


class People:
    """Everything that people do and see. `changes`: what they see happen, as it happens.

    Guilds, channels, threads and messages are named by their ids, which are snowflake strings; an id there is not is
    a `ValueError`. What is done is told to the bot at once, if one is connected and its intents include it.
    """

    def __init__(self, bot_name: str, token: str) -> None:
        self.changes = Changes()
        self._world = World(bot_name)
        self._cdn = Cdn()
        self._wire = Wire(self._world, self._cdn)
        self._gateway = Gateway(self._world, self._wire, token)
        self._actions = Actions(self._world, self._wire, self._cdn, self._gateway, self.changes)
        self._interactions = Interactions(self._world, self._wire, self._gateway, self._actions)

    @property
    def bot_id(self) -> str:
        """Id of the application and of its account."""
        return self._world.bot.id

    @property
    def mention(self) -> str:
        """What to write to mention the application."""
        return self._world.bot.mention

    # The place: who and what there is.

    def add_guild(self, name: str) -> str:
        """Make a guild with the application in it; return its id."""
        guild = self._world.add_guild(name)
        self._gateway.dispatch("GUILD_CREATE", gateway.GUILDS, lambda _: self._guild_create(guild))
        return guild.id

    def _guild_create(self, guild: Guild) -> dict[str, object]:
        created = self._wire.guild_create(guild, all_members=False)
        del created["unavailable"]  # absent: the application was added to the guild (Discord docs, gateway-events)
        return created

    def add_channel(self, guild: str, name: str) -> str:
        """Make a text channel; return its id."""
        channel = self._world.add_channel(self._guild(guild), name)
        self._gateway.dispatch("CHANNEL_CREATE", gateway.GUILDS, lambda _: self._wire.channel(channel))
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
        where = self._guild(guild)
        new = person.id not in where.members
        for name in roles:
            self.role(guild, name)
        self._world.join(person, where, roles)
        self._tell_member(where, person, new=new)

    def promote(self, person: Person, guild: str) -> None:
        """Make a member a moderator: give them the role "Moderator", which may delete other people's messages."""
        where = self._guild(guild)
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
        self._gateway.dispatch(event, gateway.GUILD_MEMBERS, lambda _: about)

    def kick_bot(self, guild: str) -> None:
        """Put the application out of a guild: it hears nothing from there, and may do and read nothing."""
        gone = {"id": self._guild(guild).id}
        self._world.left.add(guild)
        self._gateway.dispatch("GUILD_DELETE", gateway.GUILDS, lambda _: gone)

    def role(self, guild: str, name: str) -> str:
        """Return the id of the guild's role of this name, made if it is not there yet."""
        return self._role(self._guild(guild), name).id

    def _role(self, guild: Guild, name: str) -> Role:
        before = set(guild.roles)
        role = self._world.role(guild, name)
        if role.id not in before:
            self._tell_role("GUILD_ROLE_CREATE", guild, role)
        return role

    def _tell_role(self, event: str, guild: Guild, role: Role) -> None:
        about = {"guild_id": guild.id, "role": self._wire.role(guild, role)}
        self._gateway.dispatch(event, gateway.GUILDS, lambda _: about)

    def bot_role(self, guild: str) -> str:
        """Return the id of the role Discord made for the application; people mention it by mistake."""
        return next(one.id for one in self._guild(guild).roles.values() if one.bot_id)

    def dm(self, person: Person) -> str:
        """Return the id of the application's DM channel with a person. Discord tells the application nothing of it."""
        return self._world.dm(person).id

    def _guild(self, guild: str) -> Guild:
        if guild not in self._world.guilds:
            raise ValueError(f"there is no guild {guild!r}: use the id add_guild() returned")
        return self._world.guilds[guild]

    def _channel(self, channel: str) -> Channel:
        if channel not in self._world.channels:
            raise ValueError(f"there is no channel {channel!r}: use an id of add_channel(), dm() or open_thread()")
        return self._world.channels[channel]

    def _message(self, message_id: str) -> Message:
        found = self._world.find(message_id)
        if found is None:
            raise ValueError(f"there is no message {message_id!r}, or it was deleted")
        return found

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
        Raises `ValueError` for what Discord's client would not send.
        """
        where = self._channel(channel)
        self._check_may_write(person, where)
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
            reference=None if reply_to is None else self._message(reply_to).id,
            forwarded=None if forward is None else self._world.snapshot(self._message(forward)),
            flags=0 if forward is None else HAS_SNAPSHOT,
            allowed={"parse": ["users", "roles", "everyone"], "replied_user": ping},
        )
        return self._actions.post(person, where, draft)

    async def forward(self, person: Person, message_id: str, channel: str) -> Message:
        """Forward a message into a channel, DM or thread; return the new one, which shows it as it is now."""
        self._check_may_write(person, self._channel(self._message(message_id).channel))
        return await self.say(person, channel, "", forward=message_id)

    def _check_may_write(self, person: Person, channel: Channel) -> None:
        if channel.guild and person.id not in self._world.guilds[channel.guild].members:
            raise ValueError(f"{person.name} is not in this guild: add_person(…, guild=…) or join()")
        if channel.type == DM and person.id not in channel.members:
            raise ValueError(f"this DM is not {person.name}'s: use dm({person.name})")

    async def open_thread(self, person: Person, channel: str, title: str, *, on: str | None = None) -> str:
        """Open a person's thread, on a message or by itself; return its id.

        In `changes` its `place` is the channel and its `message` the thread's id, which is the message's own.
        """
        where = self._channel(channel)
        self._check_may_write(person, where)
        if on is not None and on in self._world.channels:
            raise ValueError(f"message {on} has a thread already")
        root = None if on is None else self._message(on)
        return self._actions.open_thread(person, where, title, on=root).id

    async def archive(self, thread: str) -> None:
        """Archive a thread; the next post into it opens it again."""
        self._actions.change_thread(self._channel(thread), archived=True)

    async def edit(
        self, person: Person, message_id: str, text: str, *, files: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Edit a person's own message. `files`: what is added to those it has."""
        message = self._message(message_id)
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
        self._actions.delete(self._message(message_id))

    async def delete_many(self, message_ids: Sequence[str]) -> None:
        """Delete messages of one channel of a guild in one go, as a moderator's tool does: 2 to 100, in one event."""
        found = [self._message(one) for one in dict.fromkeys(message_ids)]
        channels = {one.channel for one in found}
        if not 2 <= len(found) <= 100 or len(channels) > 1 or not self._channel(channels.pop()).guild:
            raise ValueError("2 to 100 messages of one channel of a guild can be deleted in one go: else delete()")
        self._actions.delete_many(found)

    async def press(self, person: Person, message_id: str, label: str, *, wait_s: float = 1.0) -> str:
        """Press a button on a message; return the text that the presser alone was shown for it, or "".

        It returns as soon as the bot has answered the press. If the bot only said that an answer will come, it waits
        for the first one (a message, or a change of one, through the interaction) for at most `wait_s` seconds; what
        comes later is in `whispers`. Raises `LookupError` if the message shows no such button or it cannot be
        pressed, `TimeoutError` if nobody acknowledged the press within 3 s ("This interaction failed").
        """
        message = self._message(message_id)
        self._check_may_write(person, self._channel(message.channel))
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
        self._actions.react(person, self._message(message_id), emoji)

    async def unfurl(self, message_id: str) -> None:
        """Add a link's preview to a message, as Discord does by itself: MESSAGE_UPDATE without an edit by anyone."""
        embed = {"type": "link", "url": "https://example.org", "title": "Example"}
        self._actions.edit(self._message(message_id), Revision(embeds=[embed]), edited=False)

    async def redeliver(self, message_id: str) -> None:
        """Send the MESSAGE_CREATE of a message again, as a new event."""
        self._actions.deliver(self._message(message_id))

    def messages(self, channel: str) -> list[Message]:
        """Return what was written in a channel, DM or thread and is still there, oldest first; no system messages."""
        return [one for one in self._channel(channel).messages if one.type in (DEFAULT, REPLY)]

    def threads(self, channel: str) -> list[Channel]:
        """Return a channel's threads, oldest first."""
        return self._world.threads_of(parent=self._channel(channel).id)
