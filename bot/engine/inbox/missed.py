"""Nothing was heard of a platform for a while: what people changed meanwhile is looked up."""

from bot.engine.inbox.recheck import Recheck
from bot.engine.turns.scheduler import Scheduler
from bot.events import Missed, Reply


class MissedHandler:
    """Takes in that something was missed."""

    def __init__(self, recheck: Recheck, scheduler: Scheduler) -> None:
        self._recheck = recheck
        self._scheduler = scheduler

    async def handle(self, missed: Missed) -> Reply:
        """Begin to look up what became of the latest questions; while the bot ends that is left to the next start."""
        if not self._scheduler.is_closing:
            self._recheck.begin(missed.platform)
        return Reply()
