"""Reading a JSON object field by field, with the API's own complaints when something is missing or of another type."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from bot.simulator.claude.request.refusal import Refused

Json = dict[str, Any]
T = TypeVar("T")

_EXPECTED: dict[type, str] = {
    str: "a valid string",
    int: "a valid integer",
    bool: "a valid boolean",
    list: "a valid list",
    dict: "an object",
}


def join(where: str, key: str | int) -> str:
    """Return the path of a field inside `where`, such as `messages.0.content`."""
    return f"{where}.{key}" if where else str(key)


def typed(value: object, kind: type[T], where: str) -> T:
    """Return `value` if it is of the kind (a bool is no int). Raise `Refused` naming `where`."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Refused(f"{where}: Input should be {_EXPECTED[kind]}")
    return value


def required(body: Mapping[str, Any], key: str, kind: type[T], where: str = "") -> T:
    """Return a field that must be there. Raise `Refused`."""
    if key not in body:
        raise Refused(f"{join(where, key)}: Field required")
    return typed(body[key], kind, join(where, key))


def optional(body: Mapping[str, Any], key: str, kind: type[T], where: str = "") -> T | None:
    """Return a field that may be left out or null. Raise `Refused` if it is of another kind."""
    value = body.get(key)
    return None if value is None else typed(value, kind, join(where, key))


def no_extras(body: Mapping[str, Any], allowed: Collection[str], where: str = "") -> None:
    """Raise `Refused` if there is a field the API does not know."""
    for key in body:
        if key not in allowed:
            raise Refused(f"{join(where, key)}: Extra inputs are not permitted")


def one_of(value: object, allowed: Collection[str], where: str) -> str:
    """Return `value` if it is one of the allowed words. Raise `Refused`."""
    if not isinstance(value, str) or value not in allowed:
        expected = " or ".join(f"'{word}'" for word in allowed)
        raise Refused(f"{where}: Input should be {expected}")
    return value
