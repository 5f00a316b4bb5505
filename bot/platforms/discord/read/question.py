"""A person's message → a question, with its conversation."""

from typing import Any

import discord

from bot.events import Incoming, ThreadKey
from bot.platforms.discord.calls import within
from bot.platforms.discord.read.translate import incoming, says_something
from bot.platforms.kernel.shape import MISREAD, misread

_LOOK_UP_S = 20.0


async def question_in(
    client: discord.Client, message: discord.Message, author: discord.Member | None = None
) -> Incoming | None:
    """Return a message's question; None if it is empty, or cannot be read, now or ever. `author` as for `incoming`.

    Raise `discord.DiscordException` and `TimeoutError` if its conversation cannot be looked up.
    """
    try:
        thread = await _thread_of(client, message)
        question = incoming(message, client.user.id if client.user else 0, thread, author=author)
    except MISREAD as error:
        fields = {name: getattr(message, name, None) for name in ("author", "content", "channel", "attachments")}
        misread("discord_message_unreadable", fields, error, channel=message.channel.id, message=message.id)
        return None
    return question if says_something(question) else None


async def _thread_of(client: discord.Client, message: discord.Message) -> ThreadKey:
    """Return a message's conversation. discord.py does not know a thread that was archived when we connected."""
    channel: Any = message.channel
    if isinstance(channel, discord.PartialMessageable):
        channel = await within(_LOOK_UP_S, lambda: client.fetch_channel(message.channel.id))
    if channel.guild is None:
        return ThreadKey("discord", "@me", str(channel.id), str(channel.id))
    if isinstance(channel, discord.Thread):
        return ThreadKey("discord", str(channel.guild.id), str(channel.parent_id), str(channel.id))
    return ThreadKey("discord", str(channel.guild.id), str(channel.id), str(message.id))
