"""The messages of one answer: each is posted once, written down before and after, and edited until it is as it should
be. Nothing here decides what to do next.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.errors import Forbidden, Gone, RateLimited, Rejected
from bot.events import AnswerMessage, MessageKey
from bot.ports import PartLog, Surface
from bot.reply.screen import Attachment, Call, Rendering, ShownMessage, Step

log = structlog.get_logger()

_LONGEST_MARK = 21
"""Leaves room for a dot and three digits in the 25 characters of a Discord nonce."""
_MARK_BESIDE_DIGEST = 16
_TAKEN_AWAY = "-"
"""Before a part's key: what was posted with it is no longer there, and its place in the answer stays empty."""


class Parts:
    """The messages of one answer, and how far the platform has confirmed them: `screen`."""

    def __init__(
        self,
        surface: Surface,
        log: PartLog,
        turn: MessageKey,
        idempotency_key: str,
        parts: Sequence[AnswerMessage] = (),
    ) -> None:
        if len(idempotency_key) > _LONGEST_MARK:
            raise ValueError(
                f"A key has at most {_LONGEST_MARK} characters, so that a part's has 25: {idempotency_key!r}."
            )
        self._surface = surface
        self._log = log
        self._turn = turn
        self._idempotency_key = idempotency_key
        self._mine: set[int] = set()
        self._next_index = 1 + max((part.index for part in parts), default=-1)
        self.screen = [
            ShownMessage(p.index, p.idempotency_key, p.message_id, logged=True, may_exist=not p.message_id, file=p.file)
            for p in sorted(parts, key=lambda part: part.index)
            if not p.idempotency_key.startswith(_TAKEN_AWAY)
        ]

    def restart(self) -> None:
        """Know that the text of every message begins anew."""
        for shown in self.screen:
            shown.stale = shown.grown is not None

    async def make(self, step: Step) -> None:
        """Make one call. What it confirms is in `screen` when it returns; raises `PlatformError`s."""
        if step.call is Call.ATTACH:
            assert step.file is not None
            await self._attach(step.shown or self._new(step.file), step.file)
        elif step.call is Call.POST:
            await self._post(step.shown or self._new(), step.look)
        else:
            assert step.shown is not None
            await (self._delete(step.shown) if step.call is Call.DELETE else self._edit(step.shown, step.look))

    def leave(self) -> list[str]:
        """Have no more to do with what cannot be changed any more; return the texts that are on the screen.

        What a message of an earlier process shows is not known; the newest one gives way to whatever comes next.
        """
        posted = [shown for shown in self.screen if shown.message_id and not shown.file]
        for shown in list(self.screen):
            known = shown.sent is not None or shown in posted[-1:]
            if shown.file or not (known if shown.message_id else shown.may_exist):
                self.drop(shown)
        return [shown.sent.text for shown in self.screen if shown.message_id and shown.sent is not None]

    def drop(self, shown: ShownMessage) -> None:
        """Have no more to do with a message."""
        self.screen.remove(shown)

    def _new(self, file: Attachment | None = None) -> ShownMessage:
        index = self._next_index
        name = self._idempotency_key if file is None else f"{self._idempotency_key[:_MARK_BESIDE_DIGEST]}{file.digest}"
        shown = ShownMessage(index, f"{name}.{index}", file="" if file is None else file.name)
        self._next_index += 1
        self.screen.append(shown)
        return shown

    async def _post(self, shown: ShownMessage, look: Rendering) -> None:
        may_exist = await self._posting(shown)
        before = replace(shown)
        shown.try_to_show(look)
        try:
            message_id = await self._surface.post(
                look.text, shown.idempotency_key, buttons=look.buttons, growing=look.growing, may_exist=may_exist
            )
        except (RateLimited, Gone, Forbidden, Rejected):
            shown.back_to(before)
            shown.may_exist = may_exist
            raise
        # A message that was found may show what an earlier attempt said: it is not known until an edit.
        await self._posted(shown, message_id)
        if not may_exist:
            shown.confirm()

    async def _attach(self, shown: ShownMessage, file: Attachment) -> None:
        if len(file.data) > self._surface.limits.file_bytes:
            raise Forbidden("The file is too large for this place.", f"{len(file.data)} bytes")
        may_exist = await self._posting(shown)
        try:
            message_id = await self._surface.attach(file.name, file.data, shown.idempotency_key, may_exist=may_exist)
        except (RateLimited, Gone, Forbidden, Rejected):
            shown.may_exist = may_exist
            raise
        await self._posted(shown, message_id)

    async def _posting(self, shown: ShownMessage) -> bool:
        """Write down that a post is about to be made; return whether an earlier one may have landed."""
        if not shown.logged:
            await self._log.posting(self._turn, AnswerMessage(shown.index, shown.idempotency_key, file=shown.file))
            shown.logged = True
        may_exist, shown.may_exist = shown.may_exist, True
        return may_exist

    async def _posted(self, shown: ShownMessage, message_id: str) -> None:
        for other in [one for one in self.screen if one is not shown and one.message_id == message_id]:
            await self._taken_away(other)  # a post that was refused was looked for, and what followed it was found
        shown.message_id = message_id
        self._mine.add(shown.index)
        await self._log.posted(self._turn, AnswerMessage(shown.index, shown.idempotency_key, message_id, shown.file))

    async def _edit(self, shown: ShownMessage, look: Rendering) -> None:
        before = replace(shown)
        shown.try_to_show(look)
        try:
            await self._surface.edit(shown.message_id, look.text, buttons=look.buttons, growing=look.growing)
        except (RateLimited, Forbidden, Rejected):
            shown.back_to(before)
            raise
        except Gone as error:
            if shown.index in self._mine:
                raise
            # Taken away since an earlier attempt, by a person or by that: another message takes its place.
            log.info("message of an earlier attempt is gone", turn=str(self._turn), detail=error.detail)
            await self._taken_away(shown)
            return
        self._mine.add(shown.index)
        shown.confirm()
        shown.grown = look.text if look.growing else None
        shown.stale = shown.stale and look.growing

    async def _delete(self, shown: ShownMessage) -> None:
        await self._surface.delete(shown.message_id)
        await self._taken_away(shown)

    async def _taken_away(self, shown: ShownMessage) -> None:
        await self._log.posting(self._turn, AnswerMessage(shown.index, f"{_TAKEN_AWAY}{shown.idempotency_key}"))
        self.drop(shown)
