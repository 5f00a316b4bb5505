"""What every store promises of what was used, and by whom (the port `Usage`)."""

import time

from contracts.stores import Opener, ask

from bot.events import Bill, Outcome
from bot.ports import Store


async def test_what_was_reserved_counts_until_it_is_settled_and_then_what_it_cost(opener: Opener) -> None:
    async with opener() as store:
        await store.turns.accept(ask())
        number = await store.usage.charge(ask().key, Bill({"discord:1": 6000, "discord:2": 2000}))
        assert [await store.usage.spent(who, 0.0) for who in ("discord:1", "discord:2", "")] == [6000, 2000, 8000]
        await store.usage.charge(ask().key, Bill({"discord:1": 900, "discord:2": 300}, {"input_tokens": 1200}, number))
        assert [await store.usage.spent(who, 0.0) for who in ("discord:1", "discord:2", "")] == [900, 300, 1200]
    async with opener() as store:
        assert await store.usage.spent("", 0.0) == 1200


async def test_each_bill_has_a_number_of_its_own(store: Store) -> None:
    await store.turns.accept(ask())
    numbers = [await store.usage.charge(ask().key, Bill({"discord:1": 10})) for _ in range(3)]
    assert len({*numbers, 0}) == 4
    assert await store.usage.spent("discord:1", 0.0) == 30


async def test_what_comes_with_an_outcome_replaces_what_was_reserved(store: Store) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    number = await store.usage.charge(ask().key, Bill({"discord:1": 6000}))
    await store.turns.record(
        ask().key, Outcome("An answer"), [], Bill({"discord:1": 900}, {"input_tokens": 900}, number)
    )
    assert await store.usage.spent("discord:1", 0.0) == 900


async def test_what_was_used_before_a_time_does_not_count_after_it(store: Store) -> None:
    await store.turns.accept(ask())
    before_s = time.time() - 1.0
    await store.usage.charge(ask().key, Bill({"discord:1": 10}))
    assert await store.usage.spent("discord:1", before_s) == 10
    assert await store.usage.spent("discord:1", before_s + 86400.0) == 0
    assert await store.usage.spent("slack:1", before_s) == 0


async def test_when_so_many_tokens_were_used_is_known_or_that_they_were_not(store: Store) -> None:
    await store.turns.accept(ask())
    before_s = time.time() - 1.0
    for _ in range(3):
        await store.usage.charge(ask().key, Bill({"discord:1": 10}))
    for person in ("discord:1", ""):
        times = [await store.usage.spent_at_s(person, before_s, tokens) for tokens in (1, 10, 11, 30)]
        assert before_s < times[0] == times[1] <= times[2] <= times[3] <= time.time() + 1.0
        assert await store.usage.spent_at_s(person, before_s, 31) == 0.0


async def test_an_account_of_a_place_says_once_more_what_persons_pay(store: Store) -> None:
    await store.turns.accept(ask())
    number = await store.usage.charge(
        ask().key, Bill({"discord:1": 600, "@channel=C": 600, "@channel=C discord:1": 600})
    )
    for paid in (600, 900):
        bill = Bill({"discord:1": paid, "@channel=C": paid, "@channel=C discord:1": paid}, number=number)
        await store.usage.charge(ask().key, bill)
        for account in ("", "discord:1", "@channel=C", "@channel=C discord:1"):
            assert [await store.usage.spent(account, since_s) for since_s in (0.0, time.time() - 3600)] == [paid, paid]
            assert await store.usage.spent_at_s(account, 0.0, paid) > 0
            assert await store.usage.spent_at_s(account, 0.0, paid + 1) == 0
