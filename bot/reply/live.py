"""One answer on the screen: a reconciler between the text so far and what the platform has confirmed.

One task makes all calls, one at a time, always with the newest text. Only a confirmed call changes what counts as
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
from bot.reply.pacing.pacer import CallClaim, Pacer, give_back, granted_scope
from bot.reply.paging.page_end import Work
from bot.reply.posted import PostedMessages
from bot.reply.screen import LATE_AFTER_S, CallKind, NextCall, next_calls
from bot.tasks import Tasks

log = structlog.get_logger()

BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0)
"""The waits after successive failed calls. Once the answer is complete, the last of them is followed by giving up."""
_AT_ONCE_S = 0.005
"""How much CPU time a reply spends on its pages before it lets other tasks run."""

T = TypeVar("T")


class LiveReply:
    """An answer that grows in place. Used by `async with`, from one task.

        async with LiveReply(surface, pacer, log=store, turn=key, idempotency_key="ab12cd34") as reply:
            async for piece in stream:
                reply.write(piece)
            await reply.finish()

    `idempotency_key` names the answer to the platform; message i of it is posted with the key `f"{key}.{i}"` (a file's
    has five characters more before the dot, which tell its content). It has at most 25 characters (Discord docs,
    resources/message, nonce), or `ValueError` is raised. `parts` are messages that an earlier process posted or was
    about to post. They are edited, or looked up before they are posted; a file with the same content is not posted
    again, and what this answer does not need is deleted. `shown`: the text that those messages show, as far as it is
    known. It stays until this answer is as long, or complete (None: until it has more pages). Leaving the block early
    stops all calls.

    While the answer grows, its newest message has a Stop button if it is `stoppable`. At most `most_pages` messages are
    posted; a longer answer is also attached as a file. `back_off_s`: the waits between attempts while the platform
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
        self._messages = PostedMessages(surface, log, turn, idempotency_key, parts)
        self._draft = Draft(surface, most_pages=most_pages, stoppable=stoppable, shown=shown)
        self._claim = CallClaim(Backlog())
        self._begins_s: float | None = None
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._retry_now = asyncio.Event()
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
        """Add Claude's next words. This neither waits for the platform nor raises its errors: see `broken`."""
        if not piece or self.broken is not None:
            return
        now_s = asyncio.get_running_loop().time()
        blank = self._draft.blank
        self._draft.write(piece)
        if blank and not self._draft.blank:
            self._begins_s, self._draft.late = now_s, False
        if not self._draft.beyond:
            self._claim.backlog.wrote(len(piece), now_s)
            self._wake_up()

    def set_activity(self, text: str) -> None:
        """Show in one line of small print below the text what is going on ("searching the web…"), until the next words
        or the next call; "" removes it. The line is not shown where a message can only get longer.
        """
        self._draft.set_activity(text)
        if self._draft.blank and not (text and self._begins_s):
            self._begins_s = asyncio.get_running_loop().time() if text else None
        self._all_seen = False
        self._wake_up()

    def restart(self) -> None:
        """Start the text again in the same messages. The old text stays visible until the new one is as long, or
        complete.
        """
        now_s = asyncio.get_running_loop().time()
        self._draft.restart()
        self._messages.restart()
        self._claim.backlog.take(now_s)
        self._begins_s = None
        self._all_seen = False
        self._wake_up()

    async def finish(
        self,
        note: str = "",
        *,
        buttons: Sequence[Button] = (),
        files: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Return when everything is shown and confirmed: the text, with the note as its last paragraph and the buttons
        below it, then the files, each a name and its bytes.

        `note`: our sentences, one a line, "" for none. Note and buttons replace those of an earlier call; its files
        stay unless new ones are given. A file that the place does not accept is named in the note; a message whose edit
        is rejected is replaced by another one. Raise `Gone`, `Forbidden` or `Rejected` if the platform refuses (see
        `give_up`), and `Unreachable` if it stays out of reach through all of `back_off_s`: about two minutes.
        """
        self._draft.end(note, buttons, files)
        await self._shown()

    async def give_up(self, note: str, *, buttons: Sequence[Button] = ()) -> None:
        """Stop growing after a refusal (see `broken`): what readers see stays, with the note below it.

        Raise as `finish` does if even that is refused.
        """
        assert self.broken is not None
        assert self._task is not None
        await asyncio.wait([self._task])
        self._draft.leave(self._messages.leave(), note, buttons)
        self.broken, self._ended, self._gives_up = None, False, True
        self._task = self._tasks.start(self._run(), f"reply {self._idempotency_key}, the end of it")
        await self._shown()

    async def _shown(self) -> None:
        self._failures, self._all_seen = 0, False
        self._claim.rank = Rank.LAST
        self._settled.clear()
        self._wake_up()
        self._retry_now.set()
        limits = self._surface.limits
        for scope in (limits.posts.scope, limits.edits.scope):
            self._pacer.reconsider(scope)
        if not self._ended:
            await self._settled.wait()
        if self.broken is not None:
            raise self.broken
        if self._ended and self._task is not None:
            await self._task

    def _wake_up(self) -> None:
        """Let the task compare desired and actual state again; an END that is waiting is abandoned for that."""
        self._wake.set()
        if self._interruptible is not None:
            self._interruptible.reschedule(asyncio.get_running_loop().time())
            self._interruptible = None

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                calls = await self._more_text() or await self._next()
                if calls:
                    await self._perform_first(calls)
                    continue
                if self._draft.done:
                    self._settled.set()
                await self._wait_for_change()
        except PlatformError as error:
            log.warning("reply_broken", turn=str(self._turn), error=type(error).__name__, detail=error.detail)
            self.broken = error
        finally:
            self._ended = True
            self._settled.set()

    async def _next(self) -> list[NextCall]:
        """Return the next call for the text as it is now, and the one that may go first if that has to wait."""
        desired = await _in_slices(self._draft.desired())
        return next_calls(desired, self._messages.screen, self._surface.limits)

    async def _more_text(self) -> list[NextCall]:
        """Return the edit that adds text to the last page if that is all there is to do; the page is rendered only when
        the edit may be sent. The list is empty if only `_next` can tell.
        """
        last = next((shown for shown in reversed(self._messages.screen) if not shown.file), None)
        if last is None or not self._all_seen or not await _in_slices(self._draft.only_grows()):
            return []
        return [NextCall(CallKind.EDIT, last, newest=True)]

    async def _wait_for_change(self) -> None:
        """Wait for more text or the end; while nothing is shown yet, at most until the beginning is late."""
        late_s = None
        if self._begins_s is not None and not self._draft.late and not self._draft.begun:
            late_s = self._begins_s + LATE_AFTER_S
        try:
            async with asyncio.timeout_at(late_s):
                await self._wake.wait()
        except TimeoutError:
            self._draft.late = True

    async def _perform_first(self, calls: Sequence[NextCall]) -> None:
        """Make the first call; if it is an END that is not allowed at once, make the second, which need not wait for
        it.
        """
        first, *others = calls
        if not others:
            await self._perform(first)
        elif not await self._perform(first, at_once=True):
            await self._perform(others[0])

    async def _perform(self, call: NextCall, *, at_once: bool = False) -> bool:
        """Make one call when it is this reply's turn, with the text as it is then. Return whether it was made:
        `at_once` may not be possible, or something more urgent may come up.
        """
        budget = self._budget(call)
        claim = CallClaim(Backlog(), Rank.LAST) if call.kind is CallKind.END else self._claim
        try:
            async with asyncio.timeout(0 if at_once else None) as wait:
                self._interruptible = wait if call.kind is CallKind.END else None
                async with self._pacer.call(budget, claim, instead=self._instead(call)):
                    self._interruptible = None
                    wait.reschedule(None)
                    await self._make_newest(call, budget)
        except TimeoutError:
            if not wait.expired():
                raise
            return False
        except Unreachable as error:
            await self._back_off(error)
        finally:
            self._interruptible = None
        return True

    def _instead(self, call: NextCall) -> Budget | None:
        return self._surface.limits.posts_instead if call.kind is CallKind.POST else None

    def _budget(self, call: NextCall) -> Budget:
        limits = self._surface.limits
        if call.kind is CallKind.END:
            return limits.ends or limits.edits
        return limits.posts if call.kind in {CallKind.POST, CallKind.ATTACH} else limits.edits

    async def _make_newest(self, call: NextCall, budget: Budget) -> None:
        if self._wake.is_set() or not call.rendering.text:
            found = next((newer for newer in await self._next() if self._budget(newer) == budget), None)
            if found is None:
                self._all_seen = False
                give_back()
                return
            call = found
        try:
            await self._make(call)
        except RateLimited as error:
            self._pacer.pause(granted_scope(), error.retry_after_s)

    async def _make(self, call: NextCall) -> None:
        now_s = asyncio.get_running_loop().time
        taken = self._claim.backlog.take(now_s()) if call.newest else Backlog()
        try:
            await self._messages.make(call)
        except PlatformError as error:
            self._claim.backlog.put_back(taken, now_s())
            if not self._forgo(call, error):
                raise
        self._failures, self._all_seen = 0, call.newest
        if not self._draft.done:
            self._draft.note_shown(call.rendering.span.attempt)
            self._claim.rank = Rank.MORE

    def _forgo(self, call: NextCall, error: PlatformError) -> bool:
        """Give up a call that the platform refuses: a rejected edit; a file or a deletion, also after a long time
        without a response. Return whether the call was given up.
        """
        if call.kind in {CallKind.EDIT, CallKind.END} and call.shown is not None:
            final = isinstance(error, Rejected) or (self._gives_up and isinstance(error, Forbidden))
            call.shown.stuck = final
            return final
        patient = isinstance(error, Unreachable) and self._failures < len(self._back_off_s)
        if call.kind not in {CallKind.ATTACH, CallKind.DELETE} or patient or isinstance(error, (RateLimited, Gone)):
            return False
        log.warning("reply_does_without", call=call.kind.name, turn=str(self._turn), detail=error.detail)
        if call.file is not None:
            self._draft.refuse(call.file)
        elif call.shown is not None:
            self._messages.drop(call.shown)
        return True

    async def _back_off(self, error: Unreachable) -> None:
        """Wait before the next attempt. Raise the error if the answer is complete and all waits are used up."""
        if self._draft.done and self._failures >= len(self._back_off_s):
            raise error
        delay_s = self._back_off_s[min(self._failures, len(self._back_off_s) - 1)]
        self._failures += 1
        log.info("platform_unreachable", turn=str(self._turn), detail=error.detail, retry_in_s=delay_s)
        self._retry_now.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._retry_now.wait()


async def _in_slices(work: Work[T]) -> T:
    """Run some work in slices and return its result; other tasks run in between."""
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
