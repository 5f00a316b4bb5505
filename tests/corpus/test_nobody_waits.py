"""While one answer is as dear to show as can be, nobody else waits: no step of the event loop takes long."""

import gc
import itertools
import time
from asyncio.events import Handle
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from bot.simulator.changes import Change
from bot.simulator.claude import Pace, Reply
from bot.tryout.world import Room, world

_MOST_CPU_AT_ONCE_S = 0.05
_REPEATED = 4000


@pytest.mark.long
@pytest.mark.parametrize("piece", ["*a ", "[*a", "  - a\n"])
async def test_a_hello_on_slack_is_answered_while_discord_shows_a_broken_answer(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices: list[float] = []
    run = Handle._run

    def timed(handle: Handle) -> None:
        begun_s = time.thread_time()
        run(handle)
        slices.append(time.thread_time() - begun_s)

    def reply(body: Mapping[str, Any]) -> Reply:
        if "hello" in str(body["messages"][-1]["content"]):
            return Reply(text="Good morning to you.")
        return Reply(text=piece * _REPEATED, pieces=400)

    async with world(SecretStr(""), Pace(piece_s=0.005)) as here:
        here.claude.script(*itertools.repeat(reply, 2))
        long = Room("discord", "#d", here.discord.add_channel(here.guild, "d"))
        short = Room("slack", "#s", here.slack.add_channel("s"))
        since = len(here.changes("slack").seen)
        gc.collect()
        gc.freeze()  # what was imported so far costs a full collection some 70 ms, whatever is answered
        monkeypatch.setattr(Handle, "_run", timed)
        asked = await here.say("Ada", long, "@parley Write a list.")
        there = here.answered_in(long, asked)

        def shown(letters: int) -> Callable[[Change], bool]:
            return lambda change: (
                change.by_bot and sum(line.text.count("a") for line in here.answer(there, asked).lines) >= letters
            )

        await here.changes("discord").wait(shown(1), timeout_s=60.0)
        await here.say("Ada", short, "@parley hello")
        await here.changes("slack").wait(
            lambda change: change.by_bot and "Good morning to you." in change.text, since=since, timeout_s=60.0
        )
        letters = sum(line.text.count("a") for line in here.answer(there, asked).lines)
        assert letters < _REPEATED, "the answer is not whole yet"
        await here.changes("discord").wait(shown(min(_REPEATED * piece.count("a"), 1000)), timeout_s=120.0)
    gc.unfreeze()
    assert max(slices) <= _MOST_CPU_AT_ONCE_S, sorted(slices)[-5:]
