"""A growing answer is on disk before anybody sees it: whatever becomes of this process, it can be shown again."""

from collections.abc import Awaitable
from typing import Any, cast

import structlog

from bot.engine.turns.running_turn import RunningTurn
from bot.errors import Forbidden, Gone, RateLimited, Rejected, StoreError
from bot.ports import Drafts, Surface

log = structlog.get_logger()


class _Kept:
    """A surface that stores the answer so far before it shows more of it. It stores as often as the platform lets it
    show something.
    """

    def __init__(self, surface: Surface, drafts: Drafts, run: RunningTurn) -> None:
        self._surface = surface
        self._drafts = drafts
        self._run = run
        self._kept = run.written.text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._surface, name)

    async def post(self, text: str, idempotency_key: str, **kwargs: Any) -> str:
        await self._keep(**kwargs)
        return await self._noted(idempotency_key, self._surface.post(text, idempotency_key, **kwargs))

    async def attach(self, name: str, data: bytes, idempotency_key: str, **kwargs: Any) -> str:
        return await self._noted(idempotency_key, self._surface.attach(name, data, idempotency_key, **kwargs))

    async def edit(self, *args: Any, **kwargs: Any) -> None:
        await self._keep(**kwargs)
        await self._surface.edit(*args, **kwargs)

    async def _noted(self, idempotency_key: str, post: Awaitable[str]) -> str:
        """Tell the run that a message may exist, until its id is stored or it certainly does not."""
        self._run.post_begins(idempotency_key)
        try:
            return await post
        except (RateLimited, Gone, Forbidden, Rejected):
            self._run.post_ended(idempotency_key)
            raise

    async def _keep(self, *, growing: bool = False, **_: Any) -> None:
        text = self._run.written.text
        if not growing or text == self._kept:
            return
        try:
            await self._drafts.keep(self._run.turn.key, text)
        except StoreError as error:
            log.warning("draft_not_kept", detail=error.detail)
        self._kept = text


def kept(surface: Surface, drafts: Drafts, run: RunningTurn) -> Surface:
    """Return a surface that keeps an answer before it shows it. A store that fails does not delay what readers see."""
    return cast("Surface", _Kept(surface, drafts, run))
