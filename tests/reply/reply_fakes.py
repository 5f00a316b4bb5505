"""Fakes in the ports' shapes, and a clock that jumps instead of waiting."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from bot.errors import Gone, PlatformError, RateLimited, Rejected, Unreachable
from bot.events import AnswerMessage, Budget, Button, Earlier, Incoming, Limits, MessageKey, Place, Said
from bot.ports import Dialect, PartLog
from bot.reply import LiveReply, Pacer

T = TypeVar("T")
TURN = MessageKey("fake", "guild", "channel", "1")
WORDS = [f"word{number} " for number in range(60)]
MISTAKES: list[str] = []
"""What a reply asked of a `Chat` and never may: a text that does not fit, a status, a look at what was said."""


class Plain:
    """A dialect that changes nothing."""

    def render(self, markdown: str) -> str:
        return markdown

    def size(self, rendered: str) -> int:
        return len(rendered)


class Growing(Plain):
    """A dialect whose tables and ampersands grow: every cell becomes 24 columns wide, `&` becomes `&amp;`."""

    def render(self, markdown: str) -> str:
        return "\n".join(map(self._line, markdown.split("\n")))

    def _line(self, line: str) -> str:
        line = line.replace("&", "&amp;")
        if not line.lstrip().startswith("|"):
            return line
        return "|".join(cell.ljust(24) for cell in line.split("|"))


class _Jump:
    """A selector that lets the clock jump to the next timer when nothing else is going on."""

    def __init__(self, loop: "JumpingLoop") -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[Any]:
        found = self._real.select(0)
        if not found and timeout is None:
            raise AssertionError("everything waits, and nothing will ever happen")
        if not found and timeout:
            self._loop.now_s += timeout
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when it would have waited."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        super().__init__(_Jump(self))  # type: ignore[arg-type]

    def time(self) -> float:
        return self.now_s


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)


class Chat:
    """A surface that keeps messages, has limits of its own and fails as told.

    `faults` are raised by the next calls, one each; None lets a call through. A fault that is a pair (error, "landed")
    takes effect before it is raised. `windows`: (calls, seconds) the platform allows for each kind of call, in fixed
    windows; a call too many is refused as the platforms do it. `refuses`: what each kind of call is refused with.
    `said`: what was said before the question.
    """

    def __init__(self, size: int = 2000, posts: int = 5, edits: int = 5, per_s: float = 5.0, scope: str = "c") -> None:
        self.dialect: Dialect = Plain()
        self.limits = Limits(size, Budget(f"post:{scope}", posts, per_s), Budget(f"edit:{scope}", edits, per_s), 8.0)
        self.messages: dict[str, str] = {}
        self.buttons: dict[str, tuple[Button, ...]] = {}
        self.growing: dict[str, bool] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.ids: dict[str, str] = {}
        self.statuses: list[str] = []
        self.said: list[Said] = []
        self.calls: list[tuple[float, str, str, str]] = []
        self.may_exist: list[bool] = []
        self.faults: list[Any] = []
        self.refuses: dict[str, PlatformError] = {}
        self.latency_s = 0.1
        self.refused = 0
        self.enforced: dict[str, tuple[int, float]] = {}
        self._running: set[str] = set()
        self._windows: dict[str, list[float]] = {}

    @property
    def shown(self) -> list[str]:
        return [text for message, text in self.messages.items() if message not in self.files]

    def kinds(self, *kinds: str) -> list[str]:
        """The texts of the calls of these kinds."""
        return [text for _, kind, _, text in self.calls if kind in kinds]

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        self.may_exist.append(may_exist)
        async with self._call("post", idempotency_key, text) as land:
            if idempotency_key not in self.ids:
                self.ids[idempotency_key] = f"id-{idempotency_key}"
                self._show(self.ids[idempotency_key], text, buttons, growing=growing)
            land()
            return self.ids[idempotency_key]

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        ends = self.growing.get(message_id) and not growing
        async with self._call("end" if ends and self.limits.ends else "edit", message_id, text) as land:
            if message_id not in self.messages:
                raise Gone("The message is no longer there.")
            before = self.messages[message_id] if self.growing.get(message_id) and growing else ""
            if self.limits.append_only:
                assert text.startswith(before), "what grows can only get longer"
            self._show(message_id, text, buttons, growing=growing)
            land()

    async def delete(self, message_id: str) -> None:
        async with self._call("delete", message_id) as land:
            self.messages.pop(message_id, None)
            land()

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        self.may_exist.append(may_exist)
        async with self._call("attach", idempotency_key, name) as land:
            if idempotency_key not in self.ids:
                self.ids[idempotency_key] = f"id-{idempotency_key}"
                self.messages[self.ids[idempotency_key]] = name
                self.files[self.ids[idempotency_key]] = name, data
            land()
            return self.ids[idempotency_key]

    def _show(self, message_id: str, text: str, buttons: Sequence[Button], *, growing: bool) -> None:
        self.messages[message_id] = text
        self.buttons[message_id] = tuple(buttons)
        self.growing[message_id] = growing

    async def status(self, text: str) -> None:
        MISTAKES.append(f"a reply sets no status: {text}")
        self.statuses.append(text)

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        MISTAKES.append(f"a reply reads nothing: {question.key}, {limit}, {thread}")
        return Earlier(tuple(self.said[-limit:]) if thread else ())

    async def place(self) -> Place:
        MISTAKES.append("a reply does not ask where it is")
        return Place()

    @asynccontextmanager
    async def _call(self, kind: str, what: str, text: str = "x") -> AsyncIterator[Callable[[], None]]:
        assert text.strip(), "the platform refuses an empty message"
        if self.dialect.size(text) > self.limits.page_size:
            MISTAKES.append(f"too long for a message: {text[:50]}")
            raise Rejected("The message is too long.")
        reply = what.removeprefix("id-").rsplit(".", 1)[0]
        assert reply not in self._running, "two calls of one reply at once"
        now_s = asyncio.get_running_loop().time()
        self._limit(kind, now_s)
        self.calls.append((now_s, kind, what, text))
        self._running.add(reply)
        fault = self.faults.pop(0) if self.faults else self.refuses.get(kind)
        try:
            await asyncio.sleep(self.latency_s)
            if isinstance(fault, PlatformError):
                raise fault

            def land() -> None:
                if isinstance(fault, tuple):
                    raise fault[0]

            yield land
        finally:
            self._running.discard(reply)

    def _limit(self, kind: str, now_s: float) -> None:
        if kind not in self.enforced:
            return
        calls, per_s = self.enforced[kind]
        window = [t for t in self._windows.get(kind, []) if t > now_s - per_s]
        if len(window) >= calls:
            self.refused += 1
            raise RateLimited("Too many calls.", retry_after_s=window[0] + per_s - now_s)
        self._windows[kind] = [*window, now_s]


class Log:
    """A part log that remembers: `rows` what it was told, `parts` what a store would have."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, AnswerMessage]] = []
        self.turns: set[MessageKey] = set()
        self.parts: dict[int, AnswerMessage] = {}

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        self.turns.add(turn)
        self.rows.append(("posting", part))
        if self.parts.get(part.index, part).idempotency_key != part.idempotency_key or part.index not in self.parts:
            self.parts[part.index] = part

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        self.turns.add(turn)
        self.rows.append(("posted", part))
        self.parts[part.index] = part


def away() -> Unreachable:
    return Unreachable("Nobody answers.")


def reply_in(chat: Chat, **settings: Any) -> LiveReply:
    pacer: Pacer = settings.pop("pacer", None) or Pacer()
    log: PartLog = settings.pop("log", None) or Log()
    return LiveReply(chat, pacer, log=log, **{"turn": TURN, "idempotency_key": "m", **settings})


async def answer(
    chat: Chat,
    pieces: Sequence[str] = WORDS,
    *,
    note: str = "",
    buttons: Sequence[Button] = (),
    files: Sequence[tuple[str, bytes]] = (),
    every_s: float = 0.1,
    idempotency_key: str = "ab12cd34",
    **settings: Any,
) -> LiveReply:
    async with reply_in(chat, idempotency_key=idempotency_key, **settings) as reply:
        for piece in pieces:
            reply.write(piece)
            await asyncio.sleep(every_s)
        await reply.finish(note, buttons=buttons, files=files)
    return reply
