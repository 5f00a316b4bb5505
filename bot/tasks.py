"""Owners for tasks that no `asyncio.TaskGroup` can own: a task starts in a plain function, or lasts as long as a block.

`asyncio.create_task` is called here alone; ruff bans it elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_AGAIN_S = 0.2


class Tasks:
    """The tasks of one object: each is referenced while it runs, and none outlives `close`. For a single event loop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def running(self) -> AbstractSet[asyncio.Task[Any]]:
        """The tasks that are not done, as a new set."""
        return frozenset(task for task in self._running if not task.done())

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start some work. Its result or exception is for whoever awaits the task."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 - the one place
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Cancel the running tasks and return when they have ended."""
        if running := self.running:
            for task in running:
                task.cancel()
            await asyncio.wait(running)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run some work that never ends by itself while the block lasts. Raise its exception at the end of the block."""
    tasks = Tasks()
    task = tasks.start(work, name)
    try:
        yield
    finally:
        await tasks.close()
        if not task.cancelled():
            task.result()


async def cancel_reliably(work: Coroutine[Any, Any, None], name: str) -> None:
    """Run some work so that cancelling it is reliable. On Python 3.11, `asyncio.wait_for` drops a cancellation that
    arrives together with the awaited result (cpython issue 86296): it is then cancelled again.
    """
    task = Tasks().start(work, name)
    try:
        await asyncio.wait([task])
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_AGAIN_S)
    task.result()
