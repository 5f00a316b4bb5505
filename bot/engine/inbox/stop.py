"""Stopping an answer, by a word, a button or a reaction, whatever the answer is doing."""

from bot.engine.turns.scheduler import Scheduler
from bot.events import Turn, TurnState
from bot.ports import Store


async def stop_turn(turn: Turn, store: Store, scheduler: Scheduler) -> None:
    """Stop a turn. One that is being answered keeps what was written; one that waits does not begin."""
    thread = turn.questions[0].thread
    running = scheduler.running(thread)
    if running and running.turn.key in {question.key for question in turn.questions}:
        running.stop()
        for question in running.turn.questions:  # before it is begun, each is a turn of its own
            await store.signals.stop(question.key)
    elif turn.state == TurnState.ACCEPTED and not turn.parts:
        if scheduler.take_out(thread, turn.key) or scheduler.is_closing:
            await store.turns.end(turn.key, TurnState.STOPPED)
    elif turn.state in {TurnState.ACCEPTED, TurnState.ANSWERING}:
        await store.signals.stop(turn.key)
        scheduler.hurry(thread)
