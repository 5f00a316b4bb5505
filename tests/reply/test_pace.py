"""The pacer's decisions as values, and the pacer in virtual time."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import run

from bot.events import Budget
from bot.reply import Pacer
from bot.reply.pace import Backlog, Bid, Bucket, Decision, Rank, decide, finished, paused, started, steady_gap_s
from bot.reply.pacer import Claim

FIVE = Budget("c", 5, 5.0)
FIFTY = Budget("w", 50, 60.0)


def test_last_edits_go_before_first_posts_before_the_most_unseen_text() -> None:
    bids = [Bid(Rank.MORE, 10, 0), Bid(Rank.MORE, 90, 1), Bid(Rank.FIRST, 0, 2), Bid(Rank.LAST, 0, 3)]
    order = []
    while bids:
        go = decide(Bucket(FIFTY), bids, 100.0).go
        assert go is not None
        order.append(bids.pop(go).since_s)
    assert order == [3, 2, 1, 0]


def test_equals_are_served_in_the_order_they_asked() -> None:
    assert decide(Bucket(FIVE), [Bid(Rank.FIRST, 0, 2), Bid(Rank.FIRST, 0, 1)], 5.0) == Decision(1)


def test_nobody_calls_during_a_pause_and_a_shorter_one_does_not_end_it() -> None:
    bucket = paused(paused(Bucket(FIVE), 20.0), 10.0)
    assert decide(bucket, [Bid(Rank.LAST, 0, 0)], 15.0) == Decision(None, 20.0)
    assert decide(bucket, [Bid(Rank.LAST, 0, 0)], 20.0) == Decision(0)


def test_a_full_window_holds_even_the_last_edit_until_its_oldest_call_is_out_of_it() -> None:
    bucket = Bucket(FIVE, ended=(1.0, 2.0, 3.0, 4.0, 4.5))
    decision = decide(bucket, [Bid(Rank.LAST, 0, 0)], 5.0)
    assert decision.go is None
    assert decision.look_s == pytest.approx(6.0, abs=0.05)


def test_calls_in_flight_count() -> None:
    assert decide(Bucket(FIVE, in_flight=5), [Bid(Rank.LAST, 0, 0)], 5.0) == Decision(None)


def test_one_call_of_a_large_budget_is_kept_for_the_urgent() -> None:
    bucket = Bucket(FIFTY, ended=tuple(float(n) for n in range(49)), last_s=48.0)
    assert decide(bucket, [Bid(Rank.MORE, 9, 0)], 55.0).look_s == pytest.approx(60.0, abs=0.05)
    assert decide(bucket, [Bid(Rank.FIRST, 9, 0)], 55.0) == Decision(0)


def test_steady_calls_keep_the_gap_and_an_urgent_one_need_not() -> None:
    bucket = finished(started(Bucket(FIVE, credit=-1.0, last_s=0.0), 0.0), 0.0)
    later = decide(bucket, [Bid(Rank.MORE, 9, 0)], 0.5)
    assert later.go is None
    assert later.look_s is not None
    assert later.look_s >= steady_gap_s(FIVE)
    assert decide(bucket, [Bid(Rank.LAST, 9, 0)], 0.5) == Decision(0)


def test_after_a_quiet_time_the_first_gaps_are_shorter_and_then_steady() -> None:
    bucket, now_s, gaps = Bucket(FIFTY), 100.0, []
    for _ in range(30):
        bucket = finished(started(bucket, now_s), now_s)
        look_s = decide(bucket, [Bid(Rank.MORE, 9, 0)], now_s).look_s
        assert look_s is not None
        gaps.append(look_s - now_s)
        now_s = look_s
    assert gaps[0] < 0.3 * steady_gap_s(FIFTY)
    assert all(late > early - 1e-9 for early, late in pairwise(gaps))
    assert gaps[-1] == pytest.approx(steady_gap_s(FIFTY), rel=0.1)


asked = st.tuples(st.sampled_from(list(Rank)), st.floats(0, 3), st.floats(0, 2))


@settings(max_examples=100, deadline=None)
@given(st.lists(asked, max_size=60), st.sampled_from([FIVE, Budget("x", 1, 1.0), Budget("y", 12, 6.0)]))
def test_no_window_ever_holds_more_calls_than_the_budget(
    asked: list[tuple[Rank, float, float]], budget: Budget
) -> None:
    async def call(pacer: Pacer, rank: Rank, after_s: float, lasts_s: float) -> None:
        await asyncio.sleep(after_s)
        async with pacer.call(budget, Claim(Backlog(), rank)):
            begun.append(asyncio.get_running_loop().time())
            await asyncio.sleep(lasts_s)
            ended.append(asyncio.get_running_loop().time())

    async def main() -> None:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            for rank, after_s, lasts_s in asked:
                group.create_task(call(pacer, rank, after_s, lasts_s))

    begun: list[float] = []
    ended: list[float] = []
    run(main())
    assert len(ended) == len(asked)
    for times in (begun, ended):
        times.sort()
        for early, late in zip(times, times[budget.calls :], strict=False):
            assert late - early >= budget.per_s - 2 - 1e-6 if times is ended else late - early >= budget.per_s - 1e-6


def test_a_cancelled_wait_gives_its_turn_to_the_next() -> None:
    async def one(pacer: Pacer, rank: Rank) -> None:
        async with pacer.call(Budget("c", 1, 10.0), Claim(Backlog(), rank)):
            done.append((rank, asyncio.get_running_loop().time()))

    async def main() -> None:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            await group.create_task(one(pacer, Rank.FIRST))
            waiting = group.create_task(one(pacer, Rank.LAST))
            group.create_task(one(pacer, Rank.MORE))
            await asyncio.sleep(1)
            waiting.cancel()

    done: list[tuple[Rank, float]] = []
    run(main())
    assert [rank for rank, _ in done] == [Rank.FIRST, Rank.MORE]
    assert done[1][1] == pytest.approx(1010, abs=0.2)


def test_a_reply_that_becomes_urgent_while_it_waits_goes_first() -> None:
    async def one(pacer: Pacer, name: str, claim: Claim) -> None:
        async with pacer.call(FIVE, claim):
            done.append(name)

    async def main() -> None:
        pacer, claim = Pacer(), Claim(Backlog(), Rank.MORE)
        async with asyncio.TaskGroup() as group:
            group.create_task(one(pacer, "first", Claim(Backlog())))
            group.create_task(one(pacer, "loud", Claim(Backlog(100, 100.0), Rank.MORE)))
            group.create_task(one(pacer, "urgent", claim))
            await asyncio.sleep(0.1)
            claim.rank = Rank.LAST
            pacer.look(FIVE.scope)

    done: list[str] = []
    run(main())
    assert done == ["first", "urgent", "loud"]


def test_learned_limits_replace_those_the_surface_says_until_it_says_others() -> None:
    async def calls(pacer: Pacer, budget: Budget) -> float:
        start_s = asyncio.get_running_loop().time()
        for _ in range(3):
            async with pacer.call(budget, Claim(Backlog(), Rank.LAST)):
                pass
        return asyncio.get_running_loop().time() - start_s

    async def main() -> None:
        pacer = Pacer()
        pacer.learn(Budget("c", 1, 2.0))
        assert await calls(pacer, FIVE) == pytest.approx(4.0, abs=0.05)
        await asyncio.sleep(20)
        assert await calls(pacer, FIVE) == pytest.approx(4.0, abs=0.05)
        await asyncio.sleep(20)
        assert await calls(pacer, Budget("c", 9, 5.0)) == pytest.approx(0.0)

    run(main())


def test_a_pause_before_the_first_call_holds_it_too() -> None:
    async def main() -> None:
        pacer = Pacer()
        pacer.pause("c", 3.0)
        async with pacer.call(FIVE, Claim(Backlog())):
            assert asyncio.get_running_loop().time() == pytest.approx(1003.0)

    run(main())


def test_a_budget_that_allows_nothing_is_refused() -> None:
    async def main() -> None:
        Pacer().learn(Budget("c", 0, 1.0))

    with pytest.raises(ValueError, match="correct the limits"):
        run(main())


def test_scopes_that_are_quiet_are_forgotten() -> None:
    async def main() -> None:
        pacer = Pacer()
        for number in range(3000):
            async with pacer.call(Budget(f"c{number}", 5, 5.0), Claim(Backlog())):
                await asyncio.sleep(0.1)
        assert len(pacer._scopes) < 400

    run(main())


def test_the_backlog_sums_characters_over_the_time_they_wait() -> None:
    backlog = Backlog()
    backlog.wrote(10, 0.0)
    backlog.wrote(5, 2.0)
    assert backlog.waited(4.0) == 10 * 2 + 15 * 2
    taken = backlog.take(4.0)
    assert backlog.waited(9.0) == 0
    backlog.put_back(taken, 5.0)
    assert backlog.waited(5.0) == 50 + 15
