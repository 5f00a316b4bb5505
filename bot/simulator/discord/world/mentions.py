"""Whom a text pings. Pure: the rules of `allowed_mentions` (Discord docs, resources/message).

Text in code is not treated apart: a test that asserts silence must not depend on where a mention stands.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.simulator.discord.world.refusals import invalid

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(frozen=True, slots=True)
class Pings:
    """Who is pinged, in the order in which the text names them."""

    users: tuple[str, ...]
    roles: tuple[str, ...]
    everyone: bool


def evaluate(
    content: str,
    allowed: Mapping[str, Any] | None,
    *,
    users: Collection[str],
    roles: Collection[str],
    replied_to: str = "",
) -> Pings:
    """Return whom a text pings. `allowed` None means that the call had no `allowed_mentions`: everyone it names.

    `users`, `roles`: the ids that exist and may be pinged. `replied_to`: the author of the message replied to.
    Raise `RefusedError` for a list that contradicts `parse`.
    """
    named_users = _named(_USER, content, users)
    named_roles = _named(_ROLE, content, roles)
    everyone = bool(_EVERYONE.search(content))
    if allowed is None:
        return Pings(_first(named_users, replied_to), named_roles, everyone)
    parse = allowed.get("parse") or []
    named_users = _allowed(named_users, allowed, "users", parse)
    named_roles = _allowed(named_roles, allowed, "roles", parse)
    if allowed.get("replied_user"):
        named_users = _first(named_users, replied_to)
    return Pings(named_users, named_roles, everyone and "everyone" in parse)


def _named(pattern: re.Pattern[str], content: str, known: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for found in pattern.findall(content) if found in known))


def _first(users: tuple[str, ...], replied_to: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((replied_to, *users))) if replied_to else users


def _allowed(named: tuple[str, ...], allowed: Mapping[str, Any], kind: str, parse: Collection[str]) -> tuple[str, ...]:
    listed = allowed.get(kind) or []
    if kind in parse:
        if listed:
            words = f"parse:[{kind!r}] and {kind}: [ids...] are mutually exclusive."
            raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words)
        return named
    ids = {str(one) for one in listed}
    return tuple(one for one in named if one in ids)
