"""What one person is told, and nobody else sees."""

import asyncio

import structlog

from bot.errors import PlatformError
from bot.events import Edited, Event, Incoming
from bot.platforms.slack.calls import Calls
from bot.platforms.slack.markup import escape
from bot.ports import Hear

log = structlog.get_logger()


async def whisper(calls: Calls, user: str, sentence: str, channel: str, thread: str = "") -> None:
    """Show a sentence to one person in a channel, or in a thread that has replies; elsewhere Slack does not show it
    (docs, reference/methods/chat.postEphemeral). Raises only `PlatformError`s.
    """
    where = {"thread_ts": thread} if thread else {}
    await calls.write("chat.postEphemeral", channel=channel, user=user, text=escape(sentence), parse="none", **where)


class Whispering:
    """A `Hear` that also shows who wrote what is said of it to them alone. `tasks` owns the showing: nobody waits."""

    def __init__(self, hear: Hear, calls: Calls, tasks: asyncio.TaskGroup) -> None:
        self._hear = hear
        self._calls = calls
        self._tasks = tasks

    async def hear(self, event: Event) -> str:
        """Hand an event in; return what is said of it."""
        sentence = await self._hear(event)
        message = event.message if isinstance(event, Edited) else event
        if sentence and isinstance(message, Incoming):
            self._tasks.create_task(self._tell(message, sentence), name="slack-whisper")
        return sentence

    async def _tell(self, message: Incoming, sentence: str) -> None:
        thread = message.thread.thread if message.in_thread else ""
        try:
            await whisper(self._calls, message.author.id, sentence, message.key.channel, thread)
        except PlatformError as error:
            log.info("slack_person_not_told", message=str(message.key), reason=error.detail)
