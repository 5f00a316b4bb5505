"""How a turn without a whole answer ends: what was shown stays, and one sentence says why there is no more."""

from collections.abc import Awaitable
from dataclasses import replace

import structlog

from bot.engine.answer.claude_turn import AnswerContext, show_written
from bot.engine.answer.outcome import Answer, broken_off_answer
from bot.engine.answer.verdict import DONE, Verdict, What, known_of, say, verdict_of
from bot.engine.patience import patiently
from bot.engine.sentences import ANEW, DELETED, GIVEN_UP, LATE, NOT_YOU, is_anew
from bot.engine.turns.running_turn import RunningTurn
from bot.events import Bill, Button, Turn, TurnState
from bot.places import Places
from bot.ports import History, Turns
from bot.reply import LiveReply
from bot.telemetry import Emit, TurnEnded

log = structlog.get_logger()

_MOST_BLAME = 1.9
"""A turn that ran alone when two processes died is not tried again; two halves and a whole count as much."""


async def judged(run: RunningTurn, work: Awaitable[Verdict], during: Verdict = DONE) -> Verdict:
    """Return the verdict of some work at a turn; any error it fails with becomes one."""
    try:
        return await work
    except Exception as error:
        verdict = verdict_of(error, during, endless=run.turn.questions[0].is_endless)
        known = known_of(error)
        if known is None:
            log.exception("turn_failed", verdict=verdict.what.value)
        else:
            happened, details = known
            place, kind = str(run.thread), type(error).__name__
            log.warning(happened, verdict=verdict.what.value, place=place, error=kind, **details)
        return verdict


class Endings:
    """Ends turns. Holds no state of a turn."""

    def __init__(self, turns: Turns, history: History, places: Places, emit: Emit) -> None:
        self._emit = emit
        self._turns = turns
        self._history = history
        self._places = places

    async def begin(self, run: RunningTurn) -> None:
        """Record that a turn is being answered."""
        await patiently(self._turns.begin, run.turn.questions)
        run.begun()

    async def end(self, run: RunningTurn, state: TurnState) -> None:
        """End a turn for good."""
        await patiently(self._turns.end, run.turn.key, state)
        turn = run.turn
        person = f"{turn.key.platform}:{turn.questions[0].author.id}"
        self._emit(TurnEnded(str(turn.key), state, person, len(turn.questions), run.known_for_s))

    async def record(self, run: RunningTurn, answer: Answer, bill: Bill | None = None) -> None:
        """Record the outcome of a turn, and what it ran with."""
        outcome = replace(answer.outcome, ran_with=self._places.profile_of_turn(run.turn).record())
        await patiently(self._turns.record, run.turn.key, outcome, answer.messages, bill=bill)
        run.recorded(outcome)

    async def without_claude(self, run: RunningTurn, place: AnswerContext) -> Verdict | None:
        """Return the verdict for a turn that needs no request to Claude; None if Claude is to be asked."""
        if run.refused:
            return await self._turn_away(run, place.reply)
        if await self._begins_anew(run):
            await place.reply.finish(ANEW)
            await self.end(run, TurnState.DELIVERED)
            return DONE
        if run.expired(place.platform.now_s()):
            await self.begin(run)
            return say(LATE)
        if is_purged(run.turn):
            return await self._take_back(run, place.reply)
        return await self._give_up(run) if is_hopeless(run.turn) else None

    async def carry_out(self, run: RunningTurn, reply: LiveReply, verdict: Verdict) -> Verdict:
        """Carry out a verdict and any that follows from it; return `DONE` if the turn has ended, else `WAITS`."""
        if verdict.is_open:
            verdict = await self._with_what_was_written(run, reply, verdict)
        while verdict.is_open:
            verdict = await judged(run, self._tell(run, reply, verdict), verdict)
        return verdict

    async def _with_what_was_written(self, run: RunningTurn, reply: LiveReply, verdict: Verdict) -> Verdict:
        """Record the answer so far. Return the verdict with everything that is said below it."""
        nobody_asks = not run.turn.asked  # of a turn without a question the history keeps nothing
        if run.turn.outcome is not None or nobody_asks or not run.written.text.strip():
            return verdict
        answer = broken_off_answer(run, verdict.sentence)
        if verdict.what is What.SAY:
            show_written(run, reply)
        await self.record(run, answer)
        return replace(verdict, sentence=answer.outcome.note) if verdict.what is What.SAY else verdict

    async def _tell(self, run: RunningTurn, reply: LiveReply, verdict: Verdict) -> Verdict:
        said = True
        if verdict.what is What.SAY:
            await reply.finish(verdict.sentence, buttons=(Button.RETRY,))
        elif verdict.what is What.LEAVE and reply.broken is not None:
            await reply.give_up(verdict.sentence, buttons=(Button.RETRY,))
        else:
            said = False
        await self.end(run, TurnState.FAILED if said else verdict.unsaid)
        return DONE

    async def _turn_away(self, run: RunningTurn, reply: LiveReply) -> Verdict:
        """End a turn whose askers may no longer speak to the bot: what was shown stays, and says so."""
        if run.turn.parts:
            if run.written.text.strip():
                show_written(run, reply)
            await reply.finish(NOT_YOU)
        await self.begin(run)
        await self.end(run, TurnState.STOPPED)
        return DONE

    async def _begins_anew(self, run: RunningTurn) -> bool:
        """Begin a conversation anew if somebody asked for it; return whether nothing else was asked. What else was
        asked belongs to the new one.
        """
        words = frozenset([question.key for question in run.turn.asked if is_anew(question)])
        if not words or run.turn.outcome is not None:
            return False
        await self.begin(run)
        await patiently(self._history.restart, run.thread)
        run.leave_out(words)
        return not run.turn.asked

    async def _take_back(self, run: RunningTurn, reply: LiveReply) -> Verdict:
        """Replace what was shown of an answer by a line that says that the question is gone."""
        if run.turn.parts:
            await reply.finish(DELETED)
        await self.end(run, TurnState.STOPPED)
        log.info("turn_stopped_question_deleted")
        return DONE

    async def _give_up(self, run: RunningTurn) -> Verdict:
        """Give up a turn that processes died of: only saying so is tried again, and in the end not even that."""
        log.error("turn_given_up", deaths=run.turn.blame)
        await self.begin(run)
        if run.turn.blame > 2 * _MOST_BLAME:
            run.forget_written()
        return say(GIVEN_UP) if run.turn.blame <= 3 * _MOST_BLAME else Verdict(What.END)


def is_hopeless(turn: Turn) -> bool:
    """Return whether as many processes died of a turn as may; a turn that only has to be delivered gets more."""
    return turn.blame > (_MOST_BLAME if turn.outcome is None else 2 * _MOST_BLAME)


def is_purged(turn: Turn) -> bool:
    """Return whether all the questions of a begun turn are deleted, and no answer is recorded or none was seen."""
    unseen = turn.state == TurnState.ANSWERED and not any(part.message_id for part in turn.parts)
    return (turn.state == TurnState.ANSWERING or unseen) and not turn.asked
