"""Who pays for a turn, into which accounts, and within which limits. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.events import Incoming, Turn
from bot.places import IN_ALL, PER_PERSON, Places, TokenLimit

EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """How many tokens an account may use in 24 hours. `person`: whose limit it is, "" for all together."""

    account: str
    tokens: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Payers:
    """Who pays for a turn. `persons`: each one's part of it. `shares`: the part that each account is charged with:
    everybody's, each person's, and where a table with limits holds, that place's and each person's there.
    """

    persons: Mapping[str, float]
    shares: Mapping[str, float]
    limits: Sequence[AccountLimit]


def payers_of(turn: Turn, places: Places) -> Payers:
    """Return who pays for a turn: each person in proportion to their questions. Each has their own limit; for all
    together, the limit of the first question holds.
    """
    asked = turn.asked or turn.questions
    part = 1 / len(asked)
    persons: defaultdict[str, float] = defaultdict(float)
    there: defaultdict[str, float] = defaultdict(float)
    limits: dict[str, AccountLimit] = {}
    for question in asked:
        person = person_of(question)
        persons[person] += part
        for place in places.accounts_of(question):
            there[_account(place)] += part
            there[_account(place, person)] += part
        own = places.limit_of(question, PER_PERSON)
        limits[person] = AccountLimit(_account(own.place, person), own.tokens, person)
    limits[EVERYBODY] = _in_all(places.limit_of(asked[0], IN_ALL))
    return Payers(persons, {EVERYBODY: 1.0, **persons, **there}, [one for one in limits.values() if one.tokens])


def person_of(question: Incoming) -> str:
    """Return who asks: platform and id, as `discord:42`."""
    return f"{question.key.platform}:{question.author.id}"


def _in_all(limit: TokenLimit) -> AccountLimit:
    return AccountLimit(_account(limit.place), limit.tokens)


def _account(place: str, person: str = "") -> str:
    return f"@{place} {person}".strip() if place else person
