"""One message → one recorded turn; one turn at a time per thread, many threads at once.

The engine decides who may speak, keeps the order of a thread, and answers: it gathers the uploads, rebuilds the
thread's `AsyncChat` from the store, lets the answer grow through a `LiveReply`, and records the outcome. It knows
platforms and the store by their ports only.
"""

from bot.engine.admit import Access
from bot.engine.answer import Answerer
from bot.engine.ask import Asker
from bot.engine.budget import Allowance, Budgets
from bot.engine.engine import Engine
from bot.engine.model_check import check_model
from bot.engine.slots import Slots
from bot.engine.tell import AskSettings

__all__ = ["Access", "Allowance", "Answerer", "AskSettings", "Asker", "Budgets", "Engine", "Slots", "check_model"]
