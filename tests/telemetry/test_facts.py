"""What the bot does can be watched: facts with units, handed to sinks that cannot disturb it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields
from typing import get_args, get_type_hints

import pytest
from logs import Logs, capture_logs
from loop_clock import time_passes

from bot.tasks import beside
from bot.telemetry import CallMade, Fact, Facts, LoopLate, StoreWrote, TurnEnded, to_log, watch_loop
from bot.telemetry.sinks import event_of

TURN = TurnEnded("discord:1:2:3", "delivered", "discord:42", 1, 1.23456)
CALL = CallMade("slack", "chat.update", "refused", 0.2)


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as logs:
        yield logs


@pytest.mark.parametrize("kind", get_args(Fact), ids=lambda kind: kind.__name__)
def test_a_fact_is_plain_frozen_data_and_its_numbers_have_units(kind: type) -> None:
    for field in fields(kind):
        hint = get_type_hints(kind)[field.name]
        if hint is float:
            assert field.name.endswith(("_s", "_usd")), f"{kind.__name__}.{field.name} has no unit"
        elif hint is int:  # a count is named by what is counted
            assert field.name.endswith(("s", "failed", "_bytes")), f"{kind.__name__}.{field.name} counts nothing"
        else:
            assert hint is str or get_args(hint), f"{kind.__name__}.{field.name} is no plain value"
    with pytest.raises(FrozenInstanceError):
        setattr(LoopLate(0.1), "late_s", 0.2)  # noqa: B010 - an assignment would not type


@pytest.mark.parametrize(("fact", "name"), [(TURN, "turn_ended"), (CALL, "call_made"), (LoopLate(1), "loop_late")])
def test_a_fact_has_a_name_for_the_log(fact: Fact, name: str) -> None:
    assert event_of(fact) == name


def test_each_fact_is_a_line_of_the_log_with_its_fields(logs: Logs) -> None:
    Facts(to_log).emit(TURN)
    Facts(to_log).emit(LoopLate(0.5))
    assert logs.of("turn_ended") == [
        {
            "event": "turn_ended",
            "turn": "discord:1:2:3",
            "state": "delivered",
            "person": "discord:42",
            "questions": 1,
            "took_s": 1.235,
        }
    ]
    assert logs.of("loop_late")[0]["late_s"] == 0.5
    json.dumps(logs)


def test_a_sink_that_fails_disturbs_nobody_and_is_named_once(logs: Logs) -> None:
    seen: list[Fact] = []

    def broken(_: Fact) -> None:
        raise ValueError("full")

    facts = Facts(broken, seen.append)
    facts.emit(TURN)
    facts.emit(StoreWrote(1, 0, 0.01))
    assert seen == [TURN, StoreWrote(1, 0, 0.01)]
    assert [entry["fact"] for entry in logs.of("telemetry_sink_failed")] == ["turn_ended"]


async def test_a_loop_that_comes_back_late_is_noticed() -> None:
    late: asyncio.Queue[Fact] = asyncio.Queue()
    async with beside(watch_loop(late.put_nowait, every_s=1.0, late_s=0.5), "watch"):
        await asyncio.sleep(0)
        time_passes(3.0)
        fact = await late.get()
    assert isinstance(fact, LoopLate)
    assert fact.late_s >= 1.9
