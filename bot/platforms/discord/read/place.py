"""Where a question was asked on Discord, by the names that people see there."""

from typing import Any

import discord
import structlog

from bot.errors import PlatformError
from bot.events import Address, Place
from bot.platforms.discord.calls import Calls

log = structlog.get_logger()


async def place_of(calls: Calls, address: Address) -> Place:
    """Return an address's place; what cannot be looked up is left empty. Never raises."""
    if address.direct:
        return Place("Discord direct message")
    number = int(address.channel)

    async def find(client: discord.Client) -> Any:
        return client.get_channel(number) or await client.fetch_channel(number)

    try:
        found: Any = await calls.call(find, patient=True)
    except PlatformError as error:
        log.info("discord_place_unknown", channel=address.channel, reason=error.detail)
        return Place("Discord thread" if address.in_thread else "Discord channel")
    return _thread(found) if isinstance(found, discord.Thread) else _channel(found)


def _thread(thread: discord.Thread) -> Place:
    parent = thread.parent
    is_post = isinstance(parent, discord.ForumChannel)
    return Place(
        "Discord forum post" if is_post else "Discord thread",
        server=_server(thread),
        channel=parent.name if parent else "",
        topic=(parent.topic or "") if parent else "",
        thread=thread.name,
        tags=tuple(tag.name for tag in thread.applied_tags),
    )


def _channel(channel: Any) -> Place:
    return Place(
        "Discord channel",
        server=_server(channel),
        channel=str(getattr(channel, "name", None) or ""),
        topic=str(getattr(channel, "topic", None) or ""),
    )


def _server(place: Any) -> str:
    guild = getattr(place, "guild", None)
    return str(guild.name or "") if guild else ""
