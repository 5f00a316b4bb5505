"""One answer on the screen: a reconciler between the text so far and what the platform has confirmed.

One task makes all calls, one at a time, always with the newest text. Only a confirmed call changes what is taken as
shown, so a lost response, a rate limit or an outage costs time and nothing else.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import structlog

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Rejected, Unreachable
from bot.events import AnswerMessage, Budget, Button, MessageKey
from bot.ports import PartLog, Surface
from bot.reply.draft import Draft
from bot.reply.pacing.pace import Backlog, Rank
from bot.reply.pacing.pacer import Claim, Pacer, give_back
from bot.reply.paging.page_end import Work
from bot.reply.parts import Parts
from bot.reply.screen import LATE_AFTER_S, Call, Step, next_steps
from bot.tasks import Tasks

log = structlog.get_logger()

BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0)
"""Waits after one failed call and the next; once the answer is whole, running out of them means giving up."""
_AT_ONCE_S = 0.005
"""So long a reply works at its pages before it lets others go on, in CPU time."""

T = TypeVar("T")


class LiveReply:
    """An answer that grows in place. Used by `async with`, from one task.

        async with LiveReply(surface, pacer, log=store, turn=key, idempotency_key="ab12cd34") as reply:
            async for piece in stream:
                reply.write(piece)
            await reply.finish()

    `idempotency_key` names the answer to the platform; message i of it is posted with the key `f"{key}.{i}"` (a file's
    has five characters more before the dot, which tell its content). It has at most 25 characters (Discord docs,
    resources/message, nonce), or `ValueError` is raised. `parts` are messages an earlier process has posted, or was
    about to: they are edited, or looked for before they are posted; a file that is there with the same content is not
    posted again, and what this answer has no use for is deleted. `shown`: the text of which they show what fits, as
    far as it is known; it stays until this answer is as long, or whole (None: until it has more pages). Leaving the
    block early stops all calls.

    While it grows, its newest message has a Stop button if it is `stoppable`. Of more than `most_pages` messages only
    so many are posted; then the whole answer is a file. `back_off_s`: the waits between attempts while the platform
    cannot be reached.
    """

    def __init__(
        self,
        surface: Surface,
        pacer: Pacer,
        *,
        log: PartLog,
        turn: MessageKey,
        idempotency_key: str,
        parts: Sequence[AnswerMessage] = (),
        shown: str | None = None,
        most_pages: int = 8,
        stoppable: bool = True,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        self._surface = surface
        self._pacer = pacer
        self._turn = turn
        self._idempotency_key = idempotency_key
        self._back_off_s = back_off_s
        self._parts = Parts(surface, log, turn, idempotency_key, parts)
        self._draft = Draft(surface, most_pages=most_pages, stoppable=stoppable, shown=shown)
        self._claim = Claim(Backlog())
        self._begins_s: float | None = None
        self._wake = asyncio.Event()
        self._still = asyncio.Event()
        self._hurry = asyncio.Event()
        self._interruptible: asyncio.Timeout | None = None
        self._ended = self._gives_up = False
        self._failures = 0
        self._all_seen = False
        self._tasks = Tasks()
        self._task: asyncio.Task[None] | None = None
        self.broken: PlatformError | None = None
        """Why nothing more can be shown, or None."""

    async def __aenter__(self) -> Self:
        self._task = self._tasks.start(self._run(), f"reply {self._idempotency_key}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        await self._tasks.close()
        if not self._task.cancelled() and (failure := self._task.exception()) is not None and error is None:
            raise failure

    def write(self, piece: str) -> None:
        """Add Claude's next words. Never waits, never raises for the platform: see `broken`."""
        if not piece or self.broken is not None:
            return
        now_s = asyncio.get_running_loop().time()
        blank = self._draft.blank
        self._draft.write(piece)
        if blank and not self._draft.blank:
            self._begins_s, self._draft.late = now_s, False
        if not self._draft.beyond:
            self._claim.backlog.wrote(len(piece), now_s)
            self._stir()

    def set_activity(self, text: str) -> None:
        """Say in one line of small print below the text what is going on ("searching the web…"), until the next words
        or the next call; "" takes it away. Where a message can only get longer, it is not shown.
        """
        self._draft.set_activity(text)
        if self._draft.blank and not (text and self._begins_s):
            self._begins_s = asyncio.get_running_loop().time() if text else None
        self._all_seen = False
        self._stir()

    def restart(self) -> None:
        """Begin the text anew, in the same messages: what was written is shown until there is as much, or the end."""
        now_s = asyncio.get_running_loop().time()
        self._draft.restart()
        self._parts.restart()
        self._claim.backlog.take(now_s)
        self._begins_s = None
        self._all_seen = False
        self._stir()

    async def finish(
        self,
        note: str = "",
        *,
        buttons: Sequence[Button] = (),
        files: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Return when everything is shown and confirmed: below the text the note as its last paragraph and the buttons,
        after it the files, each a name and its bytes.

        `note`: our sentences, one a line, "" for none. Note and buttons replace those of an earlier call; its files
        stay, unless there are others. A file that the place does not take is named in the note; a message of which it
        rejects an edit gives way to another one. Raises `Gone`, `Forbidden` or `Rejected` if the platform refuses (see
        `give_up`), `Unreachable` when it stayed away through all of `back_off_s`: about two minutes.
        """
        self._draft.end(note, buttons, files)
        await self._shown()

    async def give_up(self, note: str, *, buttons: Sequence[Button] = ()) -> None:
        """Leave what was refused (see `broken`): what readers see stays, with the note below it, and nothing grows.

        Raises as `finish` does, if even that is refused.
        """
        assert self.broken is not None
        assert self._task is not None
        await asyncio.wait([self._task])
        self._draft.leave(self._parts.leave(), note, buttons)
        self.broken, self._ended, self._gives_up = None, False, True
        self._task = self._tasks.start(self._run(), f"reply {self._idempotency_key}, the end of it")
        await self._shown()

    async def _shown(self) -> None:
        self._failures, self._all_seen = 0, False
        self._claim.rank = Rank.LAST
        self._still.clear()
        self._stir()
        self._hurry.set()
        limits = self._surface.limits
        for scope in (limits.posts.scope, limits.edits.scope):
            self._pacer.look(scope)
        if not self._ended:
            await self._still.wait()
        if self.broken is not None:
            raise self.broken
        if self._ended and self._task is not None:
            await self._task

    def _stir(self) -> None:
        """Let the task look at what is wanted now; an END that waits gives way to it."""
        self._wake.set()
        if self._interruptible is not None:
            self._interruptible.reschedule(asyncio.get_running_loop().time())
            self._interruptible = None

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                steps = await self._more_text() or await self._next()
                if steps:
                    await self._take_first(steps)
                    continue
                if self._draft.done:
                    self._still.set()
                await self._something_new()
        except PlatformError as error:
            log.warning("reply broken", turn=str(self._turn), error=type(error).__name__, detail=error.detail)
            self.broken = error
        finally:
            self._ended = True
            self._still.set()

    async def _next(self) -> list[Step]:
        """Return the next call for the text as it is now, and what may go first if that must wait."""
        wanted = await _patiently(self._draft.wanted())
        return next_steps(wanted, self._parts.screen, self._surface.limits)

    async def _more_text(self) -> list[Step]:
        """Return the call that brings more text to the last page, if that is all there is to do: it is not rendered
        before it may be sent. Empty if only `_next` can tell.
        """
        if not self._all_seen or not await _patiently(self._draft.only_grows()):
            return []
        last = next(shown for shown in reversed(self._parts.screen) if not shown.file)
        return [Step(Call.EDIT, last, newest=True)]

    async def _something_new(self) -> None:
        """Wait for more text or the end; for a beginning, until it is late."""
        late_s = None
        if self._begins_s is not None and not self._draft.late and not self._draft.begun:
            late_s = self._begins_s + LATE_AFTER_S
        try:
            async with asyncio.timeout_at(late_s):
                await self._wake.wait()
        except TimeoutError:
            self._draft.late = True

    async def _take_first(self, steps: Sequence[Step]) -> None:
        """Make the first call; if it is an END that is not allowed at once, the one that need not wait for it."""
        first, *others = steps
        if not others:
            await self._take(first)
        elif not await self._take(first, at_once=True):
            await self._take(others[0])

    async def _take(self, step: Step, *, at_once: bool = False) -> bool:
        """Make one call when it is this reply's turn, with the text as it is then. False if it was not made: `at_once`
        was not possible, or something more urgent came up.
        """
        budget = self._budget(step)
        claim = Claim(Backlog(), Rank.LAST) if step.call is Call.END else self._claim
        try:
            async with asyncio.timeout(0 if at_once else None) as wait:
                self._interruptible = wait if step.call is Call.END else None
                async with self._pacer.call(budget, claim, instead=self._instead(step)):
                    self._interruptible = None
                    wait.reschedule(None)
                    await self._make_newest(step, budget)
        except TimeoutError:
            if not wait.expired():
                raise
            return False
        except Unreachable as error:
            await self._back_off(error)
        finally:
            self._interruptible = None
        return True

    def _instead(self, step: Step) -> Budget | None:
        return self._surface.limits.posts_instead if step.call is Call.POST else None

    def _budget(self, step: Step) -> Budget:
        limits = self._surface.limits
        if step.call is Call.END:
            return limits.ends or limits.edits
        return limits.posts if step.call in {Call.POST, Call.ATTACH} else limits.edits

    async def _make_newest(self, step: Step, budget: Budget) -> None:
        if self._wake.is_set() or not step.look.text:
            found = next((newer for newer in await self._next() if self._budget(newer) == budget), None)
            if found is None:
                self._all_seen = False
                give_back()
                return
            step = found
        try:
            await self._make(step)
        except RateLimited as error:
            self._pacer.pause(budget.scope, error.retry_after_s)

    async def _make(self, step: Step) -> None:
        now_s = asyncio.get_running_loop().time
        taken = self._claim.backlog.take(now_s()) if step.newest else Backlog()
        try:
            await self._parts.make(step)
        except PlatformError as error:
            self._claim.backlog.put_back(taken, now_s())
            if not self._does_without(step, error):
                raise
        self._failures, self._all_seen = 0, step.newest
        if not self._draft.done:
            self._draft.shown_of(step.look.span.attempt)
            self._claim.rank = Rank.MORE

    def _does_without(self, step: Step, error: PlatformError) -> bool:
        """Give a call up that the platform refuses: an edit it rejects; a file or a deletion, also if it has not
        answered for long. Say whether it did.
        """
        if step.call in {Call.EDIT, Call.END} and step.shown is not None:
            final = isinstance(error, Rejected) or (self._gives_up and isinstance(error, Forbidden))
            step.shown.stuck = final
            return final
        patient = isinstance(error, Unreachable) and self._failures < len(self._back_off_s)
        if step.call not in {Call.ATTACH, Call.DELETE} or patient or isinstance(error, (RateLimited, Gone)):
            return False
        log.warning("reply does without", call=step.call.name, turn=str(self._turn), detail=error.detail)
        if step.file is not None:
            self._draft.refuse(step.file)
        elif step.shown is not None:
            self._parts.drop(step.shown)
        return True

    async def _back_off(self, error: Unreachable) -> None:
        """Wait before the next attempt; raises the error when the answer is whole and patience is over."""
        if self._draft.done and self._failures >= len(self._back_off_s):
            raise error
        delay_s = self._back_off_s[min(self._failures, len(self._back_off_s) - 1)]
        self._failures += 1
        log.info("platform unreachable", turn=str(self._turn), detail=error.detail, retry_in_s=delay_s)
        self._hurry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._hurry.wait()


async def _patiently(work: Work[T]) -> T:
    """Do some work and return what comes of it; others go on in between."""
    begun_s = time.thread_time()
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.thread_time() - begun_s > _AT_ONCE_S:
            await asyncio.sleep(0)
            begun_s = time.thread_time()
