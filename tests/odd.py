"""Every way in which one field of an event or an answer can be not as it is documented."""

from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[Any], Any]
_OTHER: tuple[Any, ...] = ("no number", 7, [7], {"a": 7}, True)
_DEEPEST = 3


def oddities(data: Any) -> Iterator[tuple[str, Change]]:
    """Yield a name and a change for each field of some recorded data, in depth: missing, null, or of another type; and
    for the whole: nothing, null, a list.
    """
    for path in _paths(data):
        yield f"{'.'.join(map(str, path))} missing", lambda it, path=path: _with(it, path, missing=True)
        for other in (None, *(one for one in _OTHER if type(one) is not type(_at(data, path)))):
            name = f"{'.'.join(map(str, path))} is {type(other).__name__}"
            yield name, lambda it, path=path, other=other: _with(it, path, other)
    yield "all of it missing", lambda _: {}
    yield "all of it null", lambda _: None
    yield "all of it a list", lambda it: [it]


def _paths(data: Any, deep: int = _DEEPEST) -> Iterator[tuple[Any, ...]]:
    fields = data.items() if isinstance(data, dict) else enumerate(data[:1]) if isinstance(data, list) else ()
    for name, value in fields:
        yield (name,)
        if deep > 1:
            yield from ((name, *path) for path in _paths(value, deep - 1))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        data = data[name]
    return data


def _with(data: Any, path: tuple[Any, ...], value: Any = None, *, missing: bool = False) -> Any:
    """Change one field; data of another shape than the recorded one stays as it is."""
    try:
        holder = _at(data, path[:-1])
        if missing:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        pass
    return data
