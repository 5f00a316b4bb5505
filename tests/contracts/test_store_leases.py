"""What every store promises of who works at a thread (the port `Turns`): one at a time, and nobody is forgotten."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from contracts.stores import STORES, Opener, answered, ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loop_clock import time_passes

from bot.errors import IllegalTransition, LeaseLost
from bot.events import ENDS, AnswerMessage, Bill, Claim, Incoming, Outcome, TurnState
from bot.ports import Store

LEASE_S = 30.0
PART = AnswerMessage(0, "mark.0", "555")


async def claimed(store: Store, worker: str = "one") -> Claim:
    claim = await store.turns.claim(worker, LEASE_S)
    assert claim is not None
    return claim


async def begun(store: Store, question: Incoming) -> Claim:
    """Accept a question, claim its thread and begin."""
    await store.turns.accept(question)
    claim = await claimed(store)
    await store.turns.begin(claim.turn.questions, epoch=claim.epoch)
    return claim


def messages(claim: Claim) -> list[str]:
    return [question.key.message for question in claim.turn.questions]


# Who gets what


async def test_nothing_is_due_where_nothing_was_asked(store: Store) -> None:
    assert await store.turns.claim("one", LEASE_S) is None


async def test_a_question_is_claimed_once_whoever_asks_for_it(store: Store) -> None:
    await store.turns.accept(ask())
    claims = await asyncio.gather(*(store.turns.claim(f"worker {number}", LEASE_S) for number in range(20)))
    [claim] = [claim for claim in claims if claim is not None]
    assert (claim.turn.questions, claim.turn.state) == ((ask(),), TurnState.ACCEPTED)
    assert (claim.thread, claim.recovered) == (ask().thread, False)


async def test_two_threads_go_to_two_workers_the_one_that_waits_longest_first(store: Store) -> None:
    for number in ("100", "101", "102"):
        await store.turns.accept(ask(number, thread=f"T{number}"))
        time_passes(1.0)
    assert [messages(await claimed(store, worker)) for worker in ("one", "two")] == [["100"], ["101"]]


async def test_what_was_asked_meanwhile_is_answered_as_one_in_the_order_in_which_it_was_said(store: Store) -> None:
    for number in ("1000", "99", "101"):  # as a platform that catches up hands them in
        await store.turns.accept(ask(number))
    claim = await claimed(store)
    assert messages(claim) == ["99", "101", "1000"]
    await store.turns.begin(claim.turn.questions, epoch=claim.epoch)
    turn = await store.turns.find(ask("101").key)
    assert turn is not None
    assert [question.key.message for question in turn.questions] == ["99", "101", "1000"]


async def test_the_order_is_that_of_the_times_whatever_the_ids_look_like(store: Store) -> None:
    late, early = replace(ask("9"), sent_at_s=20.0), replace(ask("1000"), sent_at_s=10.0)
    for question in (late, early):
        await store.turns.accept(question)
    assert messages(await claimed(store)) == ["1000", "9"]


async def test_what_is_asked_while_a_thread_is_held_waits_for_its_turn(store: Store) -> None:
    claim = await begun(store, ask("100"))
    await store.turns.accept(ask("101"))
    assert await store.turns.claim("two", LEASE_S) is None
    await store.turns.end(ask("100").key, TurnState.FAILED, epoch=claim.epoch)
    assert messages(await claimed(store, "two")) == ["101"]


async def test_a_question_may_settle_for_a_moment_and_another_one_ends_that(store: Store) -> None:
    await store.turns.accept(ask("100"), settle_s=2.0)
    assert await store.turns.claim("one", LEASE_S) is None
    await store.turns.accept(ask("101"))
    assert messages(await claimed(store)) == ["100", "101"]
    await store.turns.accept(ask("102", thread="other"), settle_s=2.0)
    time_passes(2.0)
    assert messages(await claimed(store)) == ["102"]


# A lease that runs out


async def test_a_lease_that_ran_out_is_taken_over_with_a_higher_epoch(store: Store) -> None:
    first = await begun(store, ask())
    time_passes(LEASE_S - 1.0)
    assert await store.turns.claim("two", LEASE_S) is None
    time_passes(1.0)
    second = await claimed(store, "two")
    assert second.epoch > first.epoch
    assert (second.turn.state, second.recovered) == (TurnState.ANSWERING, True)


async def test_a_lease_that_is_renewed_does_not_run_out(store: Store) -> None:
    await store.turns.accept(ask("100", thread="other"))
    lost = await claimed(store)
    time_passes(LEASE_S)
    await claimed(store, "two")
    claim = await begun(store, ask("101"))
    for _ in range(5):
        time_passes(LEASE_S - 1.0)
        assert await store.turns.renew([lost, claim], LEASE_S) == {claim.thread}
    await store.drafts.keep(ask("101").key, "so far", epoch=claim.epoch)


async def test_whoever_was_paused_past_the_lease_changes_nothing(store: Store) -> None:
    old = await begun(store, ask())
    time_passes(LEASE_S)
    await claimed(store, "two")
    before = await store.turns.find(ask().key)
    key, epoch = ask().key, old.epoch
    writes: list[Awaitable[Any]] = [
        store.turns.begin([ask()], epoch=epoch),
        store.turns.record(key, Outcome("An answer"), [{"role": "user", "content": "Hello"}], epoch=epoch),
        store.turns.end(key, TurnState.FAILED, epoch=epoch),
        store.messages.posting(key, PART, epoch=epoch),
        store.messages.posted(key, PART, epoch=epoch),
        store.drafts.keep(key, "so far", epoch=epoch),
        store.drafts.rest(key, "so far", tried=True, epoch=epoch),
        store.usage.charge(key, Bill({"discord:1": 5}), epoch=epoch),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            await write
    assert await store.turns.find(key) == before
    assert await store.history.messages(ask().thread) == []
    assert await store.usage.spent("", 0.0) == 0
    assert await store.turns.claim("three", LEASE_S) is None


async def test_nobody_writes_with_a_lease_that_was_given_back(store: Store) -> None:
    claim = await begun(store, ask())
    await store.turns.end(ask().key, TurnState.FAILED, epoch=claim.epoch)
    with pytest.raises(LeaseLost):
        await store.messages.posted(ask().key, PART, epoch=claim.epoch)


async def test_a_restart_is_nothing_but_leases_that_ran_out(opener: Opener) -> None:
    async with opener() as store:
        claim = await begun(store, ask("100"))
        await store.turns.accept(ask("101", thread="other"), settle_s=1000.0)
        await store.turns.accept(ask("102"))
    async with opener() as store:
        one, two = await claimed(store), await claimed(store)
        assert {tuple(messages(one)), tuple(messages(two))} == {("100",), ("101",)}
        assert one.recovered
        assert two.recovered
        held = one if one.thread == claim.thread else two
        assert held.epoch > claim.epoch
        await store.turns.end(ask("100").key, TurnState.FAILED, epoch=held.epoch)
        new = await claimed(store)
        assert (messages(new), new.recovered) == (["102"], True)


# What is tried again


async def test_what_is_tried_in_vain_waits_and_is_tried_again(store: Store) -> None:
    claim = await begun(store, ask())
    await store.drafts.rest(ask().key, "so far", epoch=claim.epoch, due_in_s=15.0, tried=True)
    assert await store.turns.claim("one", LEASE_S) is None
    time_passes(15.0)
    again = await claimed(store)
    assert (again.turn.draft, again.turn.tried, again.recovered) == ("so far", 1, True)


async def test_somebody_who_asks_more_lets_it_be_tried_at_once(store: Store) -> None:
    claim = await begun(store, ask("100"))
    await store.drafts.rest(ask("100").key, "", epoch=claim.epoch, due_in_s=300.0, tried=True)
    await store.turns.accept(ask("101"))
    assert messages(await claimed(store)) == ["100"]


async def test_what_was_tried_twice_in_vain_lets_others_of_its_thread_pass(store: Store) -> None:
    claim = await begun(store, ask("100"))
    for _ in range(2):
        await store.drafts.rest(ask("100").key, "", epoch=claim.epoch, tried=True)
        claim = await claimed(store)
        assert messages(claim) == ["100"]
    await store.turns.accept(ask("101"))
    await store.drafts.rest(ask("100").key, "", epoch=claim.epoch)
    claim = await claimed(store)
    assert messages(claim) == ["101"]
    await store.turns.begin(claim.turn.questions, epoch=claim.epoch)
    await store.turns.end(ask("101").key, TurnState.DELIVERED, epoch=claim.epoch)
    assert messages(await claimed(store)) == ["100"]


async def test_a_turn_that_waits_to_be_tried_again_is_stopped_at_once(store: Store) -> None:
    claim = await begun(store, ask())
    await store.drafts.rest(ask().key, "", epoch=claim.epoch, due_in_s=300.0, tried=True)
    await store.signals.stop(ask().key)
    assert (await claimed(store)).turn.stopping


async def test_a_thread_that_fails_at_once_lets_others_go_first(store: Store) -> None:
    await store.turns.accept(ask("100", thread="a"))
    time_passes(1.0)
    claim = await claimed(store)
    await store.turns.accept(ask("101", thread="b"))
    time_passes(1.0)
    await store.drafts.rest(ask("100", thread="a").key, "", epoch=claim.epoch)
    assert messages(await claimed(store)) == ["101"]


# What people do


Change = Callable[[Store, Incoming], Awaitable[Any]]
CHANGES: dict[str, Change] = {
    "edited": lambda store, question: store.turns.reopen(question.key, replace(question, text="Another")),
    "deleted": lambda store, question: store.turns.forget(question.key),
    "stopped": lambda store, question: store.turns.end(question.key, TurnState.STOPPED),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_people_change_is_nobodys_any_more(store: Store, change: str) -> None:
    claim = await begun(store, ask())
    await CHANGES[change](store, ask())
    with pytest.raises(LeaseLost):
        await store.turns.record(ask().key, Outcome("To what was asked before"), [], epoch=claim.epoch)
    assert (await store.turns.claim("two", LEASE_S) is None) == (change == "stopped")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_of_what_waits_leaves_alone_what_is_answered(store: Store, change: str) -> None:
    claim = await begun(store, ask("100"))
    await store.turns.accept(ask("101"))
    await CHANGES[change](store, ask("101"))
    await store.turns.record(ask("100").key, Outcome("An answer"), [], epoch=claim.epoch)
    await store.turns.end(ask("100").key, TurnState.DELIVERED, epoch=claim.epoch)
    assert (await store.turns.claim("two", LEASE_S) is None) == (change != "edited")


async def test_a_retried_turn_is_due_at_once_and_is_nothing_that_was_left(opener: Opener) -> None:
    async with opener() as store:
        await answered(store, ask(), "An answer")
    async with opener() as store:
        assert await store.turns.claim("one", LEASE_S) is None
        await store.turns.reopen(ask().key)
        claim = await claimed(store)
        assert (claim.turn.state, claim.turn.draft, claim.recovered) == (TurnState.ANSWERING, "An answer", False)


# Whatever happens


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "claim", "begin", "record", "end", "rest", "edit", "forget", "stop", "wait"]),
        st.integers(0, 3),
    ),
    max_size=40,
)


class Workers:
    """Workers who do what they are told with the claims they believe to have."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.claims: list[Claim] = []
        self.asked = 0

    async def do(self, step: str, number: int) -> None:
        turns, claim = self.store.turns, self.claims[number % len(self.claims)] if self.claims else None
        question = ask(str(100 + max(0, self.asked - 1 - number)), thread=str((self.asked - 1 - number) % 2))
        if step == "accept":
            await turns.accept(ask(str(100 + self.asked), thread=str(self.asked % 2)))
            self.asked += 1
        elif step == "claim":
            self.claims += [new] if (new := await turns.claim(f"worker {number}", LEASE_S)) else []
        elif step == "wait":
            time_passes(LEASE_S / 2)
        elif step in {"edit", "forget", "stop"} and self.asked > number:
            change = {"edit": "edited", "forget": "deleted", "stop": "stopped"}[step]
            await CHANGES[change](self.store, question)
        elif claim is not None:
            await self._write(step, claim)

    async def _write(self, step: str, claim: Claim) -> None:
        turns, key = self.store.turns, claim.turn.key
        if step == "begin":
            await turns.begin(claim.turn.questions, epoch=claim.epoch)
        elif step == "record":
            await turns.record(key, Outcome("An answer"), [], epoch=claim.epoch)
        elif step == "end":
            await turns.end(key, TurnState.FAILED, epoch=claim.epoch)
        elif step == "rest":
            await self.store.drafts.rest(key, "", epoch=claim.epoch, due_in_s=10.0, tried=True)

    async def held(self) -> list[Claim]:
        """Return the claims that are still somebody's."""
        return [claim for claim in self.claims if await self.store.turns.renew([claim], LEASE_S)]


@pytest.mark.parametrize("kind", STORES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(steps=STEPS)
async def test_no_thread_has_two_workers_and_no_question_is_forgotten(
    tmp_path_factory: pytest.TempPathFactory, kind: str, steps: list[tuple[str, int]]
) -> None:
    async with STORES[kind](tmp_path_factory.mktemp("store"))() as store:
        workers = Workers(store)
        for step, number in steps:
            try:
                await workers.do(step, number)
            except (LeaseLost, IllegalTransition):
                continue
        threads = [claim.thread for claim in await workers.held()]
        assert len(threads) == len(set(threads))
        time_passes(10 * LEASE_S)  # whatever is held, settles or waits: one worker gets to all of it
        while (claim := await store.turns.claim("the last one", LEASE_S)) is not None:
            await store.turns.begin(claim.turn.questions, epoch=claim.epoch)
            await store.turns.end(claim.turn.key, TurnState.FAILED, epoch=claim.epoch)
        found = [await store.turns.find(ask(str(100 + number)).key) for number in range(workers.asked)]
        assert all(turn is not None and turn.state in ENDS for turn in found)
