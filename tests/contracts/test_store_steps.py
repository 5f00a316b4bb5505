"""What every store promises of the journal of a turn (the port `Steps`)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import Opener, ask
from loop_clock import time_passes

from bot.errors import LeaseLost
from bot.events import Incoming, Outcome, Step, TurnState
from bot.ports import Store

SECRET = "what was said in a step"
TOOL_USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "send", "input": {"to": SECRET}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "sent \ud83d"}]}
FIRST = Step(0, (TOOL_USE, RESULT), {"input_tokens": 12, "output_tokens": 3}, "claude-sonnet-5-5", 0.25)
SECOND = Step(1, (TOOL_USE, RESULT), {"input_tokens": 20}, "claude-opus-5", 1.5)


async def begun(store: Store, question: Incoming) -> None:
    await store.turns.accept(question)
    await store.turns.begin([question])


async def test_the_steps_of_a_turn_come_back_in_order_as_they_were_also_after_a_restart(opener: Opener) -> None:
    async with opener() as store:
        await begun(store, ask("100"))
        await begun(store, ask("101", thread="other"))
        await store.steps.add(ask("100").key, SECOND)
        await store.steps.add(ask("100").key, FIRST)
    async with opener() as store:
        assert await store.steps.of(ask("100").key) == [FIRST, SECOND]
        assert await store.steps.of(ask("101").key) == []


async def test_each_question_of_a_turn_names_its_steps(store: Store) -> None:
    questions = [ask("100"), ask("101")]
    for question in questions:
        await store.turns.accept(question)
    await store.turns.begin(questions)
    await store.steps.add(ask("101").key, FIRST)
    assert await store.steps.of(ask("100").key) == [FIRST]


async def test_a_step_that_is_written_once_more_is_there_once(store: Store) -> None:
    await begun(store, ask())
    await store.steps.add(ask().key, FIRST)
    await store.steps.add(ask().key, replace(FIRST, cost_usd=0.5))
    assert await store.steps.of(ask().key) == [replace(FIRST, cost_usd=0.5)]


async def test_a_turn_that_waits_to_be_tried_again_keeps_its_steps(store: Store) -> None:
    await begun(store, ask())
    await store.steps.add(ask().key, FIRST)
    await store.drafts.rest(ask().key, "so far", tried=True)
    await store.turns.begin([ask()])
    assert await store.steps.of(ask().key) == [FIRST]


ENDINGS: dict[str, Callable[[Store], Awaitable[Any]]] = {
    "recorded": lambda store: store.turns.record(ask().key, Outcome("An answer"), []),
    "failed": lambda store: store.turns.end(ask().key, TurnState.FAILED),
    "edited": lambda store: store.turns.reopen(ask().key, ask(text="Another")),
    "forgotten": lambda store: store.turns.forget(ask().key),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nothing_goes_on_after_the_steps_of_what_is_over(store: Store, tmp_path: Path, ending: str) -> None:
    await begun(store, ask())
    await store.steps.add(ask().key, FIRST)
    await ENDINGS[ending](store)
    assert await store.steps.of(ask().key) == []
    if ending == "forgotten":
        assert not any(SECRET.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


async def test_a_turn_that_is_answered_anew_has_steps_of_its_own(store: Store) -> None:
    await begun(store, ask())
    await store.steps.add(ask().key, FIRST)
    await store.turns.end(ask().key, TurnState.FAILED)
    await store.turns.reopen(ask().key)
    await store.steps.add(ask().key, replace(SECOND, number=0))
    assert await store.steps.of(ask().key) == [replace(SECOND, number=0)]


async def test_whoever_lost_the_lease_writes_no_step(store: Store) -> None:
    await store.turns.accept(ask())
    old = await store.turns.claim("one", 30.0)
    assert old is not None
    await store.turns.begin(old.turn.questions, epoch=old.epoch)
    await store.steps.add(ask().key, FIRST, epoch=old.epoch)
    time_passes(30.0)
    new = await store.turns.claim("two", 30.0)
    assert new is not None
    with pytest.raises(LeaseLost):
        await store.steps.add(ask().key, SECOND, epoch=old.epoch)
    assert await store.steps.of(ask().key) == [FIRST]


async def test_a_turn_that_was_never_accepted_has_no_steps(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.steps.add(ask().key, FIRST)
    with pytest.raises(KeyError):
        await store.steps.of(ask().key)
