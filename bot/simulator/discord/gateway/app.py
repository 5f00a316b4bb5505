"""The application: who it is, and which privileged intents it may ask for."""

from bot.simulator.discord.gateway.intents import GUILD_MEMBERS, MESSAGE_CONTENT, PRESENCES
from bot.simulator.discord.world.model import Person


class App:
    """One application. `id`: its own and its account's. `token`: the one that is accepted.

    `granted`: the privileged intents it has, at first message content alone.
    """

    def __init__(self, bot: Person) -> None:
        self.id = bot.id
        self.mention = bot.mention
        self.token = "simulated.discord.token"  # noqa: S105 - accepted by this simulator alone
        self.granted = MESSAGE_CONTENT

    def grant(
        self, *, message_content: bool | None = None, members: bool | None = None, presences: bool | None = None
    ) -> None:
        """Grant or refuse privileged intents. None: as it was."""
        asked = {MESSAGE_CONTENT: message_content, GUILD_MEMBERS: members, PRESENCES: presences}
        for intent, wanted in asked.items():
            if wanted is not None:
                self.granted = (self.granted | intent) if wanted else (self.granted & ~intent)

    def flags(self) -> int:
        """Return its flags: which privileged intents it has (limited kind; Discord docs, application)."""
        limited = {PRESENCES: 1 << 13, GUILD_MEMBERS: 1 << 15, MESSAGE_CONTENT: 1 << 19}
        return sum(flag for intent, flag in limited.items() if self.granted & intent)
