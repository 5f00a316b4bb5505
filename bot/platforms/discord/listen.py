"""Events in: what people write on Discord, handed on in the order in which each channel said it."""

import asyncio
from collections import deque
from typing import Any

import discord
import structlog

from bot.events import ThreadKey
from bot.platforms.discord.translate import incoming, is_question
from bot.ports import Hear

log = structlog.get_logger()

_DISCONNECTS = 20
_WITHIN_S = 60.0


def intents(*, content: bool) -> discord.Intents:
    """Return what the gateway is asked to send. `content`: with the privileged Message Content intent, without which
    only DMs, mentions of the bot and replies that ping it have a text (Discord docs, events/gateway).
    """
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=content)


class Listener(discord.Client):
    """A connection to Discord's gateway. `tasks` owns the tasks in which `hear` runs, one per channel that talks."""

    def __init__(self, hear: Hear, tasks: asyncio.TaskGroup, *, content: bool) -> None:
        super().__init__(
            intents=intents(content=content),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0,
            max_ratelimit_timeout=30.0,  # the least discord.py allows; a longer wait raises
        )
        self._hear = hear
        self._tasks = tasks
        self._waiting: dict[int, deque[discord.Message]] = {}
        self._disconnects: deque[float] = deque(maxlen=_DISCONNECTS)

    def dispatch(self, event: str, /, *args: Any, **_: Any) -> None:
        """Take an event the moment the gateway sends it. discord.py would start a task for each, which nobody owns."""
        if event == "message":
            self._queue(args[0])
        elif event == "disconnect":
            self._count_disconnect()
        elif event == "ready":  # again after each new session
            log.info("discord_ready", bot=str(self.user), content=self.intents.message_content)
        elif event == "resumed":  # what was missed has been sent again
            log.info("discord_resumed")

    def _count_disconnect(self) -> None:
        """Give up a connection that comes up and breaks again and again: discord.py would try without a pause."""
        self._disconnects.append(asyncio.get_running_loop().time())
        log.info("discord_disconnected")
        if len(self._disconnects) == _DISCONNECTS and self._disconnects[-1] - self._disconnects[0] < _WITHIN_S:
            raise ConnectionError(f"{_DISCONNECTS} disconnects within {_WITHIN_S:.0f} s")

    def _queue(self, message: discord.Message) -> None:
        if not is_question(message):
            return
        channel = message.channel.id
        if channel in self._waiting:
            self._waiting[channel].append(message)
        else:
            self._waiting[channel] = deque([message])
            self._tasks.create_task(self._hear_channel(channel), name=f"discord-hear-{channel}")

    async def _hear_channel(self, channel: int) -> None:
        queue = self._waiting[channel]
        try:
            while queue:
                await self._hear_one(queue.popleft())
        finally:
            del self._waiting[channel]

    async def _hear_one(self, message: discord.Message) -> None:
        try:
            me = self.user.id if self.user else 0
            question = incoming(message, me, await self._thread_of(message))
            if question.text or question.uploads or question.mentions_bot:
                await self._hear(question)
        except Exception:
            # Whatever one message does must not stop the next; Discord has no redelivery that raising could ask for.
            log.exception("discord_message_not_heard", channel=message.channel.id, message=message.id)

    async def _thread_of(self, message: discord.Message) -> ThreadKey:
        """Return a message's conversation. discord.py does not know a thread that was archived when we connected."""
        channel = message.channel
        if isinstance(channel, discord.PartialMessageable):
            channel = await self.fetch_channel(channel.id)  # type: ignore[assignment]
        if channel.guild is None:
            return ThreadKey("discord", "@me", str(channel.id), str(channel.id))
        if isinstance(channel, discord.Thread):
            return ThreadKey("discord", str(channel.guild.id), str(channel.parent_id), str(channel.id))
        return ThreadKey("discord", str(channel.guild.id), str(channel.id), str(message.id))
