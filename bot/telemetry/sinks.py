"""Where facts go."""

import re
from collections.abc import Callable
from dataclasses import fields

import structlog

from bot.telemetry.facts import Fact, LoopLate, TurnEnded

log = structlog.get_logger()

Sink = Callable[[Fact], None]


class Facts:
    """Hands each fact to each sink. A sink that fails is named in the log once, and given nothing more."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = [*sinks]

    def emit(self, fact: Fact) -> None:
        """Hand on a fact. Never raises: the emitter has better things to do."""
        for sink in [*self._sinks]:
            try:
                sink(fact)
            except Exception:
                self._sinks.remove(sink)
                log.exception("telemetry_sink_failed", fact=event_of(fact))


def event_of(fact: Fact) -> str:
    """Return a fact's name as a key of the log: `turn_ended` for `TurnEnded`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(fact).__name__).lower()


def to_log(fact: Fact) -> None:
    """Write a fact into the log: one line for each turn, a warning for a late loop, the rest where it is asked for."""
    write = log.warning if isinstance(fact, LoopLate) else log.info if isinstance(fact, TurnEnded) else log.debug
    write(event_of(fact), **{field.name: _short(getattr(fact, field.name)) for field in fields(fact)})


def _short(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value
