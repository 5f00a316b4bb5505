"""One message → one recorded turn; one turn at a time per thread, many threads at once.

The engine decides who may speak, keeps the order of a thread, and answers: it gathers the uploads, rebuilds the
thread's `AsyncChat` from the store, lets the answer grow through a `LiveReply`, and records the outcome. It knows
platforms and the store by their ports only.
"""

from bot.engine.answer.answerer import Answerer
from bot.engine.answer.claude_turn import ClaudeTurn, warn_of_small_limits
from bot.engine.answer.clients import Clients
from bot.engine.answer.model_check import check_models
from bot.engine.answer.money.budget import Budgets
from bot.engine.engine import Engine
from bot.engine.turns.concurrency import ConcurrencyLimit

__all__ = [
    "Answerer",
    "Budgets",
    "ClaudeTurn",
    "Clients",
    "ConcurrencyLimit",
    "Engine",
    "check_models",
    "warn_of_small_limits",
]
