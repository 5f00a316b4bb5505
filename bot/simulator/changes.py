"""What a person watching a simulated platform sees, as it happens: the same words for Discord and Slack."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["posted", "edited", "deleted", "status", "thread"]


@dataclass(frozen=True, slots=True)
class Change:
    """One visible change.

    `place`: id of the channel, DM or thread (Slack: the channel's id). `thread`: the Slack `thread_ts`, or "".
    `message`: its id, "" for a status. `author`: a display name. `text`: what is shown now, as the platform's users
    see it. `files`: names of attached files. `at_s`: the event loop's clock. For `thread`, `message` is the root
    message's id and `text` the new thread's name. For `status`, an empty `text` means that it was cleared.
    """

    kind: Kind
    place: str
    message: str
    author: str
    text: str
    by_bot: bool
    thread: str = ""
    files: tuple[str, ...] = ()
    at_s: float = field(default=0.0, compare=False)


class Changes:
    """Every change since the start, in order, and a way to wait for one. Single event loop."""

    def __init__(self) -> None:
        self.seen: list[Change] = []
        self._more = asyncio.Event()

    def add(self, change: Change) -> None:
        """Record a change and wake whoever waits."""
        self.seen.append(change)
        self._more.set()

    async def wait(self, match: Callable[[Change], bool], *, since: int = 0, timeout_s: float | None = 120.0) -> Change:
        """Return the first change at or after index `since` that matches.

        Raise `TimeoutError` after `timeout_s` seconds; None waits for ever.
        """
        async with asyncio.timeout(timeout_s):
            index = since
            while True:
                while index < len(self.seen):
                    if match(self.seen[index]):
                        return self.seen[index]
                    index += 1
                self._more.clear()
                await self._more.wait()
