"""What the bot does, as facts: the code that emits them does not know who reads them.

There are five narrow places: a turn ended, a platform was called, Claude was asked, the store wrote, the loop was late.
The log is the first sink.
"""

from bot.telemetry.facts import CallMade, ClaudeAsked, Emit, Fact, LoopLate, Outcome, StoreWrote, TurnEnded, ignore
from bot.telemetry.loop import watch_loop
from bot.telemetry.sinks import Facts, Sink, to_log

__all__ = [
    "CallMade",
    "ClaudeAsked",
    "Emit",
    "Fact",
    "Facts",
    "LoopLate",
    "Outcome",
    "Sink",
    "StoreWrote",
    "TurnEnded",
    "ignore",
    "to_log",
    "watch_loop",
]
