"""What one person is told, and nobody else sees."""

import asyncio

import discord
import structlog

from bot.errors import PlatformError
from bot.events import Edited, Event, Incoming
from bot.platforms.discord.calls import Calls
from bot.ports import Hear

log = structlog.get_logger()


class Whispering:
    """A `Hear` that also tells who wrote what is said of it, in a DM: Discord shows one person alone a message in a
    channel only if they pressed or called something (docs, interactions). Who takes no DMs is not told. `tasks` owns
    the telling: nobody waits for it.
    """

    def __init__(self, hear: Hear, calls: Calls, tasks: asyncio.TaskGroup) -> None:
        self._hear = hear
        self._calls = calls
        self._tasks = tasks

    async def hear(self, event: Event) -> str:
        """Hand an event in; return what is said of it."""
        sentence = await self._hear(event)
        message = event.message if isinstance(event, Edited) else event
        if sentence and isinstance(message, Incoming):
            self._tasks.create_task(self._tell(message, sentence), name="discord-whisper")
        return sentence

    async def _tell(self, message: Incoming, sentence: str) -> None:
        async def send(client: discord.Client) -> None:
            dm = await client.create_dm(discord.Object(int(message.author.id)))
            await dm.send(sentence, allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True)

        try:
            await self._calls.call(send, patient=True)
        except PlatformError as error:
            log.info("discord_person_not_told", message=str(message.key), reason=error.detail)
