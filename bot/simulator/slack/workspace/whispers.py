"""Ephemeral messages: what one person is shown and nobody else, and nobody after a reload."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.slack.workspace.progress import Progress


@dataclass(frozen=True, slots=True)
class Whisper:
    """One ephemeral message. `person`: id of who sees it. `thread`: the root's `ts`, or "". `text`: as it is read.

    `press`: the `trigger_id` of the press whose `response_url` it came through; "" for chat.postEphemeral.
    """

    person: str
    channel: str
    ts: str
    text: str
    thread: str = ""
    press: str = ""


class Whispers:
    """Every ephemeral message since the start, in order, and a way to wait for one. Single event loop."""

    def __init__(self) -> None:
        self.seen: list[Whisper] = []
        self._progress = Progress()

    def add(self, whisper: Whisper) -> None:
        """Show one."""
        self.seen.append(whisper)
        self._progress.moved()

    def to(self, person: str) -> list[Whisper]:
        """Return what a person was shown, oldest first."""
        return [whisper for whisper in self.seen if whisper.person == person]

    async def wait(self, person: str, match: Callable[[Whisper], bool], since: int, timeout_s: float) -> Whisper:
        """Return a person's first whisper at or after index `since` that matches. Raise `TimeoutError`."""

        def found() -> list[Whisper]:
            return [whisper for whisper in self.to(person)[since:] if match(whisper)]

        await self._progress.until(lambda: bool(found()), timeout_s)
        return found()[0]
