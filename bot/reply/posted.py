"""The messages of one answer: each is posted once, recorded before and after, and edited until it shows what it should.
Nothing here decides what to do next.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.errors import Forbidden, Gone, RateLimited, Rejected
from bot.events import AnswerMessage, MessageKey
from bot.ports import PartLog, Surface
from bot.reply.screen import AnswerFile, CallKind, NextCall, Rendering, ShownMessage

log = structlog.get_logger()

_MAX_KEY_CHARS = 21
"""It leaves room for a dot and three digits in the 25 characters of a Discord nonce."""
_KEY_CHARS_BESIDE_DIGEST = 16
_TAKEN_AWAY = "-"
"""The prefix of a key whose message has been deleted; its place in the answer stays empty."""


class PostedMessages:
    """The messages of one answer. `screen`: each of them as far as the platform has confirmed it."""

    def __init__(
        self,
        surface: Surface,
        log: PartLog,
        turn: MessageKey,
        idempotency_key: str,
        parts: Sequence[AnswerMessage] = (),
    ) -> None:
        if len(idempotency_key) > _MAX_KEY_CHARS:
            raise ValueError(
                f"A key has at most {_MAX_KEY_CHARS} characters, so that a part's has 25: {idempotency_key!r}."
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
        """Record that the text of every message starts again."""
        for shown in self.screen:
            shown.stale = shown.grown is not None

    async def make(self, call: NextCall) -> None:
        """Make one call. Afterwards `screen` has what it confirmed. Raise `PlatformError` if it fails."""
        if call.kind is CallKind.ATTACH:
            assert call.file is not None
            await self._attach(call.shown or self._new(call.file), call.file)
        elif call.kind is CallKind.POST:
            await self._post(call.shown or self._new(), call.rendering)
        else:
            assert call.shown is not None
            await (self._delete(call.shown) if call.kind is CallKind.DELETE else self._edit(call.shown, call.rendering))

    def leave(self) -> list[str]:
        """Forget the messages that can no longer be changed, and return the texts that are on the screen.

        What a message of an earlier process shows is not known; the newest of them is replaced by whatever comes next.
        """
        posted = [shown for shown in self.screen if shown.message_id and not shown.file]
        for shown in list(self.screen):
            known = shown.sent is not None or shown in posted[-1:]
            if shown.file or not (known if shown.message_id else shown.may_exist):
                self.drop(shown)
        return [shown.sent.text for shown in self.screen if shown.message_id and shown.sent is not None]

    def drop(self, shown: ShownMessage) -> None:
        """Forget a message."""
        self.screen.remove(shown)

    def _new(self, file: AnswerFile | None = None) -> ShownMessage:
        index = self._next_index
        name = self._idempotency_key
        if file is not None:
            name = f"{name[:_KEY_CHARS_BESIDE_DIGEST]}{file.digest}"
        shown = ShownMessage(index, f"{name}.{index}", file="" if file is None else file.name)
        self._next_index += 1
        self.screen.append(shown)
        return shown

    async def _post(self, shown: ShownMessage, rendering: Rendering) -> None:
        may_exist = await self._posting(shown)
        before = replace(shown)
        shown.try_to_show(rendering)
        try:
            message_id = await self._surface.post(
                rendering.text,
                shown.idempotency_key,
                buttons=rendering.buttons,
                growing=rendering.growing,
                may_exist=may_exist,
            )
        except (RateLimited, Gone, Forbidden, Rejected):
            shown.back_to(before)
            shown.may_exist = may_exist
            raise
        # A message that was found may show the text of an earlier attempt; only an edit makes sure of it.
        await self._posted(shown, message_id)
        if not may_exist:
            shown.confirm()

    async def _attach(self, shown: ShownMessage, file: AnswerFile) -> None:
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
        """Record that a post is about to be made, and return whether an earlier one may have landed."""
        if not shown.logged:
            await self._log.posting(self._turn, AnswerMessage(shown.index, shown.idempotency_key, file=shown.file))
            shown.logged = True
        may_exist, shown.may_exist = shown.may_exist, True
        return may_exist

    async def _posted(self, shown: ShownMessage, message_id: str) -> None:
        for other in [one for one in self.screen if one is not shown and one.message_id == message_id]:
            await self._taken_away(other)  # the look-up for a refused post found the message after it
        shown.message_id = message_id
        self._mine.add(shown.index)
        await self._log.posted(self._turn, AnswerMessage(shown.index, shown.idempotency_key, message_id, shown.file))

    async def _edit(self, shown: ShownMessage, rendering: Rendering) -> None:
        before = replace(shown)
        shown.try_to_show(rendering)
        try:
            await self._surface.edit(
                shown.message_id, rendering.text, buttons=rendering.buttons, growing=rendering.growing
            )
        except (RateLimited, Forbidden, Rejected):
            shown.back_to(before)
            raise
        except Gone as error:
            if shown.index in self._mine:
                raise
            # Deleted since an earlier attempt, by a person or by that attempt: another message takes its place.
            log.info("message_of_earlier_attempt_gone", turn=str(self._turn), detail=error.detail)
            await self._taken_away(shown)
            return
        self._mine.add(shown.index)
        shown.confirm()
        shown.grown = rendering.text if rendering.growing else None
        shown.stale = shown.stale and rendering.growing

    async def _delete(self, shown: ShownMessage) -> None:
        await self._surface.delete(shown.message_id)
        await self._taken_away(shown)

    async def _taken_away(self, shown: ShownMessage) -> None:
        await self._log.posting(self._turn, AnswerMessage(shown.index, f"{_TAKEN_AWAY}{shown.idempotency_key}"))
        self.drop(shown)
