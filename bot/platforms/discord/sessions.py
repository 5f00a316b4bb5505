"""How often the bot begins a new session on Discord's gateway, whatever the gateway does to the old ones.

Each session begins with an IDENTIFY. A bot that sends more than 1,000 within 24 hours is disconnected everywhere, and
its token is reset (Discord docs, events/gateway, "Identifying"). discord.py does not count them: if each session is
invalidated (opcode 9) as soon as it is ready, it sends one every five to six seconds, and the token is gone in under
two hours.
"""

import asyncio
import math
from typing import Any

import discord
import structlog

from bot.platforms.discord import sdk
from bot.platforms.discord.limits import RateLimits
from bot.platforms.discord.listen import Listener
from bot.platforms.discord.source import DiscordSource, Past
from bot.platforms.kernel.catch_up import CatchUp
from bot.platforms.kernel.door import Door
from bot.platforms.kernel.others import Others

log = structlog.get_logger()

_FEW = 100


async def wait_if_few_left(client: discord.Client) -> None:
    """Wait if few new sessions are left, so that they last until Discord resets the count.

    Discord counts those of all processes (`GET /gateway/bot`; docs, events/gateway, "Session Start Limit Object"), so
    a process that ends early and is restarted again and again uses them up, too. Raise `discord.DiscordException`.
    """
    left, reset_after_s = await sdk.sessions_left(client)
    if left < _FEW:
        wait_s = (reset_after_s + 1.0) / (left + 1)  # clocks are rounded
        log.warning(
            "discord_few_sessions_left",
            left=left,
            wait_s=round(wait_s),
            remedy="the bot was started very often within a day: see in the log why it ended",
        )
        await asyncio.sleep(wait_s)


class SessionStarts:
    """At most `most` new sessions at once, and then one every `every_s` seconds. Times are those of any steady clock.

    With the defaults no 24 hours hold more than 300, and a bot that was stable for an hour may begin several at once.
    What is left of Discord's 1,000 is for restarts of the process (see `spare`).
    """

    def __init__(self, most: int = 12, every_s: float = 300.0) -> None:
        self._most = most
        self._every_s = every_s
        self._unused_at_s = -math.inf  # when all `most` may be begun at once again

    def wait_s(self, now_s: float) -> float:
        """Return how many seconds remain until the next session may begin; 0 if it may begin now."""
        return max(0.0, self._unused_at_s - (self._most - 1) * self._every_s - now_s)

    def begin(self, now_s: float) -> None:
        """Count a session that begins now. Raise `ConnectionError` if it may not."""
        if wait_s := self.wait_s(now_s):
            raise ConnectionError(f"the next session may begin in {wait_s:.0f} s")
        self._unused_at_s = max(self._unused_at_s, now_s) + self._every_s


class PacedListener(Listener):
    """A listener that counts every IDENTIFY, including those that discord.py sends by itself.

    While no new session may begin, a connection that loses its session ends with a `ConnectionError`.
    """

    def __init__(
        self,
        door: Door,
        source: DiscordSource,
        catch_up: CatchUp[Past],
        tasks: asyncio.TaskGroup,
        limits: RateLimits,
        *,
        starts: SessionStarts,
        content: bool,
        others: Others,
    ) -> None:
        super().__init__(door, source, catch_up, tasks, limits, content=content, others=others)
        self._starts = starts

    def dispatch(self, event: str, /, *args: Any, **more: Any) -> None:
        """Take an event as the listener does; raise `ConnectionError` if discord.py would begin a session too soon."""
        super().dispatch(event, *args, **more)
        lost = event == "disconnect" and sdk.is_session_lost(self)
        if lost and self._starts.wait_s(asyncio.get_running_loop().time()):
            raise ConnectionError("the session is lost, and there were too many new ones lately")

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Count an IDENTIFY. discord.py calls this before each, and keeps those of one client five seconds apart."""
        await super().before_identify_hook(shard_id, initial=initial)
        self._starts.begin(asyncio.get_running_loop().time())
