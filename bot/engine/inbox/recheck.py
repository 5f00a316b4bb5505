"""What became of questions while nobody listened: people edit and delete, and no platform reports it later."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import structlog

from bot.engine.patience import patiently
from bot.errors import PlatformError, RateLimited
from bot.events import Deleted, Edited, Incoming, Turn, TurnState
from bot.ports import Platform, Questions, Turns
from bot.tasks import Tasks

log = structlog.get_logger()

_SINCE_S = 86400.0
"""Nobody who changes an older question waits for another answer."""
_MOST = 200
_EVERY_S = 3.0
"""Twenty a minute: Slack allows fifty reads of threads a minute, and answers need some of them."""
_SLOW_S = 30.0
"""A platform that asks for such a wait allows one read a minute (an app distributed outside Slack's Marketplace)."""


def is_same(one: Incoming, other: Incoming) -> bool:
    """Return whether two states of a message say the same."""
    return (one.text, [u.id for u in one.uploads]) == (other.text, [u.id for u in other.uploads])


async def current_turn(turns: Turns, platform: Platform, turn: Turn) -> Turn | None:
    """Return an unanswered turn of an earlier process with its questions as they stand now; update the store, too.

    Return None if no waiting question is left. A question that cannot be looked up counts as it was.
    """
    changed = False
    for question in turn.questions:
        try:
            now = await platform.current(question)
        except PlatformError as error:
            log.info("question_not_looked_up", message=str(question.key), reason=error.detail)
            continue
        except Exception:  # a platform that answers in a way nobody has seen before must not make a question vanish
            log.exception("question_not_looked_up", message=str(question.key))
            continue
        if now is None:
            await patiently(turns.forget, question.key)
        elif not is_same(now, question):
            await patiently(turns.reopen, question.key, now)
        else:
            continue
        log.info("question_changed_meanwhile", message=str(question.key), deleted=now is None)
        changed = True
    return await as_stored(turns, turn) if changed else turn


async def as_stored(turns: Turns, turn: Turn) -> Turn | None:
    """Return a turn as the store has it now, None if it has ended. While it is only accepted, each of its questions is
    a turn of its own: only those that wait are kept.
    """
    found = [one for q in turn.questions if (one := await patiently(turns.find, q.key)) and not one.has_ended]
    begun = next((one for one in found if one.state != TurnState.ACCEPTED), None)
    if begun is not None or not found:
        return begun
    return replace(turn, questions=tuple(question for one in found for question in one.questions))


class Recheck:
    """Looks up the latest questions of a platform again, one after the other, and hands in what became of them."""

    def __init__(
        self,
        questions: Questions,
        platforms: Mapping[str, Platform],
        handle: Callable[[Edited | Deleted], Awaitable[object]],
    ) -> None:
        self._questions = questions
        self._platforms = platforms
        self._hear = handle
        self._tasks = Tasks()
        self._looking: dict[str, asyncio.Task[None]] = {}

    def begin(self, platform: str) -> None:
        """Begin, or begin again, with a platform's newest question."""
        if before := self._looking.get(platform):
            before.cancel()
        self._looking[platform] = self._tasks.start(self._look(platform), f"look-back-{platform}")

    async def close(self) -> None:
        """Stop; skip the rest."""
        await self._tasks.close()

    async def _look(self, name: str) -> None:
        platform = self._platforms[name]
        try:
            for question in await self._questions.lately(name, time.time() - _SINCE_S, _MOST):
                await self._look_at(platform, question)
                await asyncio.sleep(_EVERY_S)
        except RateLimited as error:
            log.info("recheck_ended_early", platform=name, reason=error.detail)
        except Exception:
            log.exception("recheck_failed", platform=name)  # what was changed counts as it was asked

    async def _look_at(self, platform: Platform, question: Incoming) -> None:
        """Hand in what became of one question. Raises `RateLimited` if going on would take hours."""
        try:
            now = await platform.current(question)
        except RateLimited as error:
            if error.retry_after_s >= _SLOW_S:
                raise
            await asyncio.sleep(error.retry_after_s)
            return
        except PlatformError as error:
            log.info("question_not_looked_up", message=str(question.key), reason=error.detail)
            return
        if now is None:
            await self._hear(Deleted(question.key))
        elif not is_same(now, question):
            await self._hear(Edited(now))
