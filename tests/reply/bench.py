"""What a reply costs: CPU of a piece of text until its edit is scheduled, and time until a beginning is on its way.

    python tests/reply/bench.py

The surface confirms at once. Pieces come in bursts of 1,000 between two edits, and one by one with an edit for each.
"""

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from reply_fakes import Chat, reply_in  # noqa: E402 - the path is set above

from bot.events import Budget  # noqa: E402
from bot.platforms.discord.markup import DiscordDialect  # noqa: E402
from bot.platforms.slack.markup import SlackDialect  # noqa: E402
from bot.ports import Dialect  # noqa: E402

_SENTENCE = "The queue grows at night because **two jobs** hold `lock_7` while the third one waits. "
_WORDS = [f"{word} " for word in _SENTENCE.split()] * 80
_BURST = 1000
_ROUNDS = 8
"""So often does the loop go round for an edit that is allowed and confirmed at once."""


def chat_for(dialect: Dialect, size: int, *, append_only: bool) -> Chat:
    """Return a chat without limits of its own."""
    chat = Chat(size)
    chat.dialect, chat.latency_s = dialect, 0.0
    many = Budget("calls", 10**6, 1.0)
    chat.limits = replace(chat.limits, posts=many, edits=many, append_only=append_only)
    return chat


async def spent_s(chat: Chat, burst: int, bursts: int) -> float:
    """Return the CPU seconds of so many bursts of pieces, each shown before the next."""
    async with reply_in(chat, most_pages=10**6) as reply:
        reply.write("It begins with some words. ")
        await asyncio.sleep(0.05)
        begun_s = time.thread_time()
        for number in range(bursts):
            for at in range(burst):
                reply.write(_WORDS[(number * burst + at) % len(_WORDS)])
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
        return time.thread_time() - begun_s


async def first_post_s() -> float:
    """Return the seconds from a readable beginning to the call that posts it."""
    chat = chat_for(DiscordDialect(), 2000, append_only=False)
    async with reply_in(chat) as reply:
        await asyncio.sleep(0)
        begun_s = asyncio.get_running_loop().time()
        reply.write("The answer to this ")
        await asyncio.sleep(0.05)
        return chat.calls[0][0] - begun_s


def main() -> None:
    """Print the table."""
    for name, dialect, size, append_only in (
        ("discord", DiscordDialect(), 2000, False),
        ("slack, edits", SlackDialect(), 8000, False),
        ("slack, native", SlackDialect(), 8000, True),
    ):
        for burst, bursts in ((_BURST, 10), (1, 1000)):
            runs = [
                asyncio.run(spent_s(chat_for(dialect, size, append_only=append_only), burst, bursts)) for _ in "12345"
            ]
            print(f"{name:14} bursts of {burst:4}: {median(runs) / burst / bursts * 1e6:7.1f} µs a piece")
    print(
        f"first post {median(asyncio.run(first_post_s()) for _ in range(50)) * 1e3:.2f} ms after a readable beginning"
    )


if __name__ == "__main__":
    main()
