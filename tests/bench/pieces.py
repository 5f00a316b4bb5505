"""CPU from the bytes of Claude's stream to a scheduled edit, in microseconds a piece, when pieces come in bursts.

The simulated Claude writes a whole answer at once, from a thread of its own; what is counted is the CPU time of the
thread that reads it by `AsyncChat` and shows it by `LiveReply`, on a surface that does nothing but confirm.
"""
# ruff: noqa: ARG002 - fakes have the whole of a port's shape

import asyncio
import threading
import time
from collections.abc import Sequence
from statistics import median

from bot.claude import AsyncChat, AsyncClient, mk_sdk
from bot.events import AnswerMessage, Budget, Button, Earlier, Incoming, Limits, MessageKey, Place
from bot.platforms.discord.markup import DiscordDialect
from bot.reply import LiveReply, Pacer
from bot.simulator.claude import Reply, SimulatedClaude

_PIECES = 3000
_SENTENCE = "The queue grows at night because **two jobs** hold `lock_7` while the third one waits."
_LINES = 12


class _Confirming:
    """A surface with Discord's dialect and page size that confirms every call at once, and allows very many."""

    dialect = DiscordDialect()
    limits = Limits(2000, Budget("post", 1000, 1.0), Budget("edit", 1000, 1.0), 8.0)

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        return idempotency_key

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        return

    async def delete(self, message_id: str) -> None:
        return

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        return idempotency_key

    async def status(self, text: str) -> None:
        return

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        return Earlier()

    async def place(self) -> Place:
        return Place()


class _Forgetful:
    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        return

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        return


def _burst() -> list[str]:
    words = [f"{word} " for word in _SENTENCE.split()]
    return [words[at % len(words)] + ("\n\n" if (at + 1) % (_LINES * len(words)) == 0 else "") for at in range(_PIECES)]


async def _read(base_url: str, api_key: str, *, shown: bool) -> float:
    """Return the CPU seconds of one answer; without `shown`, of the library alone."""
    sdk = mk_sdk(api_key=api_key, base_url=base_url)
    chat = AsyncChat(cli=AsyncClient("claude-sonnet-5-5", cli=sdk))
    turn = MessageKey("bench", "w", "c", "1")
    count = 0
    async with (
        LiveReply(_Confirming(), Pacer(), log=_Forgetful(), turn=turn, idempotency_key="bench") as reply,
        await chat("question", stream=True, maxtok=64_000) as stream,
    ):
        begun_s = time.thread_time()
        async for piece in stream:
            count += 1
            if shown:
                reply.write(piece)
        if shown:
            await reply.finish()
        spent_s = time.thread_time() - begun_s
    await sdk.close()
    assert count == _PIECES, count
    return spent_s


def _serve(started: threading.Event, found: list[SimulatedClaude], stop: threading.Event) -> None:
    async def main() -> None:
        answer = Reply(pieces=_burst(), one_write=True)
        async with SimulatedClaude(otherwise=lambda _: answer) as claude:
            found.append(claude)
            started.set()
            await asyncio.to_thread(stop.wait)

    asyncio.run(main())


def measure(runs: int = 7) -> tuple[float, float]:
    """Return µs a piece: of everything, and of the library's part in it; medians."""
    started, stop, found = threading.Event(), threading.Event(), list[SimulatedClaude]()
    server = threading.Thread(target=_serve, args=(started, found, stop))
    server.start()
    started.wait()
    try:
        spent = {
            shown: median(asyncio.run(_read(found[0].base_url, found[0].api_key, shown=shown)) for _ in range(runs))
            for shown in (True, False)
        }
    finally:
        stop.set()
        server.join()
    return spent[True] * 1e6 / _PIECES, spent[False] * 1e6 / _PIECES


if __name__ == "__main__":
    whole, library = measure()
    print(f"{whole:.1f} µs a piece, {library:.1f} of them in bot.claude")
