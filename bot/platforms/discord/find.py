"""Finds what an earlier attempt or process posted, by its position among the bot's messages."""

import re
from collections.abc import Collection

import discord
import structlog

from bot.errors import PlatformError, RateLimited, Unreachable
from bot.events import Address
from bot.platforms.discord import sdk
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.read.shown import SPOKEN

log = structlog.get_logger()

_PART = re.compile(r"[^0-9A-Za-z](\d+)\Z")


def part_of(idempotency_key: str) -> int | None:
    """Return a part's number in its answer, from 0; it is the end of the key."""
    part = _PART.search(idempotency_key)
    return None if part is None else int(part.group(1))


def idempotency_key_of(message: discord.Message, me: discord.ClientUser | None) -> str:
    """Return the key of a message the bot's own account has just posted; "" if it has none, or is somebody else's.

    Discord sends it as the nonce, only in the event of the creation (docs, resources/message). A whisper (see
    `whisper`) has only a number, which discord.py makes.
    """
    idempotency_key = str(message.nonce or "")
    is_note = message.guild is None and idempotency_key.isdigit()
    return (
        idempotency_key
        if me is not None and message.author.id == me.id and message.type in SPOKEN and not is_note
        else ""
    )


class Finder:
    """Looks among the bot's own messages that answer a question."""

    def __init__(self, calls: Calls, address: Address) -> None:
        self._calls = calls
        self._address = address

    async def post(self, idempotency_key: str, known: Collection[str], place: int) -> discord.Message | None:
        """Return the message posted in a place with a key; None if there is none, or if it is a `known` one.

        The parts of an answer are posted in order, so part 2 is the third of the messages that answer the question; a
        file is a part, too.
        """
        index = part_of(idempotency_key)
        if index is None:
            log.warning("discord_mark_without_part", idempotency_key=idempotency_key)
            return None
        try:
            posted = await self._calls.call(lambda client: _answers(client, self._address, place), patient=True)
        except (RateLimited, Unreachable):
            raise  # the caller tries again; a post that is made now could be a second one
        except PlatformError as error:
            log.warning("discord_history_unreadable", place=place, reason=error.detail)
            return None
        found = posted[index] if index < len(posted) else None
        return None if found is None or str(found.id) in known else found


async def _answers(client: discord.Client, address: Address, place: int) -> list[discord.Message]:
    """Return the messages that answer the question, oldest first.

    A thread's turns come one after another, and ours has not ended: from its first message on, everything the bot wrote
    here is its answer, except replies to other questions. In a new thread that is everything. In a channel answers
    mix, so only replies to the question count.
    """
    root = int(address.message)
    me = client.user.id if client.user else 0
    here = place == int(address.channel)
    loose = root if here and not (address.direct or address.in_thread) else None
    found: list[discord.Message] = []
    async for message in sdk.history(client, place, 100, after=root):
        replied = message.reference.message_id if message.reference else None
        ours = message.author.id == me and message.type in SPOKEN and replied in {loose, root}
        if ours and (found or not here or replied == root):
            found.append(message)
    return found
