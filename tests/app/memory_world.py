"""The world with one more platform in it, of which the bot knows nothing but its ports."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.memory_platform import BOT, MENTION, MemoryChat, MemoryPlatform

from bot import app
from bot.config import Secrets, Settings
from bot.events import Person
from bot.ports import Platform
from bot.reply import Pacer
from bot.simulator.changes import Change, Changes
from bot.telemetry import Emit
from bot.tryout.world import File, Line, Room, ShownAnswer, World


class MemoryWorld(World):
    """Discord, Slack and a third service."""

    def __init__(self, *parts: Any) -> None:
        self.chat = MemoryChat()
        self._members = {name: Person(name.lower(), name) for name in ("Ada", "Grace")}
        super().__init__(*parts)
        self.bot.connect = self._connect
        self.places = (*self.places, Room("memory", "#general", "general"), Room("memory", "DM", "dm-ada", True))

    def _connect(self, settings: Settings, secrets: Secrets, pacer: Pacer, emit: Emit) -> list[Platform]:
        return [*app.platforms(settings, secrets, pacer, emit), MemoryPlatform(self.chat)]

    async def start_bot(self) -> None:
        await super().start_bot()
        await self.chat.connected.wait()

    def add_person(self, platform: str, name: str, *, bot: bool = False) -> str:
        if platform != "memory":
            return super().add_person(platform, name, bot=bot)
        self._members[name] = Person(f"id-{len(self._members)}", name)
        self.chat.bots |= {self._members[name].id} if bot else set()
        return name

    def person_id(self, platform: str, name: str) -> str:
        return self._members[name].id if platform == "memory" else super().person_id(platform, name)

    def mention(self, platform: str) -> str:
        return MENTION if platform == "memory" else super().mention(platform)

    def changes(self, platform: str) -> Changes:
        return self.chat.changes if platform == "memory" else super().changes(platform)

    async def open_thread(self, who: str, place: Room, message: str) -> Room:
        return (
            replace(place, thread=message)
            if place.platform == "memory"
            else await super().open_thread(who, place, message)
        )

    async def say(self, who: str, place: Room, text: str, files: Sequence[File] = (), **more: Any) -> str:
        if place.platform != "memory":
            return await super().say(who, place, text, files, **more)
        text = text.replace("@parley", MENTION)
        by, there = self._members[who], {"thread": place.thread, "direct": place.direct}
        return self.chat.add(by, place.channel, text, files=tuple(files), **there).id

    def answered_in(self, place: Room, message: str) -> Room:
        if place.platform == "memory":
            return place if place.direct or place.thread else replace(place, thread=message)
        return super().answered_in(place, message)

    def is_in(self, place: Room, change: Change) -> bool:
        if place.platform == "memory":
            return change.place == (place.thread or place.channel)
        return super().is_in(place, change)

    def lines(self, place: Room) -> list[Line]:
        if place.platform != "memory":
            return super().lines(place)
        return [
            Line(m.id, m.author.name, m.text, m.author == BOT, m.edits, tuple(n for n, _ in m.files), tuple(m.buttons))
            for m in self.chat.seen(place.channel, place.thread)
        ]

    def answer(self, there: Room, message: str) -> ShownAnswer:
        if there.platform != "memory":
            return super().answer(there, message)
        after = itertools.dropwhile(lambda line: line.message != message, self.lines(there))
        return ShownAnswer(there, message, tuple(line for line in after if line.by_bot))
