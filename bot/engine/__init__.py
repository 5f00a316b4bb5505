"""One message → one recorded turn; one turn at a time per thread, many threads at once.

The engine decides who may speak, keeps the order of a thread, and answers: it gathers the uploads, rebuilds the
thread's `AsyncChat` from the store, lets the answer grow through a `LiveReply`, and records the outcome. It knows
platforms and the store by their ports only.
"""

from bot.engine.admit import Access
from bot.engine.answer import Answerer, AnswerSettings
from bot.engine.engine import Engine

__all__ = ["Access", "AnswerSettings", "Answerer", "Engine"]
