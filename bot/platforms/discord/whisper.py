"""What one person is told on Discord, and nobody else sees."""

import discord

from bot.events import Incoming
from bot.platforms.discord.calls import Calls


async def whisper_to_author(calls: Calls, message: Incoming, sentence: str) -> None:
    """Send a sentence to a message's author in a DM. Raise only `PlatformError`s.

    In a channel Discord shows a message to one person alone only if they pressed or called something (docs,
    interactions). An author who takes no DMs is not told.
    """

    async def send(client: discord.Client) -> None:
        dm = await client.create_dm(discord.Object(int(message.author.id)))
        await dm.send(sentence, allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True)

    await calls.call(send, patient=True)
