"""The clients of Claude: one for each model that is asked."""

from collections.abc import Callable

from bot.claude import AsyncClient


class Clients:
    """A client for each model, made when it is used for the first time."""

    def __init__(self, make: Callable[[str], AsyncClient]) -> None:
        self._make = make
        self._made: dict[str, AsyncClient] = {}

    def __getitem__(self, model: str) -> AsyncClient:
        """Return the client of a model; the same one each time."""
        if model not in self._made:
            self._made[model] = self._make(model)
        return self._made[model]
