"""Questions ↔ JSON. A record of an older version lacks the fields added since; they have their defaults."""

import json
from dataclasses import fields
from typing import Any

from bot.events import Incoming, MessageKey, Person, Said, ThreadKey, Upload

_RENAMED = {"burst": "said_before", "gesture": "send_id"}
"""What an older version called some of a question's fields."""


def dump(question: Incoming) -> str:
    """Return a question as JSON."""
    # Escapes keep half a character, which UTF-8 cannot hold. One pass: `asdict` alone takes twice as long.
    return json.dumps(question, ensure_ascii=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}


def load(text: str) -> Incoming:
    """Return the question a record holds; fields it has and we do not know are left out."""
    record = {_RENAMED.get(name, name): value for name, value in json.loads(text).items()}
    return Incoming(
        **{
            **_known(Incoming, record),
            "key": MessageKey(**record["key"]),
            "thread": ThreadKey(**record["thread"]),
            "author": _person(record["author"]),
            "uploads": _uploads(record),
            "said_before": tuple(_said(line) for line in record.get("said_before", ())),
        }
    )


def _said(record: dict[str, Any]) -> Said:
    return Said(**{**_known(Said, record), "author": _person(record["author"]), "uploads": _uploads(record)})


def _person(record: dict[str, Any]) -> Person:
    return Person(**{**_known(Person, record), "roles": frozenset(record.get("roles", ()))})


def _uploads(record: dict[str, Any]) -> tuple[Upload, ...]:
    return tuple(Upload(**_known(Upload, upload)) for upload in record.get("uploads", ()))


def _known(kind: type, record: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in record.items() if name in names}
