"""Buttons below an answer, and reactions that mean the same: stop, retry, continue."""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.engine.inbox.gate import Gate
from bot.engine.inbox.stop import stop_turn
from bot.engine.sentences import GO_ON, NOT_NEWEST, NOT_YOURS, NOTHING_LEFT, RESTARTING
from bot.engine.turns.scheduler import Scheduler
from bot.events import Button, Incoming, MessageKey, Pressed, Reply, Turn, TurnState
from bot.ports import Platform, Store

log = structlog.get_logger()


class PressedHandler:
    """Handles presses, by those who asked or a moderator."""

    def __init__(self, store: Store, gate: Gate, scheduler: Scheduler, platforms: Mapping[str, Platform]) -> None:
        self._store = store
        self._gate = gate
        self._scheduler = scheduler
        self._platforms = platforms
        self._does: Mapping[Button, Callable[[Turn, Pressed], Awaitable[Reply]]] = {
            Button.STOP: self._stop,
            Button.RETRY: self._retry,
            Button.CONTINUE: self._go_on,
        }

    async def handle(self, pressed: Pressed) -> Reply:
        """Do what was pressed. While the bot stops, a stop is obeyed and nothing else begins."""
        turn = await self._turn_of(pressed.message)
        if turn is None:
            return Reply()
        if not self._gate.may_press(turn, pressed.person):
            return Reply(NOT_YOURS)
        log.info("pressed", button=pressed.button, turn=str(turn.key))
        return await self._does[pressed.button](turn, pressed)

    async def _turn_of(self, message: MessageKey) -> Turn | None:
        """Return the turn that a message belongs to. A message just posted is known once its id is stored."""
        turn = await self._store.turns.find(message)
        posting = [run for run in self._scheduler.running_at(message) if run.is_posting] if turn is None else []
        for run in posting:
            await run.posted()
        return await self._store.turns.find(message) if posting else turn

    async def _stop(self, turn: Turn, _: Pressed) -> Reply:
        await stop_turn(turn, self._store, self._scheduler)
        return Reply()

    async def _retry(self, turn: Turn, _: Pressed) -> Reply:
        """Take a turn up again: once, however often that is pressed while it is answered anew."""
        await self._shown(turn)
        if self._scheduler.is_closing:
            return Reply(RESTARTING)
        now = await self._store.turns.find(turn.key)
        if now is None or not now.has_ended:
            return Reply()
        if not now.asked:
            return Reply(NOTHING_LEFT)
        if not (await self._gate.admitted(now)).asked:
            return Reply(NOT_YOURS)
        reopened = await self._store.turns.reopen(turn.key)
        if reopened is not None:
            self._scheduler.put(reopened)
            return Reply()
        now = await self._store.turns.find(turn.key)
        return Reply(NOT_NEWEST if now is not None and now.has_ended else "")

    async def _go_on(self, turn: Turn, pressed: Pressed) -> Reply:
        """Ask Claude to go on, as a question with the key of the pressed message, so that it happens once."""
        await self._shown(turn)
        if self._scheduler.is_closing:
            return Reply(RESTARTING)
        question = Incoming(
            pressed.message,
            turn.questions[0].thread,
            pressed.person,
            GO_ON,
            direct=turn.questions[0].direct,
            group=turn.questions[0].group,
            mentions_bot=True,
            in_thread=True,
            sent_at_s=self._platforms[turn.key.platform].now_s(),
        )
        if await self._store.turns.accept(question):
            self._scheduler.put(Turn((question,), TurnState.ACCEPTED))
        return Reply()

    async def _shown(self, turn: Turn) -> None:
        """Return once an answer is no longer being shown: its buttons appear a moment before its end is stored."""
        if turn.state == TurnState.ANSWERED and not self._scheduler.is_closing:
            await self._scheduler.ended(turn)
