"""The one door for all that happens in a platform's channels: live events, and what was missed and read back."""

import math
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot.errors import PlatformError, Stopping
from bot.events import Event
from bot.platforms.kernel.order import ChannelOrder, Settle, Slot
from bot.ports import EventHandler

log = structlog.get_logger()

FIRST = -math.inf
"""The rank of missed events: they go before everything that waits in their channel."""


class Door:
    """Hands events to `handle`: those of one channel one at a time, in order. An event of no channel, or one that may
    not wait, goes to `handle` directly.
    """

    def __init__(self, platform: str, handle: EventHandler) -> None:
        self.platform = platform
        self.handle = handle
        self._order = ChannelOrder()

    def slot(self, channel: str, rank: float = 0.0, *, settle: Settle | None = None, said_s: float = math.inf) -> Slot:
        """Join a channel's line at once and return the slot; `take` must be called with it.

        `rank`, `settle`: see `ChannelOrder.slot`. `said_s`: for a message, when it was written, in seconds since 1970.
        """
        return self._order.slot(channel, rank, settle=settle, since_s=said_s)

    async def take(self, slot: Slot, translate: Callable[[], Awaitable[Sequence[Event]]], about: object) -> bool:
        """Wait for the slot, translate, and hand the events in. Return whether all of them were handled.

        A failure is logged with what it was `about`, and does not stop the events after it.
        """
        try:
            async with slot:
                for event in await translate():
                    await self.handle(event)
        except Stopping:
            log.info("event_waits_for_the_next_start", platform=self.platform, about=str(about))
        except PlatformError as error:
            log.info("event_waits", platform=self.platform, about=str(about), reason=error.detail)
        except Exception:
            # No failure of one event may stop the next.
            log.exception("event_not_handled", platform=self.platform, about=str(about))
        else:
            return True
        return False

    def waiting_since_s(self) -> float:
        """Return when the earliest event that is not fully handled was written; infinity if there is none."""
        return self._order.waiting_since_s()
