"""After a gap in a platform's events, looks up what people changed meanwhile."""

from bot.engine.inbox.recheck import Recheck
from bot.engine.turns.scheduler import Scheduler
from bot.events import Missed, Reply


class MissedHandler:
    """Handles the event that something was missed."""

    def __init__(self, recheck: Recheck, scheduler: Scheduler) -> None:
        self._recheck = recheck
        self._scheduler = scheduler

    async def handle(self, missed: Missed) -> Reply:
        """Begin to recheck the latest questions; while the bot stops, that is left to the next start."""
        if not self._scheduler.is_closing:
            self._recheck.begin(missed.platform)
        return Reply()
