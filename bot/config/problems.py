"""What is wrong with the settings, in sentences: one for each problem, with the key, the value and what was probably
meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.config.secrets import looks_secret

_LONGEST_VALUE = 40


def problems_of(error: ValidationError, model: type[BaseModel], secret: Sequence[str] = ()) -> Iterator[str]:
    """Yield a sentence for each problem. A value that may be a secret is not repeated; keys in `secret` are left out,
    because they are reported elsewhere.
    """
    for problem in error.errors(include_url=False):
        key = _key(problem["loc"])
        if key in secret or re.sub(r"\[\d+\]$", "", key) in secret:
            continue
        yield f"{key}: {_what(problem, model)}"


def _key(location: Sequence[int | str]) -> str:
    """Return `section.key`, with the position in a list, counted from 1."""
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _what(problem: ErrorDetails, model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        meant = _meant([step for step in problem["loc"] if isinstance(step, str)], model)
        return f"there is no such key; {meant or 'config.example.toml lists them all.'}"
    said = "input should be a list" if problem["type"] == "tuple_type" else problem["msg"]
    if problem["type"] in {"not_an_id", "not_an_address", "nowhere"}:  # our own, written to follow the value
        return f"{_shown(problem['input'])}{said}."
    shown = _shown(problem["input"])
    return f"{shown and f'{shown}is wrong: '}{said[0].lower()}{said[1:]}."


def _shown(value: object) -> str:
    """Return a wrong value as written in the file; "" if it is long, a table, or perhaps a secret."""
    if isinstance(value, Mapping | list | tuple | BaseModel) or looks_secret(value):
        return ""
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"{text} " if len(text) <= _LONGEST_VALUE and text.isprintable() else ""


def _meant(path: Sequence[str], model: type[BaseModel]) -> str:
    """Return the key that was probably meant: the same key in another section, or a similar one in its own."""
    keys, name = _keys(model), path[-1]
    beside = {key.rpartition(".")[2]: key for key in keys if key.rpartition(".")[0] == ".".join(path[:-1])}
    close = [key for key in keys if key.endswith(f".{name}")] or [beside[n] for n in get_close_matches(name, beside)]
    return f"did you mean {close[0]}?" if close else ""


def _keys(model: type[BaseModel], above: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        key = f"{above}.{name}" if above else name
        found.append(key)
        kind: Any = next(iter(get_args(field.annotation)), field.annotation)  # of a list, what it is of
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _keys(kind, key)
    return found
