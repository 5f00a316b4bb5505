"""Who may speak to the bot, as lists of ids. The settings name the lists, and so say which there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

ALLOWED, DENIED, DMS = "allowed_", "denied_", "dms"

_NOBODY: frozenset[str] = frozenset()
Lists = Mapping[str, frozenset[str]]
"""Ids by their kind: "users", "roles", "channels", and what a platform calls its workspaces ("guilds")."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may speak to the bot, by the platforms' ids. A denial always wins; an empty list of the allowed allows all.

    `dms`: whether direct messages are answered, and those of several people.
    """

    dms: bool = True
    allowed: Lists = field(default_factory=dict)
    denied: Lists = field(default_factory=dict)

    @classmethod
    def of(cls, *, dms: bool = True, **lists: Iterable[str]) -> Self:
        """Return the access of lists by their names in the settings, such as `allowed_users`."""
        return cls(dms, _named(ALLOWED, lists), _named(DENIED, lists))

    @property
    def names_roles(self) -> bool:
        """Whether anything depends on a person's roles."""
        return bool(self.allows("roles") or self.denies("roles"))

    def allows(self, kind: str) -> frozenset[str]:
        """Return the ids of a kind that are allowed; empty allows all."""
        return self.allowed.get(kind, _NOBODY)

    def denies(self, kind: str) -> frozenset[str]:
        """Return the ids of a kind that are denied."""
        return self.denied.get(kind, _NOBODY)


def is_access(name: str) -> bool:
    """Return whether a setting of this name is about who may speak."""
    return name == DMS or name.startswith((ALLOWED, DENIED))


def _named(prefix: str, lists: Mapping[str, Iterable[str]]) -> Lists:
    return {name.removeprefix(prefix): frozenset(ids) for name, ids in lists.items() if name.startswith(prefix) and ids}
