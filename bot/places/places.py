"""The tables of settings, and what they add up to for one question."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.events import Incoming, Turn
from bot.places.access import DENIED, Access, is_access
from bot.places.profile import Profile
from bot.places.where import Where

DEFAULT = "default"
PER_PERSON, IN_ALL = "tokens_per_person", "tokens_in_all"
LIMITS = frozenset({PER_PERSON, IN_ALL})
_MENTION = "mention_in_threads"

Values = Mapping[str, Any]
"""Settings by their names: a `Profile`'s, and in place of `access` its lists, each a frozenset (`denied_users`)."""


@dataclass(frozen=True, slots=True)
class Table:
    """Settings that differ somewhere. `name`: how people find it in the file."""

    where: Where
    values: Values
    name: str


@dataclass(frozen=True, slots=True)
class TokenLimit:
    """How many tokens may be used in a place within 24 hours; 0 is without limit. The place is where its table holds,
    and everybody's use counts. `place` "": everywhere.
    """

    tokens: int
    place: str


class Places:
    """What holds everywhere, and the tables that change it somewhere. Never changes.

    Of two tables that hold, the more specific one wins: a person's over a thread's, that over a channel's, that over a
    guild's or workspace's; of two with the same keys the later one. A denial always wins: a list of the denied is added
    to those of the tables above, and no table can let in whom another one denies.
    """

    def __init__(self, default: Values, tables: Sequence[Table] = ()) -> None:
        self._default = Table(Where(), default, DEFAULT)
        self._tables = sorted(tables, key=lambda table: table.where.rank)  # tables of one rank keep their written order

    def profile_of(self, question: Incoming) -> Profile:
        """Return what a turn that answers a question runs with."""
        holding = self._holding(question)
        return _profile(holding, misses=self._misses(question))

    def _misses(self, question: Incoming) -> bool:
        """Return whether somebody needs a mention where a question is asked: what they say without one is not taken."""
        here = [table for table in (self._default, *self._tables) if _MENTION in table.values]
        here = [table for table in here if table.where.holds_for_somebody(question)]
        for_all = [table for table in here if not table.where.person][-1:]
        return any(table.values[_MENTION] for table in here if table.where.person or table in for_all)

    def profile_of_turn(self, turn: Turn) -> Profile:
        """Return what a turn runs with: the profile of the first of its questions that is still there."""
        return self.profile_of((turn.asked or turn.questions)[0])

    def explain(self, question: Incoming) -> Mapping[str, tuple[str, ...]]:
        """Return for each setting the name of the table that its value comes from, or "default"; for a list of the
        denied, of every table that adds to it.
        """
        holding = self._holding(question)
        return {name: _sources(name, holding) for table in holding for name in table.values}

    def limit_of(self, question: Incoming, name: str) -> TokenLimit:
        """Return a limit that holds for a question: `tokens_per_person` or `tokens_in_all`."""
        table = [table for table in self._holding(question) if name in table.values][-1:]
        return TokenLimit(table[0].values[name], str(table[0].where)) if table else TokenLimit(0, "")

    def accounts_of(self, question: Incoming) -> Sequence[str]:
        """Return the places whose tables hold for a question and have limits, as `TokenLimit.place` has them."""
        limited = [table.where for table in self._holding(question) if not LIMITS.isdisjoint(table.values)]
        return [place for place in dict.fromkeys(map(str, limited)) if place]

    def variants(self) -> Iterator[tuple[str, Profile]]:
        """Yield what holds by default and what each table makes of it, by their names."""
        yield DEFAULT, _profile([self._default])
        for table in self._tables:
            yield table.name, _profile([self._default, table])

    def _holding(self, question: Incoming) -> list[Table]:
        """Return the tables that hold for a question, the default first and the most specific one last."""
        return [self._default, *(table for table in self._tables if table.where.holds(question))]


def _sources(name: str, tables: Sequence[Table]) -> tuple[str, ...]:
    if not name.startswith(DENIED):
        return tuple(table.name for table in tables if name in table.values)[-1:]
    return tuple(table.name for table in tables if table.values.get(name)) or (DEFAULT,)


def _profile(tables: Sequence[Table], *, misses: bool = False) -> Profile:
    values: dict[str, Any] = {}
    for table in tables:
        for name, value in table.values.items():
            values[name] = values.get(name, frozenset()) | value if name.startswith(DENIED) else value
    access = Access.of(**{name: values.pop(name) for name in list(values) if is_access(name)})
    return Profile(**values, access=access, reads_between=misses or bool(values.get(_MENTION)))
