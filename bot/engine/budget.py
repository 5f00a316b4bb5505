"""Who may still spend how much today: tokens are reserved before Claude is asked, and counted when it has answered."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.engine.patience import patiently
from bot.engine.words import ALL_IS_USED_UP, MINE_IS_USED_UP
from bot.errors import ParleyError
from bot.ports import Store

DAY_S = 86_400.0
EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Tokens in and out within 24 hours, for one person and for all together; 0 is without limit."""

    per_person: int = 0
    in_all: int = 0


class OverBudget(ParleyError):  # noqa: N818 - what it is, not that it is an error
    """Somebody's share for today is used up; the sentence says whose."""


class Budgets:
    """What is reserved now, beside what the store says was used: of fifty questions at once not all pass."""

    def __init__(self, store: Store, allowance: Allowance) -> None:
        self._store = store
        self._shares = ((allowance.per_person, MINE_IS_USED_UP), (allowance.in_all, ALL_IS_USED_UP))
        self._reserved: Counter[str] = Counter()

    @asynccontextmanager
    async def share(self, person: str, tokens: int) -> AsyncIterator[None]:
        """Hold so many tokens while inside. Raises `OverBudget` if they are more than is left.

        `person`: as in `Store.used`.
        """
        keys = (person, EVERYBODY)
        if any(limit for limit, _ in self._shares):
            since_s = time.time() - DAY_S
            used = [await patiently(self._store.used, key, since_s) for key in keys]
            for key, spent, (limit, sentence) in zip(keys, used, self._shares, strict=True):
                if limit and spent + self._reserved[key] + tokens > limit:
                    raise OverBudget(sentence, f"{spent} used, {self._reserved[key]} reserved, {tokens} wanted")
        self._reserved.update(dict.fromkeys(keys, tokens))
        try:
            yield
        finally:
            self._reserved.subtract(dict.fromkeys(keys, tokens))
            self._reserved += Counter()  # what is zero leaves
