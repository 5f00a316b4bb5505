"""Whatever is asked of a store in whatever order, a turn only goes along the table of its states (the port `Turns`)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from contracts.stores import STORES, ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import IllegalTransition
from bot.events import ENDS, TRANSITIONS, Incoming, Outcome, TurnState
from bot.ports import Store

Operation = Callable[[Store, Incoming], Awaitable[Any]]

OPERATIONS: dict[str, Operation] = {
    "begin": lambda store, question: store.turns.begin([question]),
    "record": lambda store, question: store.turns.record(question.key, Outcome("An answer"), []),
    "reopen": lambda store, question: store.turns.reopen(question.key),
    "edit": lambda store, question: store.turns.reopen(question.key, replace(question, text="Another")),
    "forget": lambda store, question: store.turns.forget(question.key),
    "stop": lambda store, question: store.signals.stop(question.key),
    "rest": lambda store, question: store.drafts.rest(question.key, "so far"),
    **{f"end as {state}": lambda store, question, state=state: store.turns.end(question.key, state) for state in ENDS},  # type: ignore[misc]
}


async def state_of(store: Store) -> TurnState:
    turn = await store.turns.find(ask().key)
    assert turn is not None
    return turn.state


@pytest.mark.parametrize("kind", STORES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(done=st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=12))
async def test_a_turn_goes_along_the_table_and_no_other_way(
    tmp_path_factory: pytest.TempPathFactory, kind: str, done: list[str]
) -> None:
    async with STORES[kind](tmp_path_factory.mktemp("store"))() as store:
        await store.turns.accept(ask())
        state = TurnState.ACCEPTED
        for operation in done:
            try:
                await OPERATIONS[operation](store, ask())
            except IllegalTransition:
                assert await state_of(store) is state
            after = await state_of(store)
            assert after is state or after in TRANSITIONS[state]
            state = after


@pytest.mark.parametrize("end", ENDS)
async def test_what_has_ended_does_not_end_otherwise_and_is_not_recorded(store: Store, end: TurnState) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    await store.turns.end(ask().key, end)
    before = await store.turns.find(ask().key)
    for other in set(ENDS) - {end}:
        with pytest.raises(IllegalTransition):
            await store.turns.end(ask().key, other)
    with pytest.raises(IllegalTransition):
        await store.turns.record(ask().key, Outcome("Too late"), [{"role": "user", "content": "Too late"}])
    assert await store.turns.find(ask().key) == before
    assert await store.history.messages(ask().thread) == []


def test_every_state_is_reached_and_left() -> None:
    assert set(TRANSITIONS) == set(TurnState)
    reached = {state for ways in TRANSITIONS.values() for state in ways}
    assert reached == set(TurnState) - {TurnState.ACCEPTED}
    assert all(TRANSITIONS.values())
