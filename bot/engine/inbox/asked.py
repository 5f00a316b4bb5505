"""Handles messages: one that is for the bot is accepted and put in its thread's line."""

from dataclasses import replace

import structlog

from bot.engine.inbox.admit import is_addressed
from bot.engine.inbox.gate import Gate
from bot.engine.inbox.recent_messages import RecentMessages
from bot.engine.inbox.stop import stop_turn
from bot.engine.sentences import is_stop
from bot.engine.turns.line import expires_at_s
from bot.engine.turns.scheduler import Scheduler
from bot.errors import Stopping
from bot.events import Incoming, Reply, Turn, TurnState
from bot.places import Places
from bot.ports import Store

log = structlog.get_logger()


class AskedHandler:
    """Handles messages. A question first received `late_after_s` seconds after it was asked gets one line."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        places: Places,
        scheduler: Scheduler,
        recent: RecentMessages,
        *,
        late_after_s: float,
    ) -> None:
        self._store = store
        self._gate = gate
        self._places = places
        self._scheduler = scheduler
        self._recent = recent
        self._late_after_s = late_after_s

    async def handle(self, question: Incoming) -> Reply:
        """Accept a message that is for the bot, from someone who may speak to it; ignore any other.

        Raise `Stopping` if the bot begins no more turns and the message must be delivered again.
        """
        if not is_addressed(question, known_thread=await self._follows(question)):
            self._recent.add(question)
            return Reply()
        if sentence := self._gate.refusal(question):
            return await self._gate.told(question, sentence)
        question = replace(question, said_before=self._recent.before(question))
        stops = self._stopped_by(question)
        if self._scheduler.is_closing and stops is None:
            raise Stopping("The bot is stopping.")
        if not await self._store.turns.accept(question):
            return Reply()
        if stops is not None:
            await stop_turn(stops, self._store, self._scheduler)
            await self._store.turns.end(question.key, TurnState.STOPPED)
            return Reply()
        log.info("question_accepted", message=str(question.key))
        turn = Turn((question,), TurnState.ACCEPTED)
        self._scheduler.put(turn, expires_at_s=expires_at_s(turn, self._late_after_s))
        return Reply()

    async def _follows(self, question: Incoming) -> bool:
        """Return whether the bot reads messages without a mention in this thread; a "stop" always counts."""
        if not question.in_thread:
            return False
        if self._places.profile_of(question).mention_in_threads and not (
            is_stop(question.text) and self._scheduler.current(question.thread)
        ):
            return False
        return await self._store.questions.knows(question.thread)

    def _stopped_by(self, message: Incoming) -> Turn | None:
        """Return the turn that a message stops, if it is nothing but the word for that."""
        turn = self._scheduler.current(message.thread) if is_stop(message.text) else None
        return turn if turn is not None and self._gate.may_press(turn, message.author) else None
