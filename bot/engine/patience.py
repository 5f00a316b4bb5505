"""Waiting for the store: what it cannot do now (its disk is full, another program holds it) it is asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import chain, repeat
from typing import ParamSpec, TypeVar

import structlog

from bot.errors import StoreError
from bot.ports import Store

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

WAITS_S = (0.2, 0.4, 0.8, 1.5, 3.0, 5.0)
"""Between one attempt and the next; the last one again and again. A disk is full until somebody makes room."""


async def patiently(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a call of the store returns, however often it must be made. Only being cancelled ends it sooner.

    A `StoreError` says that nothing was changed, so a call that is made again never has its effect twice. Where the
    disk is broken for good, the store itself cancels whoever uses it.
    """
    for wait_s in chain(WAITS_S, repeat(WAITS_S[-1])):
        try:
            return await call(*args, **kwargs)
        except StoreError as error:
            name = getattr(call, "__name__", "")
            log.warning("store_asked_again", call=name, retry_in_s=wait_s, detail=error.detail)
            await asyncio.sleep(wait_s)
    raise AssertionError


def patient(store: Store) -> Store:
    """Return a store each call of whose ports is made `patiently`. So what people do is heard, if later: no platform
    tells of an edit, a stop or a press again, and Slack tells of a message again only after a minute.
    """
    return store.around(lambda _, call: partial(patiently, call))
