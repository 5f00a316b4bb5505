"""The protocols between the rooms: only what has more than one implementation.

The real ones live in `platforms` and `store`; the fakes of the tests have the same shape and pass the same contracts,
which are written in `tests/contracts`. `Store` holds all of the store's ports: code that needs one port gets that one.
"""

from bot.ports.checkpoints import Checkpoints
from bot.ports.drafts import Drafts
from bot.ports.history import History
from bot.ports.messages import IsOurs, Messages, PartLog
from bot.ports.platform import Dialect, EventHandler, Platform, Surface
from bot.ports.signals import Notices, Signals
from bot.ports.steps import Steps
from bot.ports.store import Store
from bot.ports.turns import Questions, Turns
from bot.ports.usage import Usage

__all__ = [
    "Checkpoints",
    "Dialect",
    "Drafts",
    "EventHandler",
    "History",
    "IsOurs",
    "Messages",
    "Notices",
    "PartLog",
    "Platform",
    "Questions",
    "Signals",
    "Steps",
    "Store",
    "Surface",
    "Turns",
    "Usage",
]
