"""While Claude is overloaded or out of reach people are told, soon and plainly, and in the end what was tried."""

from pathlib import Path

import pytest
from engine_room import Chat, Room, room

from bot.claude import ClaudeError, Overloaded, RateLimited, Stalled, Unavailable
from bot.engine.sentences import delayed, sentence_for
from bot.simulator.claude import Reply, SimulatedClaude

WAITING, WAITING_STATUS = delayed(None)
OVERLOADED, OVERLOADED_STATUS = delayed(Overloaded(""))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five seconds are none."""
    monkeypatch.setattr("bot.engine.answer.delay.SLOW_AFTER_S", 0.0)


async def test_an_overload_is_called_one_and_goes_with_the_first_word(here: Room) -> None:
    here.claude.script(Reply(status=529, headers={"retry-after": "0.3"}), Reply(text="At last."))
    await here.say(100, "Well?")
    await here.chat.until(lambda: OVERLOADED_STATUS in here.chat.statuses)
    await here.ended(100, "delivered")
    assert here.chat.lines == ["At last."]
    assert here.chat.statuses[-1] == ""


async def test_before_an_answer_a_silence_is_told_in_the_status(here: Room) -> None:
    here.claude.script(Reply(text="never", stall_after=-1))
    await here.say(100, "Well?")
    await here.chat.until(lambda: WAITING_STATUS in here.chat.statuses)
    await here.delete(100)


async def test_an_outage_costs_one_turn_four_calls_and_is_told_with_what_was_tried(
    here: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.claude.api.call.PAUSES_S", (0.01, 0.01, 0.01))
    here.claude.otherwise = lambda _: Reply(status=529)
    await here.say(100, "Well?")
    await here.ended(100, "failed")
    assert here.claude.count == 4
    assert "I asked 4 times" in here.chat.lines[-1]


async def test_an_outage_amid_an_answer_costs_four_calls_too(here: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer that breaks off is asked for once more: with the calls that are left."""
    monkeypatch.setattr("bot.claude.api.call.PAUSES_S", (0.01, 0.01, 0.01))
    here.claude.script(Reply(status=529), Reply(text="one two three", cut_after=1))
    here.claude.otherwise = lambda _: Reply(status=529)
    await here.say(100, "Well?")
    await here.ended(100, "failed")
    assert here.claude.count == 4
    assert "I asked 4 times" in here.chat.lines[-1]


async def test_the_log_names_host_and_reason(
    here: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.claude.api.call.PAUSES_S", (0.01,))
    here.claude.script(Reply(status=529, error_message="Too much to do"), Reply(status=400, error_message="Not so"))
    await here.say(100, "Well?")
    await here.ended(100, "failed")
    said = capsys.readouterr().out
    for line, reason in (("claude_asked_again", "Too much to do"), ("claude_failed", "Not so")):
        found = next(text for text in said.splitlines() if line in text)
        assert "127.0.0.1" in found
        assert reason in found


def failed(error: ClaudeError, tried: int, within_s: float) -> str:
    error.tried, error.within_s = tried, within_s
    return sentence_for(error)


def test_what_was_tried_is_said_in_plain_words() -> None:
    assert failed(Overloaded(""), 4, 31.2) == (
        "Claude is overloaded at the moment (I asked 4 times within 31 seconds); please ask again in a minute."
    )
    assert failed(Stalled(""), 1, 120.4) == "Claude did not answer in time (I waited for 2 minutes); please ask again."
    assert failed(Unavailable(""), 1, 0.1) == "Claude cannot be reached at the moment; please ask again in a minute."
    assert "please ask again in about 5 minutes" in failed(RateLimited("", retry_after_s=290), 1, 0.1)


async def test_a_delay_amid_a_turn_is_told_and_forgotten(tmp_path: Path, claude: SimulatedClaude) -> None:
    """A tool was used, and the next request is not answered."""
    use = {"type": "tool_use", "name": "give_file", "input": {"name": "a.txt", "content": "A"}}
    claude.script(Reply(blocks=[use]), Reply(status=529, headers={"retry-after": "0.3"}), Reply(text="It is attached."))
    async with room(tmp_path, claude, Chat()) as here:
        await here.say(100, "A file, please")
        await here.chat.until(lambda: OVERLOADED_STATUS in here.chat.statuses)
        await here.ended(100, "delivered")
        assert "It is attached." in here.chat.lines
        assert not any(line in text for text in here.chat.lines for line in (OVERLOADED, WAITING))
