"""Waiting for the store: a call that fails for now (the disk is full, another program holds the file) is made again."""

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
"""The waits between attempts; the last one repeats. A disk is full until somebody makes room."""


async def patiently(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a call of the store returns, however often it must be made. Only cancellation ends it sooner.

    A `StoreError` means that nothing was changed, so a repeated call never takes effect twice. If the disk is broken
    for good, the store itself cancels its users.
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
    """Return a store whose every call is made `patiently`. Events are then handled, if late: no platform repeats an
    edit, a stop or a press, and Slack repeats a message only after a minute.
    """
    return store.around(lambda _, call: partial(patiently, call))
