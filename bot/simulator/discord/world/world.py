"""The state of the simulated Discord: who and what there is, and how it is found. No wire format, no events."""

import mimetypes
from bisect import insort
from collections.abc import Sequence
from dataclasses import replace

from bot.simulator.discord.world.model import DM, TEXT, Attachment, Channel, Guild, Message, Person, Role, Snowflakes
from bot.simulator.discord.world.refusals import missing_access, unknown
from bot.simulator.discord.world.settings import Settings

PERMISSIONS = {
    "view": 1 << 10,
    "send": 1 << 11 | 1 << 38,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "add_reactions": 1 << 6,
    "create_thread": 1 << 35,
    "send_in_threads": 1 << 38,
    "manage_threads": 1 << 34,
}
"""What an application can be denied, and its bits (Discord docs, topics/permissions). "send" is threads too."""

MANAGE_MESSAGES = 1 << 13
"""What makes a moderator: to delete other people's messages (Discord docs, topics/permissions)."""


class World:
    """Everything there is, by id. Look-ups raise Discord's own refusals."""

    def __init__(self, settings: Settings, bot_name: str) -> None:
        self.settings = settings
        self.ids = Snowflakes(settings)
        self.people: dict[str, Person] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self._messages: dict[str, Message] = {}
        self.denied: set[str] = set()
        self.left: set[str] = set()
        self.out: set[str] = set()
        self.bot = self.add_person(bot_name, bot=True)

    def add_person(self, name: str, *, bot: bool = False) -> Person:
        """Make an account."""
        person = Person(self.ids.new(), name, bot)
        self.people[person.id] = person
        return person

    def add_guild(self, name: str) -> Guild:
        """Make a guild with the application in it and the role that Discord makes for an application."""
        guild = Guild(self.ids.new(), name)
        guild.roles[guild.id] = Role(guild.id, "@everyone")
        own = Role(self.ids.new(), self.bot.name, bot_id=self.bot.id)
        guild.roles[own.id] = own
        guild.members[self.bot.id] = [own.id]
        self.guilds[guild.id] = guild
        return guild

    def joined(self) -> list[Guild]:
        """Return the guilds that the application is in."""
        return [guild for guild in self.guilds.values() if guild.id not in self.left]

    def join(self, person: Person, guild: Guild, roles: Sequence[str]) -> None:
        """Make a person a member of a guild with roles of these names; roles that are not there yet are made."""
        guild.members[person.id] = [self.role(guild, name).id for name in roles]

    def role(self, guild: Guild, name: str) -> Role:
        """Return the role of this name, made if it is not there yet."""
        for role in guild.roles.values():
            if role.name == name and not role.bot_id:
                return role
        role = Role(self.ids.new(), name, mentionable=True)
        guild.roles[role.id] = role
        return role

    def add_channel(self, guild: Guild, name: str) -> Channel:
        """Make a text channel."""
        channel = Channel(self.ids.new(), TEXT, name=name, guild=guild.id)
        self.channels[channel.id] = channel
        return channel

    def add_thread(self, parent: Channel, owner: Person, name: str, *, kind: int, thread_id: str) -> Channel:
        """Make a thread under a text channel, its owner in it."""
        thread = Channel(thread_id, kind, name=name, guild=parent.guild, parent=parent.id, owner_id=owner.id)
        thread.members.append(owner.id)
        self.channels[thread.id] = thread
        return thread

    def drop_thread(self, thread: Channel) -> None:
        """Take a thread away with its messages."""
        for message in list(thread.messages):
            self.drop(message)
        del self.channels[thread.id]

    def dm(self, person: Person) -> Channel:
        """Return the DM channel of the application and a person, made if it is not there yet."""
        for channel in self.channels.values():
            if channel.type == DM and person.id in channel.members:
                return channel
        channel = Channel(self.ids.new(), DM, members=[person.id, self.bot.id])
        self.channels[channel.id] = channel
        return channel

    def attachment(
        self, name: str, data: bytes, description: str | None = None, *, spoiler: bool = False
    ) -> Attachment:
        """Make an attachment; as Discord does, blanks leave its name and the name gives its type."""
        name = name.replace(" ", "_").replace("/", "_")
        media_type = mimetypes.guess_type(name)[0]
        if media_type is not None and media_type.startswith("text/"):
            media_type += "; charset=utf-8"
        return Attachment(self.ids.new(), name, data, media_type, description, spoiler or name.startswith("SPOILER_"))

    def snapshot(self, message: Message) -> Message:
        """Return a copy of what a message shows now, with files of its own; of a forward, what that shows."""
        source = message.forwarded or message
        files = [replace(one, id=self.ids.new()) for one in source.attachments]
        return replace(source, id=message.id, channel=message.channel, attachments=files)

    def keep(self, message: Message) -> None:
        """Put a message into its channel."""
        self._messages[message.id] = message
        channel = self.channels[message.channel]
        insort(channel.messages, message, key=lambda one: int(one.id))  # the clock may have been set back
        channel.last_message_id = max(message.id, channel.last_message_id or "0", key=int)

    def drop(self, message: Message) -> None:
        """Take a message out of its channel."""
        message.deleted = True
        del self._messages[message.id]
        self.channels[message.channel].messages.remove(message)

    def person(self, person_id: str) -> Person:
        """Return an account. Raise `RefusedError` 10013."""
        if person_id not in self.people:
            raise unknown("User")
        return self.people[person_id]

    def guild(self, guild_id: str) -> Guild:
        """Return a guild that the application is in. Raise `RefusedError` 10004."""
        if guild_id not in self.guilds or guild_id in self.left:
            raise unknown("Guild")
        return self.guilds[guild_id]

    def channel(self, channel_id: str) -> Channel:
        """Return a channel, DM or thread. Raise `RefusedError` 10003, or 50001 in a guild the application left."""
        if channel_id not in self.channels:
            raise unknown("Channel")
        if self.channels[channel_id].guild in self.left:
            raise missing_access()
        return self.channels[channel_id]

    def message(self, channel_id: str, message_id: str) -> Message:
        """Return a message of a channel. Raise `RefusedError` 10003 or 10008."""
        channel = self.channel(channel_id)
        found = self.find(message_id)
        if found is None or found.channel != channel.id:
            raise unknown("Message")
        return found

    def find(self, message_id: str) -> Message | None:
        """Return a message wherever it is, None if there is none or it was deleted."""
        return self._messages.get(message_id)

    def threads_of(self, *, guild: str = "", parent: str = "") -> list[Channel]:
        """Return the threads of a guild or of a channel, oldest first."""
        threads = (one for one in self.channels.values() if one.is_thread)
        return [one for one in threads if guild in ("", one.guild) and parent in ("", one.parent)]

    def permissions(self) -> int:
        """Return what the application may do, as Discord's bits."""
        bits = 0
        for bit in PERMISSIONS.values():
            bits |= bit
        for name in self.denied & set(PERMISSIONS):
            bits &= ~PERMISSIONS[name]
        return bits

    def permissions_of(self, guild: Guild, person: Person) -> int:
        """Return what a member may do: what everyone may, and what their roles add."""
        bits = self.permissions()
        for role in guild.members.get(person.id, []):
            bits |= guild.roles[role].permissions
        return bits
