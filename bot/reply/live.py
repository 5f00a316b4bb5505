"""One answer on the screen: a reconciler between the text so far and what the platform has confirmed.

One task makes all calls, one at a time, always with the newest text. Only a confirmed call changes what is taken as
shown, so a lost response, a rate limit or an outage costs time and nothing else.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Unreachable
from bot.events import MessageKey, Part
from bot.ports import PartLog, Surface
from bot.reply.note import noted
from bot.reply.pace import Backlog, Rank
from bot.reply.pacer import Claim, Pacer
from bot.reply.pages import Paginator
from bot.reply.screen import LATE_AFTER_S, Shown, Step, next_step, readable

log = structlog.get_logger()

_BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0)
"""Waits after one failed call and the next; once the answer is whole, running out of them means giving up."""

_LONGEST_MARK = 21
"""Leaves room for a dot and three digits in the 25 characters of a Discord nonce."""


class LiveReply:
    """An answer that grows in place. Used by `async with`, from one task.

        async with LiveReply(surface, pacer, log=store, turn=key, mark="ab12cd34") as reply:
            async for piece in stream:
                reply.write(piece)
            await reply.finish()

    `mark` names the answer to the platform; message i of it is posted with the mark `f"{mark}.{i}"`, at most 25
    characters (Discord docs, resources/message, nonce), or `ValueError` is raised. `parts` are messages an earlier
    process has posted, or was about to: they are edited, or looked for before they are posted. Leaving the block early
    stops all calls.
    """

    def __init__(
        self,
        surface: Surface,
        pacer: Pacer,
        *,
        log: PartLog,
        turn: MessageKey,
        mark: str,
        parts: Sequence[Part] = (),
    ) -> None:
        if len(mark) > _LONGEST_MARK:
            raise ValueError(f"A mark has at most {_LONGEST_MARK} characters, so that a part's has 25: {mark!r}.")
        self._surface = surface
        self._pacer = pacer
        self._log = log
        self._turn = turn
        self._mark = mark
        self._screen = [Shown(f"{mark}.{index}") for index in range(1 + max((p.index for p in parts), default=-1))]
        for part in parts:
            self._screen[part.index] = Shown(part.mark, part.message_id, logged=True, again=not part.message_id)
        self._paginator = Paginator(surface.dialect, surface.limits.page_size)
        self._claim = Claim(Backlog())
        self._first_text_s: float | None = None
        self._note = ""
        self._done = False
        self._wake = asyncio.Event()
        self._still = asyncio.Event()
        self._hurry = asyncio.Event()
        self._late = False
        self._begun = False
        self._ended = False
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self.broken: PlatformError | None = None
        """Why nothing more can be shown, or None."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"reply {self._mark}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (failure := self._task.exception()) is not None and error is None:
            raise failure

    def write(self, piece: str) -> None:
        """Add Claude's next words. Never waits, never raises for the platform: see `broken`."""
        if not piece or self.broken is not None:
            return
        now_s = asyncio.get_running_loop().time()
        self._paginator.add(piece)
        self._claim.backlog.wrote(len(piece), now_s)
        if self._first_text_s is None and not piece.isspace():
            self._first_text_s = now_s
        self._wake.set()

    async def finish(self, note: str = "") -> None:
        """Return when everything is shown and confirmed, the note below it as its last paragraph.

        `note`: one of our sentences, "" for none; it replaces the note of an earlier call. Raises `Gone` or
        `Forbidden` if the platform refuses, `Unreachable` when it stayed away for about two minutes of retries.
        """
        self._note, self._done, self._failures = note, True, 0
        self._claim.rank = Rank.LAST
        self._still.clear()
        self._wake.set()
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

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                step = self._next()
                if step is not None:
                    await self._take(step)
                    continue
                if self._done:
                    self._still.set()
                await self._something_new()
        except PlatformError as error:
            log.warning("reply broken", turn=str(self._turn), error=type(error).__name__, detail=error.detail)
            self.broken = error
        finally:
            self._ended = True
            self._still.set()

    def _next(self) -> Step | None:
        """Return the next call for the text as it is now."""
        pages = self._paginator.pages(done=self._done)
        texts = [page.text for page in pages if page.text.strip()]
        if self._done:
            limits = self._surface.limits
            texts = noted(texts, self._note, self._surface.dialect, limits.page_size)
        elif not self._begun and len(texts) < 2 and not readable("".join(texts), late=self._late):
            return None
        return next_step(texts, self._screen, done=self._done)

    async def _something_new(self) -> None:
        """Wait for more text or the end; for a beginning, until it is late."""
        late_s = None
        if self._first_text_s is not None and not self._late and not self._begun:
            late_s = self._first_text_s + LATE_AFTER_S
        try:
            async with asyncio.timeout_at(late_s):
                await self._wake.wait()
        except TimeoutError:
            self._late = True

    async def _take(self, step: Step) -> None:
        """Make one call when it is this reply's turn, with the text as it is then."""
        limits = self._surface.limits
        budget = limits.posts if step.post else limits.edits
        try:
            async with self._pacer.call(budget, self._claim):
                newest = self._next()
                if newest is None or newest.post is not step.post:
                    return
                try:
                    await self._make(newest)
                except RateLimited as error:
                    self._pacer.pause(budget.scope, error.retry_after_s)
        except Unreachable as error:
            await self._back_off(error)

    async def _make(self, step: Step) -> None:
        now_s = asyncio.get_running_loop().time
        taken = self._claim.backlog.take(now_s()) if step.newest else Backlog()
        try:
            await (self._post(step) if step.post else self._edit(step))
        except PlatformError:
            self._claim.backlog.put_back(taken, now_s())
            raise
        self._begun, self._failures = True, 0
        if not self._done:
            self._claim.rank = Rank.MORE

    async def _post(self, step: Step) -> None:
        if step.index == len(self._screen):
            self._screen.append(Shown(f"{self._mark}.{step.index}"))
        shown = self._screen[step.index]
        if not shown.logged:
            await self._log.posting(self._turn, Part(step.index, shown.mark))
            shown.logged = True
        again, shown.again = shown.again, True
        try:
            message_id = await self._surface.post(step.text, shown.mark, again=again)
        except (RateLimited, Gone, Forbidden):
            shown.again = again
            raise
        # A message that was found may show what an earlier attempt said: its text is not known until an edit.
        shown.message_id, shown.text = message_id, None if again else step.text
        await self._log.posted(self._turn, Part(step.index, shown.mark, message_id))

    async def _edit(self, step: Step) -> None:
        shown = self._screen[step.index]
        shown.text = None  # until it is confirmed, either text may be there
        await self._surface.edit(shown.message_id, step.text)
        shown.text = step.text

    async def _back_off(self, error: Unreachable) -> None:
        """Wait before the next attempt; raises the error when the answer is whole and patience is over."""
        if self._done and self._failures >= len(_BACK_OFF_S):
            raise error
        delay_s = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
        self._failures += 1
        log.info("platform unreachable", turn=str(self._turn), detail=error.detail, retry_in_s=delay_s)
        self._hurry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._hurry.wait()
