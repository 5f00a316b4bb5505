"""Faults of the platforms, at random calls: each of the next ones fails with the same probability."""

import random

from bot.simulator.faults import Fault


def weather(chance: random.Random, share: float, faults: int) -> list[Fault]:
    """So many faults, each after a random number of calls that go well: `share` of all calls fail."""
    return [_fault(chance, _calls_before(chance, share)) for _ in range(faults)]


def seen(faults: list[Fault]) -> int:
    """How many of these faults have been shown."""
    return sum(fault.times <= 0 for fault in faults)


def _calls_before(chance: random.Random, share: float) -> int:
    calls = 0
    while chance.random() >= share:
        calls += 1
    return calls


def _fault(chance: random.Random, skip: int) -> Fault:
    kind = chance.choice(("limited", "refused", "answer lost", "error after", "dropped", "late"))
    status = chance.choice((500, 502, 503, 504))
    if kind == "limited":
        return Fault("*", status=429, skip=skip)
    if kind == "refused":
        return Fault("*", status=status, skip=skip)
    if kind == "answer lost":
        return Fault("*", drop=True, after=True, skip=skip)
    if kind == "error after":
        return Fault("*", status=status, after=True, skip=skip)
    if kind == "dropped":
        return Fault("*", drop=True, skip=skip)
    return Fault("*", delay_s=chance.uniform(0.05, 0.6), skip=skip)
