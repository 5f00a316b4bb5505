"""What the log may show of an event or an answer that cannot be read: its keys and types, nothing anybody wrote."""

import traceback
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import structlog

log = structlog.get_logger()

MISREAD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""The errors raised when data does not have its documented shape. None of them is transient."""

_MOST_KEYS = 40
_LONGEST_KEY = 40
_DEEPEST = 3


def shape(data: object, deep: int = _DEEPEST) -> Any:
    """Return the keys and types of plain JSON, as plain JSON: never a value, a few hundred words at most."""
    if not deep or isinstance(data, str | bytes):
        return type(data).__name__
    if isinstance(data, Mapping):
        keys = list(data)[:_MOST_KEYS]
        return {str(key)[:_LONGEST_KEY]: shape(data[key], deep - 1) for key in keys}
    if isinstance(data, Sequence):
        return [shape(item, deep - 1) for item in data[:1]]
    return type(data).__name__


def misread(said: str, data: object, error: BaseException, **more: object) -> None:
    """Log that something cannot be read: the kind and the place of the error, not its text, which may quote people."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    log.warning(said, error=type(error).__name__, at=at, shape=shape(data), **more)
