"""One turn, from its questions to its delivered answer. `Answerer.answer` reads as the design's steps 6 to 9."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace

import structlog

from bot.claude import ClaudeError
from bot.engine.answer.budget import OverBudget
from bot.engine.answer.claude_turn import AnswerContext, ClaudeTurn, show_written
from bot.engine.answer.kept import kept
from bot.engine.answer.outcome import Answer, broken_off_answer
from bot.engine.answer.status import Status, working
from bot.engine.inbox.gate import Gate
from bot.engine.inbox.recheck import as_stored, current_turn
from bot.engine.patience import patiently
from bot.engine.sentences import (
    ANEW,
    DELETED,
    GIVEN_UP,
    LATE,
    NOT_TAKEN,
    NOT_YOU,
    OUR_FAULT,
    WAITING,
    WAITS,
    WAITS_FOR_YOURS,
    is_anew,
    sentence_for,
)
from bot.engine.turns.concurrency import ConcurrencyLimit, Whose
from bot.engine.turns.running_turn import RunningTurn, Written
from bot.errors import Gone, PlatformError, StoreError, Unreachable
from bot.events import AnswerMessage, Bill, Button, MessageKey, Outcome, Turn, TurnState
from bot.places import Places, Profile
from bot.ports import PartLog, Platform, Store, Surface
from bot.reply import BACK_OFF_S, LiveReply, Pacer

log = structlog.get_logger()

_MOST_BLAME = 1.9
"""A turn that was alone at work when two processes died is not tried again; two halves and a whole are as much."""


class Answerer:
    """Answers turns. Holds no state of a turn: one object serves all threads at once. `back_off_s`: see `LiveReply`."""

    def __init__(
        self,
        store: Store,
        claude_turn: ClaudeTurn,
        platforms: Mapping[str, Platform],
        pacer: Pacer,
        slots: ConcurrencyLimit,
        *,
        places: Places,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        self._store = store
        self._claude_turn = claude_turn
        self._platforms = platforms
        self._pacer = pacer
        self._concurrency = slots
        self._places = places
        self._back_off_s = back_off_s

    async def answer(self, run: RunningTurn, gate: Gate) -> Turn | None:
        """Answer a turn, or only deliver it if it was answered before. `gate`: it is passed by what is not new.

        Afterwards the turn is delivered, failed or stopped. But if its platform stays out of reach, or something went
        wrong that could not be shown, it is returned as the store has it, to be tried again. Cancelled, it is as the
        store last saw it, and so is what was written of its answer.
        """
        platform = self._platforms.get(run.turn.key.platform)
        if platform is None:
            log.warning("turn waits: its platform is not connected", turn=str(run.turn.key))
            return None
        if not await self._still_asked(run, platform, gate):
            return None
        try:
            await self._attempt(run, platform)
        except asyncio.CancelledError:
            await self.rest(run)
            raise
        except Unreachable as error:
            log.warning("turn waits: its platform cannot be reached", detail=error.detail)
        except Exception:
            log.exception("turn waits: something went wrong")
        else:
            return None
        await self.rest(run)
        return await as_stored(self._store.turns, run.turn)

    async def rest(self, run: RunningTurn) -> None:
        """Keep what there is of an answer, and that whatever happens to this process now is not its turn's fault."""
        if not run.started:
            return
        try:
            await self._store.drafts.rest(run.turn.key, "" if run.turn.outcome else run.written.text)
        except StoreError as error:
            log.warning("what was written is not kept", detail=error.detail)

    async def _attempt(self, run: RunningTurn, platform: Platform) -> None:
        """Bring a turn to an end. Raises `Unreachable` if that could not be shown."""
        surface = platform.surface(run.turn.questions[0])
        status = Status()
        parts = _Parts(self._store.messages, run, status)
        idempotency_key = await patiently(self._store.messages.idempotency_key, run.turn.key)
        async with self._reply(run, kept(surface, self._store.drafts, run), parts, idempotency_key) as reply:
            try:
                await self._carry_out(run, AnswerContext(platform, surface, reply, status, self._profile(run.turn)))
            except ClaudeError as error:
                known = {
                    "host": error.host,
                    "reason": str(error),
                    "status": error.status,
                    "request_id": error.request_id,
                }
                log.warning("claude failed", error=type(error).__name__, tried=error.tried, **known)
                await self._settle(run, reply, sentence_for(error, endless=run.turn.questions[0].is_endless))
            except OverBudget as error:
                log.info("over budget", detail=error.detail)
                await self._settle(run, reply, error.sentence)
            except (Unreachable, StoreError):
                raise
            except PlatformError as error:
                await self._undeliverable(run, reply, error)
            except Exception:
                log.exception("turn failed")
                await self._settle(run, reply, OUR_FAULT)

    async def _carry_out(self, run: RunningTurn, place: AnswerContext) -> None:
        reply = place.reply
        if run.refused:
            await self._turn_away(run, reply)
        elif await self._begins_anew(run):
            await reply.finish(ANEW)
            await patiently(self._store.turns.end, run.turn.key, TurnState.DELIVERED)
        elif run.expired(place.platform.now_s()):
            await patiently(self._store.turns.begin, run.turn.questions)
            await self._settle(run, reply, LATE)
        elif is_purged(run):
            await self._take_back(run, reply)
        elif is_hopeless(run.turn):
            await self._give_up(run, reply)
        else:
            await self._in_a_place(run, place)

    async def _still_asked(self, run: RunningTurn, platform: Platform, gate: Gate) -> bool:
        """Look whether a turn that was begun before, or left by an earlier process, is still to be answered, as it was
        asked, and to somebody who may still speak to the bot.
        """
        now: Turn | None = run.turn
        if run.recovered or run.turn.state != TurnState.ACCEPTED:
            now = await as_stored(self._store.turns, run.turn)
        if run.recovered and now is not None and now.outcome is None:
            now = await current_turn(self._store.turns, platform, now)
        if now is not None and now.outcome is None and now.asked and (run.recovered or now.state != TurnState.ACCEPTED):
            now = await gate.admitted(now)
            run.refused = not now.asked
        run.take(now or run.turn)
        return now is not None

    def _reply(
        self, run: RunningTurn, surface: Surface, parts: "_Parts", idempotency_key: str
    ) -> AbstractAsyncContextManager[LiveReply]:
        seen = any(part.message_id for part in run.turn.parts)
        return LiveReply(
            surface,
            self._pacer,
            log=parts,
            turn=run.turn.key,
            idempotency_key=idempotency_key,
            parts=run.turn.parts,
            shown=(run.turn.outcome.answer if run.turn.outcome else run.turn.draft) if seen else None,
            most_pages=self._profile(run.turn).answer_pages,
            back_off_s=self._back_off_s,
        )

    def _profile(self, turn: Turn) -> Profile:
        """Return what a turn runs with: what holds for the first of its questions that is still there."""
        return self._places.profile_of((turn.asked or turn.questions)[0])

    async def _in_a_place(self, run: RunningTurn, place: AnswerContext) -> None:
        platform, surface, reply = place.platform, place.surface, place.reply
        asker = f"{run.turn.key.platform}:{run.turn.questions[0].author.id}"

        async def say_so(whose: Whose) -> None:
            reply.set_activity(WAITS_FOR_YOURS if whose == "own" else WAITS)
            if surface.limits.append_only:  # there no line can be taken away again
                await surface.status(platform.traits.status.format(WAITING))

        async with AsyncExitStack() as stack:
            async with run.until_stopped():  # what is stopped needs no place: it asks Claude for nothing
                await stack.enter_async_context(self._concurrency.acquire(asker, on_wait=say_so))
            run.started = True
            reply.set_activity("")
            async with working(place.status, surface, platform.traits.status):
                await self._steps(run, place)

    async def _steps(self, run: RunningTurn, place: AnswerContext) -> None:
        outcome = run.turn.outcome
        if outcome is not None:
            await patiently(self._store.turns.begin, run.turn.questions)
            place.reply.write(outcome.answer)
        else:
            await patiently(self._store.turns.begin, run.turn.questions)
            outcome = await self._ask(run, place)
        files = await self._files(outcome)
        await place.reply.finish(outcome.note, buttons=outcome.buttons, files=files)
        await patiently(self._store.turns.end, run.turn.key, outcome.state)
        log.info("turn delivered", state=outcome.state)

    async def _ask(self, run: RunningTurn, place: AnswerContext) -> Outcome:
        """Return what Claude answered, once that, what it adds to the history and what it cost is on disk."""
        async with self._claude_turn.account(run) as account:
            answer = await self._claude_turn.generate(run, place, account)
            await self._record(run, answer, account.bill())
            account.is_settled = True
        return answer.outcome

    async def _record(self, run: RunningTurn, answer: Answer, bill: Bill | None = None) -> None:
        await patiently(self._store.turns.record, run.turn.key, answer.outcome, answer.messages, bill=bill)
        run.turn = replace(run.turn, state=TurnState.ANSWERED, outcome=answer.outcome)

    async def _files(self, outcome: Outcome) -> list[tuple[str, bytes]]:
        return [(file.name, (await patiently(self._store.history.blob, file.sha256))[0]) for file in outcome.files]

    async def _settle(self, run: RunningTurn, reply: LiveReply, sentence: str) -> None:
        """What was shown stays, in the history too; the sentence says why there is no more."""
        if run.turn.outcome is None and run.written.text.strip():
            show_written(run, reply)
            answer = broken_off_answer(run, sentence)
            await self._record(run, answer)
            sentence = answer.outcome.note
        try:
            await reply.finish(sentence, buttons=(Button.RETRY,))
        except Unreachable:
            raise
        except PlatformError as error:
            log.warning("the reason could not be shown yet", error=type(error).__name__, detail=error.detail)
            await _give_up(run, reply, sentence)
        except Exception:
            log.exception("the reason could not be shown")
        await patiently(self._store.turns.end, run.turn.key, TurnState.FAILED)

    async def _begins_anew(self, run: RunningTurn) -> bool:
        """Begin a conversation anew if somebody said so; say whether nothing else was said. What was said along with it
        belongs to the new one.
        """
        turn = run.turn
        words = frozenset([question.key for question in turn.asked if is_anew(question)])
        if not words or turn.outcome is not None:
            return False
        await patiently(self._store.turns.begin, turn.questions)
        await patiently(self._store.history.restart, turn.questions[0].thread)
        run.turn = replace(turn, deleted=turn.deleted | words)
        return not run.turn.asked

    async def _turn_away(self, run: RunningTurn, reply: LiveReply) -> None:
        """Nobody who asked may speak to the bot any more: what was shown stays, and says so."""
        if run.turn.parts:
            if run.written.text.strip():
                show_written(run, reply)
            await reply.finish(NOT_YOU)
        await patiently(self._store.turns.begin, run.turn.questions)
        await patiently(self._store.turns.end, run.turn.key, TurnState.STOPPED)

    async def _give_up(self, run: RunningTurn, reply: LiveReply) -> None:
        """Processes died of this turn: nothing is tried again but to say so, and in the end not even that."""
        turn = run.turn
        log.error("turn is given up: processes died while they worked at it", deaths=turn.blame)
        await patiently(self._store.turns.begin, turn.questions)
        if turn.blame > 2 * _MOST_BLAME:
            run.written = Written("")
        if turn.blame > 3 * _MOST_BLAME:
            await patiently(self._store.turns.end, turn.key, TurnState.FAILED)
        else:
            await self._settle(run, reply, GIVEN_UP)

    async def _take_back(self, run: RunningTurn, reply: LiveReply) -> None:
        """The question is gone: what was shown of an answer gives way to a line that says so."""
        if run.turn.parts:
            await reply.finish(DELETED)
        await patiently(self._store.turns.end, run.turn.key, TurnState.STOPPED)
        log.info("turn stopped: its question was deleted")

    async def _undeliverable(self, run: RunningTurn, reply: LiveReply, error: PlatformError) -> None:
        """What was shown stays, and a sentence says that the platform refused the rest."""
        log.warning("answer could not be delivered", error=type(error).__name__, detail=error.detail)
        if run.turn.outcome is None and run.written.text.strip():
            await self._record(run, broken_off_answer(run, NOT_TAKEN))
        said = await _give_up(run, reply, NOT_TAKEN)
        state = TurnState.STOPPED if isinstance(error, Gone) and not said else TurnState.FAILED
        await patiently(self._store.turns.end, run.turn.key, state)


def is_hopeless(turn: Turn) -> bool:
    """Say whether as many processes died of a turn as may: more than that, if it only has to be delivered."""
    return turn.blame > (_MOST_BLAME if turn.outcome is None else 2 * _MOST_BLAME)


async def _give_up(run: RunningTurn, reply: LiveReply, sentence: str) -> bool:
    """Leave a reply that was refused as it is, with a sentence below it; say whether even that was not refused."""
    if reply.broken is None:
        return False
    try:
        await reply.give_up(sentence, buttons=(Button.RETRY,))
    except Unreachable:
        raise
    except PlatformError as error:
        place = str(run.turn.questions[0].thread)
        log.warning("the reason could not be shown", place=place, error=type(error).__name__, detail=error.detail)
        return False
    return True


def is_purged(run: RunningTurn) -> bool:
    """Say whether all the questions of a begun turn were deleted, and no answer is recorded or none of it was seen."""
    turn = run.turn
    unseen = turn.state == TurnState.ANSWERED and not any(part.message_id for part in turn.parts)
    return (turn.state == TurnState.ANSWERING or unseen) and not turn.asked


class _Parts:
    """The store's part log, of which the status hears when there is something to read, and the run what is posted."""

    def __init__(self, log: PartLog, run: RunningTurn, status: Status) -> None:
        self._log = log
        self._run = run
        self._status = status

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        await patiently(self._log.posting, turn, part)

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        await patiently(self._log.posted, turn, part)
        self._run.post_ended(part.idempotency_key)
        self._status.posted()
