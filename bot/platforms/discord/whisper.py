"""What one person is told on Discord, and nobody else sees."""

import discord

from bot.events import Incoming
from bot.platforms.discord.calls import Calls


async def whisper_to_author(calls: Calls, message: Incoming, sentence: str) -> None:
    """Tell who wrote a message a sentence, in a DM: Discord shows one person alone a message in a channel only if they
    pressed or called something (docs, interactions). Raise only `PlatformError`s: who takes no DMs is not told.
    """

    async def send(client: discord.Client) -> None:
        dm = await client.create_dm(discord.Object(int(message.author.id)))
        await dm.send(sentence, allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True)

    await calls.call(send, patient=True)
