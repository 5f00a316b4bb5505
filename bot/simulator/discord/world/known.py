"""Finding what a person names by its id."""

from bot.simulator.discord.world.model import DM, Channel, Guild, Message, Person
from bot.simulator.discord.world.world import World


class Known:
    """What there is, by id; an id there is not is a `ValueError`, for it is a test's mistake and not the bot's."""

    def __init__(self, world: World) -> None:
        self._world = world

    def guild(self, guild: str) -> Guild:
        """Return a guild."""
        if guild not in self._world.guilds:
            raise ValueError(f"there is no guild {guild!r}: use the id add_guild() returned")
        return self._world.guilds[guild]

    def channel(self, channel: str) -> Channel:
        """Return a channel, DM or thread."""
        if channel not in self._world.channels:
            raise ValueError(f"there is no channel {channel!r}: use an id of add_channel(), dm() or open_thread()")
        return self._world.channels[channel]

    def message(self, message_id: str) -> Message:
        """Return a message that was not deleted."""
        found = self._world.find(message_id)
        if found is None:
            raise ValueError(f"there is no message {message_id!r}, or it was deleted")
        return found

    def check_may_write(self, person: Person, channel: Channel) -> None:
        """Raise `ValueError` if a person cannot write in a channel."""
        if channel.guild and person.id not in self._world.guilds[channel.guild].members:
            raise ValueError(f"{person.name} is not in this guild: add_person(…, guild=…) or join()")
        if channel.type == DM and person.id not in channel.members:
            raise ValueError(f"this DM is not {person.name}'s: use dm({person.name})")
