"""Who may still spend how much today. A request's highest cost is on disk before it is made, and is replaced by the
actual cost once that is known; what nobody settles (the process died) counts in full.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

import structlog

from bot.claude import Usage
from bot.engine.answer.money.cost import ENOUGH_TOKENS, LIKELY_TOKENS, about_spent, request_tokens
from bot.engine.answer.money.payers import EVERYBODY, AccountLimit, payers_of, person_of
from bot.engine.patience import patiently
from bot.engine.sentences import over_budget
from bot.errors import ParleyError, StoreError
from bot.events import Bill, Turn
from bot.places import Places, Profile
from bot.ports import Usage as UsagePort

log = structlog.get_logger()

DAY_S = 86_400.0


class OverBudget(ParleyError):  # noqa: N818 - what it is, not that it is an error
    """Somebody's share for today is used up; the sentence says whose, and when it opens again."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a question does not pass, in tokens: used or likely to be, likely used by running turns, needed, and the
    limit.
    """

    used: float
    running: float
    needed: float
    limit: int

    @property
    def too_much(self) -> float:
        """How many tokens must become free."""
        return self.used + self.needed - self.limit

    def __str__(self) -> str:
        parts = {"used": self.used, "of it running": self.running, "needed": self.needed, "limit": self.limit}
        return ", ".join(f"{name} {round(value)}" for name, value in parts.items())


class Account:
    """What one run of a turn costs, and who pays. `reserved`: the most that it may cost, as far as allowed so far;
    `likely`: what it will probably cost.
    """

    def __init__(self, turn: Turn, places: Places) -> None:
        self.turn = turn
        self.payers = payers_of(turn, places)
        self.number = 0
        self.is_settled = False
        self.reserved = self.likely = 0
        self._before = Usage()
        self._now = Usage()
        self._asked_tokens = 0
        self._unknown_tokens = 0

    @property
    def used(self) -> Usage:
        """What was used so far, as Claude reported it."""
        return self._before + self._now

    @property
    def spent(self) -> int:
        """The tokens used so far, including those that nobody reported."""
        return about_spent(self.used) + self._unknown_tokens

    def note(self, used: Usage) -> None:
        """Take in what a conversation has used so far."""
        unknown = used.unknown_requests - self._now.unknown_requests
        self._unknown_tokens += unknown * self._asked_tokens
        self._now = used

    def settled(self) -> None:
        """Note that what was used is on disk."""
        self.is_settled = True

    def asks(self, tokens: int) -> None:
        """Note the size of the next request, in tokens."""
        self._asked_tokens = tokens

    def close(self) -> None:
        """Note that a conversation is over; another one may follow."""
        self._before, self._now = self.used, Usage()

    def bill(self, tokens: int | None = None) -> Bill:
        """Return who pays how much of so many tokens, together never less than those; None: of what was spent."""
        usage = dict(self.used) if tokens is None else {}
        paid = self.spent if tokens is None else tokens
        shares = {account: ceil(paid * part) for account, part in self.payers.shares.items() if account != EVERYBODY}
        return Bill(shares, usage, self.number)

    def share(self, account: str) -> float:
        """Return the part of the cost that an account is charged with."""
        return self.payers.shares.get(account, 0.0)


class Budgets:
    """What the limits leave. A running turn counts with its likely cost, so that one question does not keep all others
    out; together the running ones may never cost more than a limit and one question.
    """

    def __init__(self, usage: UsagePort, places: Places) -> None:
        self._usage = usage
        self._places = places
        self._live: set[Account] = set()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def account(self, turn: Turn) -> AsyncIterator[Account]:
        """Open the account of a run; on leaving, cancelled or not, what it has used is settled unless it was."""
        account = Account(turn, self._places)
        try:
            yield account
        finally:
            await self._settle(account)

    async def hold(self, account: Account, body: Mapping[str, Any]) -> int:
        """Reserve what a request may cost; return how many tokens Claude may write. Raises `OverBudget`.

        The reservation is on disk when this returns.
        """
        given = request_tokens(body)
        account.asks(given)
        base, most = account.spent + given, int(body["max_tokens"])
        limits = account.payers.limits
        if not limits:
            await self._reserve(account, base, most)
            return most
        async with self._lock:
            left = min([most, *[await self._left(account, limit, base, most) for limit in limits]])
            await self._reserve(account, base, left)
            return left

    async def _left(self, account: Account, limit: AccountLimit, base: int, most: int) -> int:
        """Return how many tokens one limit lets Claude write. Raises `OverBudget`."""
        since_s, key = time.time() - DAY_S, limit.account
        part = account.share(key)
        recorded = await patiently(self._usage.spent, key, since_s) - part * account.reserved
        others = self._live - {account}
        unlikely = sum(other.share(key) * (other.reserved - other.likely) for other in others)
        enough = min(ENOUGH_TOKENS, most)
        left = min((limit.tokens - recorded + unlikely) / part - base, (limit.tokens - recorded) / part + most)
        if left < enough:
            running = sum(other.share(key) * other.likely for other in others)
            refusal = _Refusal(recorded - unlikely, running, part * (base + enough), limit.tokens)
            await self._refuse(account, limit, refusal)
        return int(left)

    async def _refuse(self, account: Account, limit: AccountLimit, refusal: "_Refusal") -> None:
        """Raise `OverBudget`, which says when the question would pass: as old turns leave the sliding 24 hours."""
        now_s = time.time()
        opens_in_s = 0.0
        if refusal.needed > refusal.limit:
            opens_in_s = inf
        elif refusal.too_much > refusal.running:
            tokens = ceil(refusal.too_much - refusal.running)
            at_s = await patiently(self._usage.spent_at_s, limit.account, now_s - DAY_S, tokens)
            opens_in_s = (at_s or now_s) + DAY_S - now_s
        name = _name(account.turn, limit.person) if limit.person and len(account.payers.persons) > 1 else ""
        sentence = over_budget(mine=bool(limit.person), name=name, opens_in_s=opens_in_s)
        raise OverBudget(sentence, f"{limit.account or 'everybody'}: {refusal}, free in {opens_in_s:.0f} s")

    async def _reserve(self, account: Account, base: int, output: int) -> None:
        account.number = await patiently(self._usage.charge, account.turn.key, account.bill(base + output))
        account.reserved, account.likely = base + output, base + min(output, LIKELY_TOKENS)
        self._live.add(account)

    async def _settle(self, account: Account) -> None:
        self._live.discard(account)  # before it is stored: until then it counts in full
        if not account.number or account.is_settled:
            return
        try:
            await self._usage.charge(account.turn.key, account.bill())
        except StoreError as error:
            log.warning("usage_not_settled", detail=error.detail)


def _name(turn: Turn, person: str) -> str:
    """Return the name of one of the persons who ask in a turn."""
    return next(q.author.name for q in turn.questions if person_of(q) == person)


def warn_of_limit(place: str, profile: Profile, least: int) -> None:
    """Log a warning if no question passes a limit of a place: the smallest one costs `least` tokens."""
    for name in ("tokens_per_person", "tokens_in_all"):
        limit = getattr(profile, name)
        if 0 < limit < least:
            log.warning("limit_passes_no_question", place=place, key=name, tokens=limit, needed=least)
