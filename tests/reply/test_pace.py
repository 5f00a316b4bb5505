"""The pacer's decisions as values, and the pacer in virtual time."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import run

from bot.events import Budget
from bot.reply import Pacer
from bot.reply.pacing.pace import Backlog, Bucket, Rank, finished, fresher_s, paused, ready_s, started, steady_gap_s
from bot.reply.pacing.pacer import CallClaim

FIVE = Budget("c", 5, 5.0)
FIFTY = Budget("w", 50, 60.0)


def test_last_edits_go_before_first_posts_before_the_most_unseen_text() -> None:
    claims = {
        "a little more": CallClaim(Backlog(1, 10.0), Rank.MORE),
        "much more": CallClaim(Backlog(1, 90.0), Rank.MORE),
        "the first": CallClaim(Backlog(), Rank.FIRST),
        "the last": CallClaim(Backlog(), Rank.LAST),
    }
    assert sorted(claims, key=lambda name: claims[name].place(0.0)) == [
        "the last",
        "the first",
        "much more",
        "a little more",
    ]


def test_nobody_calls_during_a_pause_and_a_shorter_one_does_not_end_it() -> None:
    bucket = paused(paused(Bucket(FIVE), 20.0), 10.0)
    assert ready_s(bucket, 15.0, Rank.FIRST) == 20.0
    assert ready_s(bucket, 20.0, Rank.FIRST) == 20.0


def test_a_full_window_holds_even_the_last_edit_until_its_oldest_call_is_out_of_it() -> None:
    bucket = Bucket(FIVE, ended=(1.0, 2.0, 3.0, 4.0, 4.5))
    assert ready_s(bucket, 5.0, Rank.FIRST) == pytest.approx(6.0, abs=0.05)


def test_calls_in_flight_count() -> None:
    assert ready_s(Bucket(FIVE, in_flight=5), 5.0, Rank.FIRST) == float("inf")


def test_one_call_of_a_large_budget_is_kept_for_the_urgent() -> None:
    bucket = Bucket(FIFTY, ended=tuple(float(n) for n in range(49)), last_s=48.0)
    assert ready_s(bucket, 55.0, Rank.MORE) == pytest.approx(60.0, abs=0.05)
    assert ready_s(bucket, 55.0, Rank.FIRST) <= 55.0


def test_steady_calls_keep_the_gap_and_an_urgent_one_need_not() -> None:
    bucket = finished(started(Bucket(FIVE, credit=-1.0, last_s=0.0), 0.0), 0.0)
    assert ready_s(bucket, 0.5, Rank.MORE) >= steady_gap_s(FIVE)
    assert ready_s(bucket, 0.5, Rank.FIRST) <= 0.5


def test_after_a_quiet_time_the_first_gaps_are_shorter_and_then_steady() -> None:
    bucket, now_s, gaps = Bucket(FIFTY), 100.0, []
    for _ in range(30):
        bucket = finished(started(bucket, now_s), now_s)
        next_s = ready_s(bucket, now_s, Rank.MORE)
        gaps.append(next_s - now_s)
        now_s = next_s
    assert gaps[0] < 0.35 * steady_gap_s(FIFTY)
    assert all(late > early - 1e-9 for early, late in pairwise(gaps))
    assert gaps[-1] == pytest.approx(steady_gap_s(FIFTY), rel=0.1)


def test_a_call_waits_for_a_piece_that_is_nearly_there_and_not_for_a_later_one() -> None:
    backlog = Backlog()
    backlog.wrote(10, 9.75)
    backlog.wrote(10, 10.0)
    assert fresher_s(backlog, FIVE, 10.22, 10.22) == pytest.approx(10.26)
    assert fresher_s(backlog, FIVE, 10.1, 10.1) == 10.1
    assert fresher_s(backlog, FIVE, 10.22, 10.27) == 10.22, "a piece that does not come is not waited for"


@pytest.mark.parametrize("piece_s", [0.01, 0.04, 0.2, 0.6, 1.5, 7.0])
@pytest.mark.parametrize("budget", [FIVE, FIFTY])
def test_however_fast_text_comes_its_calls_keep_the_pace(piece_s: float, budget: Budget) -> None:
    async def write(claim: CallClaim) -> None:
        while True:
            claim.backlog.wrote(10, asyncio.get_running_loop().time())
            await asyncio.sleep(piece_s)

    async def main() -> None:
        pacer, claim = Pacer(), CallClaim(Backlog(), Rank.MORE)
        clock = asyncio.get_running_loop().time
        writing = asyncio.create_task(write(claim))
        while clock() < 1200.0:
            async with pacer.call(budget, claim):
                claim.backlog.take(clock())
                begun.append(clock())
                await asyncio.sleep(0.01)
        writing.cancel()

    begun: list[float] = []
    run(main())
    gaps = [late - early for early, late in pairwise(begun) if early > 1100.0]  # what a first burst costs is over
    assert max(gaps) < 1.07 * steady_gap_s(budget) + 0.02
    assert len(begun) > 0.93 * 200.0 / steady_gap_s(budget)


def test_few_calls_are_spread_over_the_whole_of_their_time() -> None:
    assert steady_gap_s(FIVE) == pytest.approx(1.0)
    assert steady_gap_s(FIFTY) == pytest.approx(1.26)


def test_half_of_all_calls_are_not_for_typing_and_a_fifth_not_for_look_ups() -> None:
    used = {rank: Bucket(FIFTY, ended=(0.5,) * calls) for rank, calls in ((Rank.TYPING, 25), (Rank.LOOK, 40))}
    for rank, bucket in used.items():
        assert ready_s(bucket, 1.0, rank) > 60.0
        assert ready_s(bucket, 1.0, Rank.FIRST) <= 1.0


def test_a_look_up_that_has_waited_for_a_second_is_as_urgent_as_a_first_post() -> None:
    look = CallClaim(Backlog(), Rank.LOOK, since_s=10.0)
    assert (look.rank_at(10.5), look.rank_at(11.0)) == (Rank.LOOK, Rank.FIRST)
    assert CallClaim(Backlog(), Rank.TYPING, since_s=10.0).rank_at(99.0) is Rank.TYPING


asked = st.tuples(st.sampled_from(list(Rank)), st.floats(0, 3), st.floats(0, 2))


@settings(max_examples=100, deadline=None)
@given(st.lists(asked, max_size=60), st.sampled_from([FIVE, Budget("x", 1, 1.0), Budget("y", 12, 6.0)]))
def test_no_window_ever_holds_more_calls_than_the_budget(
    asked: list[tuple[Rank, float, float]], budget: Budget
) -> None:
    async def call(pacer: Pacer, rank: Rank, after_s: float, lasts_s: float) -> None:
        await asyncio.sleep(after_s)
        async with pacer.call(budget, CallClaim(Backlog(), rank)):
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


def test_equals_are_served_in_the_order_they_asked() -> None:
    async def one(pacer: Pacer, name: int) -> None:
        async with pacer.call(FIVE, CallClaim(Backlog())):
            done.append(name)

    async def main() -> None:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            for name in range(12):
                group.create_task(one(pacer, name))

    done: list[int] = []
    run(main())
    assert done == list(range(12))


async def edit_forever(pacer: Pacer, number: int, begun: list[tuple[float, int]], until_s: float) -> None:
    """Make calls in a scope below `all`, each lasting 50 ms, with ever more unseen text between them."""
    clock = asyncio.get_running_loop().time
    claim = CallClaim(Backlog(), Rank.MORE)
    while clock() < until_s:
        claim.backlog.wrote(1, clock())
        async with pacer.call(Budget(f"all:{number}", 5, 5.0), claim):
            claim.backlog.take(clock())
            begun.append((clock(), number))
            await asyncio.sleep(0.05)


def test_scopes_below_one_shared_budget_keep_it_together_and_take_equal_parts() -> None:
    async def main() -> None:
        pacer = Pacer([Budget("all", 20, 1.0)])
        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(edit_forever(pacer, number, begun, 1030.0))

    begun: list[tuple[float, int]] = []
    run(main())
    times = [at_s for at_s, _ in begun]
    assert all(late - early >= 1.0 for early, late in zip(times, times[20:], strict=False))
    assert len(begun) > 30 * 20 / 1.2
    shares = [sum(number == who for _, who in begun) for number in range(40)]
    assert max(shares) - min(shares) <= 2


def test_the_last_edit_of_any_scope_is_the_first_below_a_shared_budget() -> None:
    async def one(pacer: Pacer, name: str, claim: CallClaim) -> None:
        async with pacer.call(Budget(f"all:{name}", 5, 5.0), claim):
            done.append(name)

    async def main() -> None:
        pacer = Pacer([Budget("all", 1, 1.0)])
        async with asyncio.TaskGroup() as group:
            group.create_task(one(pacer, "first", CallClaim(Backlog())))
            group.create_task(one(pacer, "loud", CallClaim(Backlog(100, 100.0), Rank.MORE)))
            group.create_task(one(pacer, "urgent", CallClaim(Backlog(), Rank.LAST)))
            waiting = group.create_task(one(pacer, "cancelled", CallClaim(Backlog(), Rank.LAST)))
            await asyncio.sleep(0.1)
            waiting.cancel()

    done: list[str] = []
    run(main())
    assert done == ["first", "urgent", "loud"]


@pytest.mark.parametrize("shared", [[], [Budget("all", 1, 9.0)]])
def test_a_turn_that_comes_in_the_moment_of_a_cancellation_goes_to_the_next(shared: list[Budget]) -> None:
    async def one(pacer: Pacer, name: str, rank: Rank) -> None:
        async with pacer.call(Budget("all:1", 1, 9.0), CallClaim(Backlog(), rank)):
            done.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        pacer = Pacer(shared)
        await one(pacer, "first", Rank.LAST)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(one(pacer, "cancelled", Rank.LAST))
            group.create_task(one(pacer, "next", Rank.MORE))
            await asyncio.sleep(1)
            waiting.cancel()
            for scope in ("all", "all:1"):
                pacer.learn(Budget(scope, 2, 0.5))

    done: list[tuple[str, float]] = []
    run(main())
    assert [name for name, _ in done] == ["first", "next"]
    assert done[1][1] < 1003.0


def test_a_pause_of_a_shared_budget_holds_all_below_it_and_nobody_else() -> None:
    async def called_s(pacer: Pacer, scope: str) -> float:
        async with pacer.call(Budget(scope, 5, 5.0), CallClaim(Backlog())):
            return asyncio.get_running_loop().time() - 1000.0

    async def main() -> list[float]:
        pacer = Pacer([Budget("all", 50, 1.0)])
        pacer.pause("all", 3.0)
        return await asyncio.gather(*(called_s(pacer, scope) for scope in ("all:1", "all:2", "alliance:1")))

    assert run(main()) == pytest.approx([3.0, 3.0, 0.0], abs=0.01)


def test_a_cancelled_wait_gives_its_turn_to_the_next() -> None:
    async def one(pacer: Pacer, rank: Rank) -> None:
        async with pacer.call(Budget("c", 1, 10.0), CallClaim(Backlog(), rank)):
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
    async def one(pacer: Pacer, name: str, claim: CallClaim) -> None:
        async with pacer.call(FIVE, claim):
            done.append(name)

    async def main() -> None:
        pacer, claim = Pacer(), CallClaim(Backlog(), Rank.MORE)
        async with asyncio.TaskGroup() as group:
            group.create_task(one(pacer, "first", CallClaim(Backlog())))
            group.create_task(one(pacer, "loud", CallClaim(Backlog(100, 100.0), Rank.MORE)))
            group.create_task(one(pacer, "urgent", claim))
            await asyncio.sleep(0.1)
            claim.rank = Rank.LAST
            pacer.reconsider(FIVE.scope)

    done: list[str] = []
    run(main())
    assert done == ["first", "urgent", "loud"]


def test_learned_limits_replace_those_the_surface_says_until_it_says_others() -> None:
    async def calls(pacer: Pacer, budget: Budget) -> float:
        start_s = asyncio.get_running_loop().time()
        for _ in range(3):
            async with pacer.call(budget, CallClaim(Backlog(), Rank.LAST)):
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
        async with pacer.call(FIVE, CallClaim(Backlog())):
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
            async with pacer.call(Budget(f"c{number}", 5, 5.0), CallClaim(Backlog())):
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
