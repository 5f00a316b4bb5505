"""What a turn costs is counted, however it ends; who may spend no more is told when they may again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from engine_room import ADA, GRACE, MOD, Room, key, message, room

from bot.engine.answer.money.budget import DAY_S
from bot.engine.sentences import in_about, over_budget
from bot.events import Bill, TurnState
from bot.simulator.claude import Reply, SimulatedClaude
from bot.store import open_store

TEXT = "Some words in German: Füße, Öl. And Chinese: 语言模型。 " * 40
FILE = {"type": "tool_use", "name": "give_file", "input": {"name": "a.txt", "content": TEXT}}
POINTS = {
    "before it begins": [Reply(text=TEXT, stall_after=-1)],
    "before the first word": [Reply(text=TEXT, stall_after=0)],
    "amid the text": [Reply(text=TEXT, stall_after=40)],
    "amid a file": [Reply(blocks=[{"type": "text", "text": "Here: "}, FILE], stall_after=20)],
    "in the second request": [Reply(blocks=[FILE]), Reply(text=TEXT, stall_after=-1)],
    "amid the second answer": [Reply(blocks=[FILE]), Reply(text=TEXT, stall_after=20)],
    "after a stream was cut": [Reply(text=TEXT, cut_after=30), Reply(text=TEXT, stall_after=20)],
    "after a start was lost": [Reply(text=TEXT, cut_after=-1), Reply(text=TEXT, stall_after=20)],
}


async def edited(here: Room) -> None:
    await here.edit(100, "Something else")


async def deleted(here: Room) -> None:
    await here.delete(100)


async def stopped(here: Room) -> None:
    await here.say(101, "stop")


async def left(here: Room) -> None:
    """The bot is stopped, which the test does next."""


async def stalled(here: Room, stream: int) -> None:
    """Return when Claude has written what it will write, and the bot, which has the same event loop, has read it."""
    await here.claude.until(lambda: here.claude.count == stream and here.claude.requests[-1].stalled)
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize("way", [edited, deleted, stopped, left])
@pytest.mark.parametrize("point", POINTS)
async def test_whatever_ends_a_turn_no_less_is_counted_than_was_billed(
    tmp_path: Path, claude: SimulatedClaude, point: str, way: Callable[[Room], Awaitable[None]]
) -> None:
    claude.script(*POINTS[point], Reply(text="Fine."))
    async with room(tmp_path, claude) as here:
        await here.say(100, "Tell me")
        await stalled(here, len(POINTS[point]))
        await way(here)
        if way is not left:
            await here.ended(100)
    async with open_store(tmp_path / "parley.sqlite3") as store:
        used = await store.usage.spent("fake:U1", 0.0)
        assert used == await store.usage.spent("", 0.0)
    assert claude.billed_tokens <= used <= claude.billed_tokens + 2500


@pytest.mark.parametrize("mishap", [{"cut_after": 9}, {"end_after": 9}, {"error_after": 9}, {"cut_after": -1}])
async def test_a_stream_that_breaks_is_counted_too(here: Room, mishap: dict[str, int]) -> None:
    here.claude.script(Reply(text=TEXT, **mishap), Reply(text=TEXT))
    await here.say(100, "Tell me")
    await here.ended(100, "delivered")
    assert await here.store.usage.spent("fake:U1", 0.0) >= here.claude.billed_tokens


async def test_what_claude_writes_before_it_hears_that_nobody_reads_is_counted_too(here: Room) -> None:
    for asked in range(8):
        here.claude.script(Reply(text=TEXT, pieces=60, piece_s=0.001, first_token_s=0.01))
        await here.say(asked, "Tell me", thread=f"T{asked}")
        await here.claude.until(lambda asked=asked: has_written(here, asked, asked * 100 - 1))
        await here.delete(asked)
        await here.ended(asked)
        assert await here.store.usage.spent("fake:U1", 0.0) >= here.claude.billed_tokens


def has_written(here: Room, request: int, characters: int) -> bool:
    return here.claude.count > request and here.claude.requests[request].characters > characters


async def test_what_a_killed_process_had_reserved_counts_in_full(tmp_path: Path, claude: SimulatedClaude) -> None:
    """No settlement comes: the file is read while the answer grows."""
    claude.script(Reply(text=TEXT, stall_after=40))
    async with room(tmp_path, claude) as here:
        await here.say(100, "Tell me")
        await stalled(here, 1)
        assert await here.store.usage.spent("fake:U1", 0.0) >= 8_000 + claude.requests[-1].billed_tokens // 2
        await here.delete(100)
    async with open_store(tmp_path / "parley.sqlite3") as store:
        assert await store.usage.spent("fake:U1", 0.0) < 4_000


async def test_a_limit_far_below_the_longest_answer_lets_questions_pass(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    async with room(tmp_path, claude, values={"max_tokens": 16_000, "tokens_per_person": 4_000}) as here:
        await here.say(100, "One")
        await here.ended(100, "delivered")
        assert 1_000 <= claude.requests[0].body["max_tokens"] < 4_000


async def test_who_has_used_up_their_share_is_told_when_it_opens_again(
    tmp_path: Path, claude: SimulatedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1_000_000_000.0
    monkeypatch.setattr("time.time", lambda: now_s)
    async with room(tmp_path, claude, values={"tokens_per_person": 10_000}) as here:
        for number, ago_s, tokens in ((90, DAY_S - 900, 100), (91, DAY_S - 3 * 3600 + 300, 8_700), (92, 60, 1_000)):
            monkeypatch.setattr("time.time", lambda ago_s=ago_s: now_s - ago_s)
            asked = message(number, "Long ago", thread=f"T{number}")
            await here.store.turns.accept(asked)
            await here.store.usage.charge(asked.key, Bill({"fake:U1": tokens}))
            await here.store.turns.end(asked.key, TurnState.STOPPED)
        monkeypatch.setattr("time.time", lambda: now_s)
        await here.say(100, "Now?")
        await here.ended(100, "failed")
        assert over_budget(mine=True, name="", opens_in_s=3 * 3600 - 300) in here.chat.lines[-1]
        assert "in about 3 hours" in here.chat.lines[-1]
        assert claude.count == 0
        await here.say(101, "And I?", GRACE)
        await here.ended(101, "delivered")


async def test_a_question_larger_than_a_whole_share_is_told_so(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values={"tokens_in_all": 5_000}) as here:
        await here.say(100, "word " * 4_000)
        await here.ended(100, "failed")
        assert "smaller than this question" in here.chat.lines[-1]


async def test_questions_of_several_people_are_paid_by_all_of_them(tmp_path: Path, claude: SimulatedClaude) -> None:
    claude.script(Reply(text="First", stall_after=1), Reply(text=TEXT))
    async with room(tmp_path, claude, values={"tokens_per_person": 50_000}) as here:
        await here.say(100, "Wait", MOD)
        await stalled(here, 1)
        await here.say(101, "One?", ADA)
        await here.say(102, "Two?", GRACE)
        await here.say(103, "Three?", GRACE)
        await here.say(104, "Stop", MOD)
        await here.ended(101, "delivered")
        ada, grace = [await here.store.usage.spent(f"fake:{person.id}", 0.0) for person in (ADA, GRACE)]
        assert ada + grace >= claude.requests[-1].billed_tokens
        assert abs(grace - 2 * ada) <= 2


async def test_of_several_people_one_whose_share_is_used_up_is_named(tmp_path: Path, claude: SimulatedClaude) -> None:
    claude.script(Reply(text="First", stall_after=1), Reply(text=TEXT))
    async with room(tmp_path, claude, values={"tokens_per_person": 10_000}) as here:
        await here.say(100, "Wait", MOD)
        await stalled(here, 1)
        await here.store.usage.charge(key("100"), Bill({"fake:U2": 9_990}))
        await here.say(101, "One?", ADA)
        await here.say(102, "Two?", GRACE)
        await here.say(104, "Stop", MOD)
        await here.ended(101, "failed")
        assert "Grace's share of Claude for 24 hours is used up" in here.chat.lines[-1]


async def test_fifty_questions_at_once_do_not_pass_the_last_check_together(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    """Together they cost no more than the limit and one question, however long the answers get."""
    gate = asyncio.Event()
    claude.otherwise = lambda body: Reply(text="word " * body["max_tokens"], gate=gate, one_write=True)
    async with room(tmp_path, claude, values={"tokens_in_all": 30_000}) as here:
        async with asyncio.TaskGroup() as group:
            for number in range(100, 150):
                group.create_task(here.say(number, "Well?", thread=f"T{number}"))
        await here.chat.until(lambda: sum("share" in line for line in here.chat.lines) >= 40)
        gate.set()
        for number in range(100, 150):
            await here.ended(number)
        assert claude.count >= 3
        assert claude.billed_tokens <= 30_000 + 9_500
        assert claude.billed_tokens <= await here.store.usage.spent("", 0.0)


async def test_short_questions_at_once_pass_a_small_limit(tmp_path: Path, claude: SimulatedClaude) -> None:
    """What is running counts as what it will likely cost, not as the longest answer there could be."""
    async with room(tmp_path, claude, values={"tokens_per_person": 20_000}) as here:
        async with asyncio.TaskGroup() as group:
            for number in range(100, 103):
                group.create_task(here.say(number, "Well?", thread=f"T{number}"))
        for number in range(100, 103):
            await here.ended(number, "delivered")


async def test_a_limit_that_passes_no_question_is_told_at_the_start(
    tmp_path: Path, claude: SimulatedClaude, capsys: pytest.CaptureFixture[str]
) -> None:
    async with room(tmp_path, claude, values={"tokens_per_person": 1_000, "tokens_in_all": 100_000}):
        pass
    said = capsys.readouterr().out
    assert "limit_passes_no_question" in said
    assert "tokens_per_person" in said
    assert "tokens_in_all" not in said


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [
        (5, "in a minute"),
        (61, "in about 2 minutes"),
        (600, "in about 10 minutes"),
        (900, "in about 15 minutes"),
        (3400, "in about an hour"),
        (3601, "in about 2 hours"),
        (3 * 3600 - 300, "in about 3 hours"),
        (DAY_S, "in about 24 hours"),
    ],
)
def test_a_wait_is_told_in_the_words_of_who_waits(wait_s: float, words: str) -> None:
    assert in_about(wait_s) == words
