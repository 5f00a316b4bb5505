"""People who ask on both platforms: in channels, in threads, in DMs, one after the other and several at once."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from process import Ground
from talk import answer_to, question, squeezed, token

from bot.simulator.changes import Changes


@dataclass(slots=True)
class Conversation:
    """A thread, or a Discord DM, and what was asked there: token and message id, in the platform's order."""

    platform: str
    channel: str
    thread: str
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def direct(self) -> bool:
        """A Discord DM, which is one conversation without threads."""
        return not self.thread

    def wanted(self, accepted: set[str]) -> list[str]:
        return [name for name, _ in self.asked if name in accepted]


class People:
    """Several people on each platform, and all their conversations."""

    def __init__(self, ground: Ground, chance: random.Random) -> None:
        self._discord, self._slack, self._chance = ground.discord, ground.slack, chance
        guild = ground.discord.add_guild("Analytical Engines")
        names = ("Ada", "Grace", "Edsger", "Barbara")
        self._discord_people = [ground.discord.add_person(name, guild=guild) for name in names]
        self._slack_people = [ground.slack.add_person(name) for name in names]
        self._discord_channels = [ground.discord.add_channel(guild, f"room-{n}") for n in range(3)]
        self._slack_channels = [ground.slack.add_channel(f"room-{n}") for n in range(6)]
        self.conversations: list[Conversation] = []
        self._direct: dict[str, Conversation] = {}
        self.asked = 0

    async def ask(self, *, discord: bool) -> None:
        """Ask one question, or a few at once in one place. `discord`: the bot has been on Discord before."""
        platform = "discord" if discord and self._chance.random() < 0.7 else "slack"
        going_on = [c for c in self.conversations[-16:] if c.platform == platform]
        if going_on and self._chance.random() < 0.5:
            await self._follow_up(self._chance.choice(going_on))
        elif self._chance.random() < 0.25:
            await self._ask_directly(platform)
        else:
            await self._open(platform)

    async def _follow_up(self, there: Conversation) -> None:
        """In a thread where the bot has spoken nobody mentions it again; elsewhere on Slack one has to."""
        spoken = bool(self.lines(there))
        if there.platform == "discord" and not spoken and not there.direct:
            await self._open("discord")
            return
        for _ in range(self._chance.choices((1, 2, 3), weights=(80, 15, 5))[0]):
            await self._say(there, mention=not spoken or self._chance.random() < 0.2)

    async def _open(self, platform: str) -> None:
        channels = self._discord_channels if platform == "discord" else self._slack_channels
        await self._say(Conversation(platform, self._chance.choice(channels), ""), mention=True, opens=True)

    async def _ask_directly(self, platform: str) -> None:
        if platform == "slack":
            person = self._chance.choice(self._slack_people)
            await self._say(Conversation("slack", self._slack.dm(person), ""), mention=False, opens=True)
            return
        channel = self._discord.dm(self._chance.choice(self._discord_people))
        if channel not in self._direct:
            self._direct[channel] = Conversation("discord", channel, "")
            self.conversations.append(self._direct[channel])
        await self._say(self._direct[channel], mention=False)

    async def _say(self, there: Conversation, *, mention: bool, opens: bool = False) -> None:
        self.asked += 1
        name = token(self.asked)
        if there.platform == "discord":
            text = f"{self._discord.app.mention} {question(name)}" if mention else question(name)
            people = [
                p for p in self._discord_people if not there.direct or opens or self._discord.dm(p) == there.channel
            ]
            place = there.channel if opens or there.direct else there.thread
            message = (await self._discord.say(self._chance.choice(people), place, text)).id
        else:
            text = f"{self._slack.app.mention} {question(name)}" if mention else question(name)
            people = [p for p in self._slack_people if self._slack.dm(p) == there.channel] or self._slack_people
            message = (await self._slack.say(self._chance.choice(people), there.channel, text, thread=there.thread)).ts
        there.asked.append((name, message))
        if opens:
            there.thread = message
            self.conversations.append(there)

    # What they see

    def changes(self, there: Conversation) -> Changes:
        return self._discord.changes if there.platform == "discord" else self._slack.changes

    def lines(self, there: Conversation) -> list[str]:
        """The bot's messages in a conversation as they are shown now."""
        if there.platform == "slack":
            me = self._slack.app.bot.id
            return [m.shown for m in self._slack.messages(there.channel, there.thread) if m.user == me]
        try:
            messages = self._discord.messages(there.thread or there.channel)
        except ValueError:  # no thread was opened yet
            return []
        return [m.content for m in messages if m.author.id == self._discord.app.id]

    def shown(self, there: Conversation) -> str:
        return squeezed("".join(self.lines(there)))

    async def see_all(self, accepted: Callable[[Conversation], list[str]], within_s: float) -> None:
        """Wait until every conversation shows just its answers. Returns early, at the first that does not in time."""
        for there in self.conversations:
            whole = squeezed("".join(map(answer_to, accepted(there))))
            since = len(self.changes(there).seen)
            if self.shown(there) == whole:
                continue
            try:
                await self.changes(there).wait(
                    lambda _, there=there, whole=whole: self.shown(there) == whole, since=since, timeout_s=within_s
                )
            except TimeoutError:
                return
