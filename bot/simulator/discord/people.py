"""The hands of the people in the simulated Discord: what they set up, what they write, what they see."""

from collections.abc import Sequence

from bot.simulator.changes import Changes
from bot.simulator.discord import bodies, gateway
from bot.simulator.discord.actions import Actions, Draft, Revision
from bot.simulator.discord.cdn import Cdn
from bot.simulator.discord.gateway import Gateway
from bot.simulator.discord.model import DEFAULT, DM, REPLY, Channel, Guild, Message, Person
from bot.simulator.discord.wire import Wire
from bot.simulator.discord.world import World


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
        self._world.join(person, where, roles)
        about = {**self._wire.member(where, person), "guild_id": guild}
        event = "GUILD_MEMBER_ADD" if new else "GUILD_MEMBER_UPDATE"
        self._gateway.dispatch(event, gateway.GUILD_MEMBERS, lambda _: about)

    def role(self, guild: str, name: str) -> str:
        """Return the id of the guild's role of this name, made if it is not there yet."""
        return self._world.role(self._guild(guild), name).id

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
    ) -> Message:
        """Post a person's message and return it.

        `reply_to`: id of the message it replies to, with the reply's own ping unless `ping` is False. `spoiler`: the
        files are hidden. `forward`: id of a message it forwards; such a message has no text of its own. `untyped`:
        Discord tells no `content_type` for the files. Raises `ValueError` for what Discord's client would not send.
        """
        where = self._channel(channel)
        self._check_may_write(person, where)
        if len(text) > bodies.CONTENT_MOST:
            raise ValueError(f"a message has at most {bodies.CONTENT_MOST} characters: attach longer text as a file")
        if not (text.strip() or files or forward):
            raise ValueError("an empty message: give text, files or forward")
        attachments = [self._world.attachment(f"SPOILER_{name}" if spoiler else name, data) for name, data in files]
        for one in attachments:
            one.media_type = None if untyped else one.media_type
        draft = Draft(
            text.strip(),
            attachments,
            reference=None if reply_to is None else self._message(reply_to).id,
            forwarded=None if forward is None else self._message(forward),
            allowed={"parse": ["users", "roles", "everyone"], "replied_user": ping},
        )
        return self._actions.post(person, where, draft)

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

    async def edit(self, person: Person, message_id: str, text: str) -> None:
        """Edit a person's own message."""
        message = self._message(message_id)
        if message.author is not person:
            raise ValueError(f"{person.name} did not write message {message_id}")
        replied = self._world.find(message.reference) if message.reference else None
        ping = replied is not None and replied.author.id in message.mentions
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        self._actions.edit(message, Revision(content=text.strip(), allowed=allowed))

    async def delete(self, message_id: str) -> None:
        """Delete a message, whoever wrote it, as its author or a moderator does."""
        self._actions.delete(self._message(message_id))

    async def react(self, person: Person, message_id: str, emoji: str) -> None:
        """Put a person's reaction on a message."""
        self._actions.react(person, self._message(message_id), emoji)

    async def unfurl(self, message_id: str) -> None:
        """Add a link's preview to a message, as Discord does by itself: MESSAGE_UPDATE without an edit by anyone."""
        embed = {"type": "link", "url": "https://example.org", "title": "Example"}
        self._actions.edit(self._message(message_id), Revision(embeds=[embed]), edited=False)

    async def redeliver(self, message_id: str) -> None:
        """Send the MESSAGE_CREATE of a message again."""
        self._actions.deliver(self._message(message_id))

    def messages(self, channel: str) -> list[Message]:
        """Return what was written in a channel, DM or thread and is still there, oldest first; no system messages."""
        return [one for one in self._channel(channel).messages if one.type in (DEFAULT, REPLY)]

    def threads(self, channel: str) -> list[Channel]:
        """Return a channel's threads, oldest first."""
        return self._world.threads_of(parent=self._channel(channel).id)
