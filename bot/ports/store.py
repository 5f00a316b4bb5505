"""All of the store's ports together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any

from bot.ports.checkpoints import Checkpoints
from bot.ports.drafts import Drafts
from bot.ports.history import History
from bot.ports.messages import Messages
from bot.ports.signals import Notices, Signals
from bot.ports.steps import Steps
from bot.ports.turns import Questions, Turns
from bot.ports.usage import Usage

Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Store:
    """The only truth, by concern. All ports are on one database: what one writes, the others read."""

    turns: Turns
    questions: Questions
    drafts: Drafts
    steps: Steps
    history: History
    messages: Messages
    checkpoints: Checkpoints
    usage: Usage
    signals: Signals
    notices: Notices

    def around(self, wrap: Callable[[str, Call], Call]) -> "Store":
        """Return a store whose calls are those of this one, wrapped. `wrap` gets each call's name, such as
        `turns.accept`.
        """
        ports: dict[str, Any] = {port.name: _Around(port.name, getattr(self, port.name), wrap) for port in fields(self)}
        return Store(**ports)


class _Around:
    """One port of a store: see `Store.around`."""

    def __init__(self, name: str, port: object, wrap: Callable[[str, Call], Call]) -> None:
        self._name = name
        self._port = port
        self._wrap = wrap

    def __getattr__(self, name: str) -> Call:
        return self._wrap(f"{self._name}.{name}", getattr(self._port, name))
