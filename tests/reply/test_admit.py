"""What leaves, and how long its bursts may be: every request asks the pacer, in virtual time."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_fakes import JumpingLoop, run

from bot.events import Budget
from bot.reply import Pacer
from bot.reply.pacing.pace import Backlog, Rank, in_bursts_of
from bot.reply.pacing.pacer import CallClaim, wait_aside


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.5), min_size=1, max_size=12), st.sampled_from([0.0, 0.02, 0.3]))
def test_however_late_the_event_loop_is_no_more_requests_leave_than_may(late_s: list[float], lasts_s: float) -> None:
    async def leave(pacer: Pacer, number: int) -> None:
        if number % 3:
            async with pacer.call(Budget(f"all:{number}", 5, 5.0), CallClaim(Backlog())):
                await request(pacer, f"all:{number}")
        else:
            await request(pacer, "")

    async def request(pacer: Pacer, scope: str) -> None:
        grant = await pacer.admit(Budget("all:calls", 10, 1.0), Rank.LOOK, scope=scope)
        left.append(asyncio.get_running_loop().time())
        await asyncio.sleep(lasts_s)
        grant.end()

    async def main() -> None:
        loop, pacer = asyncio.get_running_loop(), Pacer([Budget("all", 10, 1.0)])
        assert isinstance(loop, JumpingLoop)
        for number, seconds in enumerate(late_s):
            loop.call_later(0.37 * number, stand_still, loop, seconds)
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(leave(pacer, number))

    def stand_still(loop: JumpingLoop, seconds: float) -> None:
        loop.now_s += seconds

    left: list[float] = []
    run(main())
    assert len(left) == 50
    left.sort()
    assert all(late - early >= 1.0 for early, late in zip(left, left[10:], strict=False))


def test_who_waits_for_something_else_first_leaves_what_it_was_granted_to_others() -> None:
    """Else all calls of a budget could be held by replies that wait for a call to open their threads."""

    async def reply(pacer: Pacer, number: int) -> None:
        async with pacer.call(Budget(f"all:{number}", 5, 5.0), CallClaim(Backlog())):
            wait_aside()
            (await pacer.admit(Budget("all:calls", 2, 1.0), Rank.FIRST)).end()
            (await pacer.admit(Budget("all:calls", 2, 1.0), Rank.FIRST, scope=f"all:{number}")).end()
            done.append(number)

    async def main() -> None:
        pacer = Pacer([Budget("all", 2, 1.0)])
        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(reply(pacer, number))

    done: list[int] = []
    run(main())
    assert len(done) == 6


@pytest.mark.parametrize("budget", [Budget("all:here", 5, 5.0, guessed=True), Budget("all:here", 1, 5.0)])
def test_what_was_left_to_others_is_asked_for_anew_and_does_not_wait_for_itself(budget: Budget) -> None:
    """A post that may have landed looks first whether it did, and is made if it did not."""

    async def main() -> float:
        pacer, begun_s = Pacer([Budget("all", 2, 1.0)]), asyncio.get_running_loop().time()
        async with pacer.call(budget, CallClaim(Backlog())):
            (await pacer.admit(Budget("all:look", 5, 1.0), Rank.LOOK)).end()
            (await pacer.admit(budget, Rank.FIRST)).end()
        return asyncio.get_running_loop().time() - begun_s

    assert run(main()) < 0.1


def test_a_request_that_is_given_up_counts_for_as_long_as_it_may_still_arrive() -> None:
    async def main() -> float:
        pacer, budget = Pacer(), Budget("w", 1, 1.0)
        (await pacer.admit(budget, Rank.TYPING)).lose()
        begun_s = asyncio.get_running_loop().time()
        (await pacer.admit(budget, Rank.FIRST)).end()
        return asyncio.get_running_loop().time() - begun_s

    assert run(main()) == pytest.approx(4.0, abs=0.1)


class Bucketful:
    """A platform's leaky bucket: `calls` at once, and one more every `call_s` seconds."""

    def __init__(self, calls: int, call_s: float) -> None:
        self.calls = calls
        self.call_s = call_s
        self.refused_at_s: list[float] = []
        self._level = 0.0
        self._at_s = 0.0

    def take(self) -> float:
        """Return 0.0, or after how many seconds the call would be taken."""
        now_s = asyncio.get_running_loop().time()
        level = max(0.0, self._level - (now_s - self._at_s) / self.call_s) + 1
        if level > self.calls + 1e-6:
            self.refused_at_s.append(now_s)
            return (level - self.calls) * self.call_s
        self._level, self._at_s = level, now_s
        return 0.0


async def insist(pacer: Pacer, platform: Bucketful, budget: Budget, rank: Rank, latency_s: float) -> None:
    """Make a call as often as it takes, and let the pacer learn from a refusal."""
    while True:
        grant = await pacer.admit(budget, rank)
        try:
            await asyncio.sleep(latency_s / 2)
            wait_s = platform.take()
            await asyncio.sleep(latency_s / 2)
            if not wait_s:
                return
            pacer.refused(budget.scope, wait_s)
        finally:
            grant.end()


@settings(max_examples=80, deadline=None)
@given(
    asked_s=st.lists(st.floats(0.0, 200.0) | st.sampled_from([0.0, 1.0, 90.0]), min_size=1, max_size=60),
    most=st.integers(1, 20),
    latency_s=st.sampled_from([0.0, 0.05, 0.4]),
    rank=st.sampled_from(list(Rank)),
)
def test_whatever_a_platform_takes_at_once_it_refuses_one_call_and_no_more(
    asked_s: list[float], most: int, latency_s: float, rank: Rank
) -> None:
    async def one(pacer: Pacer, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await insist(pacer, platform, Budget("w", 20, 60.0, guessed=True), rank, latency_s)

    async def main() -> None:
        pacer = Pacer()
        async with asyncio.TaskGroup() as group:
            for after_s in asked_s:
                group.create_task(one(pacer, after_s))

    platform = Bucketful(most, 3.0)
    run(main())
    assert len(platform.refused_at_s) <= 1


@given(st.integers(1, 60), st.integers(1, 60))
def test_shorter_bursts_leave_the_rate_as_it_is(calls: int, burst: int) -> None:
    budget = in_bursts_of(Budget("w", calls, 60.0, guessed=True), burst)
    assert budget.calls == min(calls, burst)
    assert budget.calls / budget.per_s == pytest.approx(calls / 60.0)


def test_where_nothing_was_called_in_a_channel_the_refusal_is_of_all_channels_together() -> None:
    async def main() -> tuple[int | None, int]:
        pacer = Pacer([Budget("all", 300, 60.0, guessed=True)])
        for number in range(4):
            (await pacer.admit(Budget(f"all:{number}", 5, 5.0, guessed=True), Rank.FIRST)).end()
        grant = await pacer.admit(Budget("all:new", 5, 5.0, guessed=True), Rank.FIRST)
        learned = pacer.refused("all:new", 1.0)
        grant.end()
        begun_s = asyncio.get_running_loop().time()
        for number in range(5):
            (await pacer.admit(Budget(f"all:late{number}", 5, 5.0, guessed=True), Rank.FIRST)).end()
        return learned, round(asyncio.get_running_loop().time() - begun_s)

    learned, took_s = run(main())
    assert learned is None
    assert took_s >= 4


@pytest.mark.parametrize("why", ["a pause", "a call in flight"])
def test_a_post_goes_the_other_way_if_the_one_chosen_is_not_free_at_once(why: str) -> None:
    start, post = Budget("start", 20, 60.0, guessed=True), Budget("post", 5, 5.0)

    async def main() -> float:
        pacer, clock = Pacer(), asyncio.get_running_loop().time
        if why == "a pause":
            pacer.pause("start", 60.0)
        else:
            await pacer.admit(start, Rank.FIRST)
        begun_s = clock()
        async with pacer.call(start, CallClaim(Backlog()), instead=post):
            return clock() - begun_s

    assert run(main()) <= 0.31


def test_a_post_goes_the_chosen_way_if_that_is_free_in_a_moment() -> None:
    start, post = Budget("start", 20, 60.0, guessed=True), Budget("post", 1, 60.0)

    async def main() -> None:
        pacer = Pacer()
        async with pacer.call(post, CallClaim(Backlog())):
            pass
        first = await pacer.admit(start, Rank.FIRST)
        asyncio.get_running_loop().call_later(0.1, first.end)
        async with pacer.call(start, CallClaim(Backlog()), instead=post):
            assert asyncio.get_running_loop().time() < 1000.2

    run(main())
