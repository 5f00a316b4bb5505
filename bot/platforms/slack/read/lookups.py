"""What is behind an id: looked up once an hour at most, and once for all who ask at the same time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")

LOOK_UP_S = 2.0
"""How long a look-up may take: Slack wants an event acknowledged within three seconds (docs, apis/events-api)."""
_KEPT = 2000
_FRESH_S = 3600.0
_FAILED_FRESH_S = 60.0


class LookUps(Generic[T]):
    """The newest look-ups. `look_up` never raises for what it cannot find out; `is_known`: whether it found it out."""

    def __init__(self, look_up: Callable[[str], Awaitable[T]], is_known: Callable[[T], bool]) -> None:
        self._look_up = look_up
        self._is_known = is_known
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._looking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, key: str) -> T:
        """Return what is behind an id, as it was within the last hour; what failed is tried again after a minute."""
        lock = self._looking.setdefault(key, asyncio.Lock())
        async with lock:
            now_s = asyncio.get_running_loop().time()
            until_s, found = self._known.get(key, (0.0, None))
            if found is None or until_s <= now_s:
                found = await self._look_up(key)
                self._known[key] = (now_s + (_FRESH_S if self._is_known(found) else _FAILED_FRESH_S), found)
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return found
