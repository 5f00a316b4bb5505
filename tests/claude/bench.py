"""What `bot.claude` costs beside the bare SDK, in CPU time of the client's process, as ratios of one run.

    python tests/claude/bench.py [--rounds 9] [--claudette PYTHON]

Both sides talk to a simulated Claude in a process of its own, in turns, round by round; a ratio is the median of the
rounds. The SDK has its fastest transport (aiohttp). `--claudette`: a Python that has claudette and the SDK it needs
(`pip install claudette "anthropic<1"`); its column is claudette beside the bare SDK of that environment.
"""

import argparse
import asyncio
import gc
import importlib
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Awaitable, Callable

MODEL = "claude-sonnet-4-5"  # one that claudette's table has too
PIECES = 1000
ROUNDS = 9
Work = Callable[[], Awaitable[None]]


def history(messages: int) -> list[dict]:
    """Return a dialog that ends with an assistant message."""
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": [{"type": "text", "text": f"Message {i}: " + "word " * 12}]}
            for i in range(messages)]  # fmt: skip


def one(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def two(text: str, times: int = 2) -> str:
    """Repeat a text."""
    return text * times


def three(names: list[str]) -> str:
    """Join names."""
    return ", ".join(names)


def four(city: str, metric: bool = True) -> str:  # noqa: FBT002
    """Tell the weather."""
    return f"{city} {metric}"


def five(x: float) -> float:
    """Halve a number."""
    return x / 2


TOOLS = [one, two, three, four, five]


async def cpu(work: Work, times: int) -> float:
    """Return the CPU seconds this process used for one run of the work."""
    gc.collect()
    start = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - start) / times


async def ratios(kinds: dict[str, Work], times: int, rounds: int) -> dict[str, float]:
    """Return each kind's median CPU seconds; they take turns, so that what disturbs the machine disturbs all."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for work in kinds.values():
        await work()
    for _ in range(rounds):
        for name, work in kinds.items():
            found[name].append(await cpu(work, times))
    return {name: statistics.median(values) for name, values in found.items()}


async def ours(base_url: str, key: str, rounds: int) -> dict[str, dict[str, float]]:
    from bot.claude import AsyncChat, AsyncClient, get_schema, mk_sdk

    sdk = mk_sdk(api_key=key, base_url=base_url)
    client = AsyncClient(MODEL, cli=sdk)
    long, schemas = history(400), [get_schema(tool) for tool in TOOLS]

    async def bare(messages, **more):
        async with await sdk.messages.create(
            model=MODEL, max_tokens=4096, messages=messages, stream=True, **more
        ) as stream:
            async for _ in stream:
                pass

    async def helper():
        messages = [{"role": "user", "content": "pieces"}]
        async with sdk.messages.stream(model=MODEL, max_tokens=4096, messages=messages) as stream:
            async for _ in stream.text_stream:
                pass

    async def text(chat, prompt):
        async with await chat(prompt, stream=True) as stream:
            async for _ in stream:
                pass

    stream = {
        "bare": lambda: bare([{"role": "user", "content": "pieces"}]),
        "messages.stream()": helper,
        "ours": lambda: text(AsyncChat(cli=client), "pieces"),
    }
    past = {
        "bare": lambda: bare([*long, {"role": "user", "content": "Hi"}]),
        "ours": lambda: AsyncChat(cli=client, hist=long)("Hi"),
    }
    tools = {
        "bare": lambda: bare([{"role": "user", "content": "Hi"}], tools=schemas),
        "ours": lambda: AsyncChat(cli=client, tools=TOOLS)("Hi"),
    }
    try:
        return {
            "stream": await ratios(stream, 5, rounds),
            "history": await ratios(past, 10, rounds),
            "tools": await ratios(tools, 20, rounds),
            "idle": {"bytes": idle_bytes(client), "us": construct_us(client)},
        }
    finally:
        await sdk.close()


def idle_bytes(client) -> float:
    """Return the heap bytes of one idle chat among many on one client."""
    from bot.claude import AsyncChat

    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    chats = [AsyncChat(cli=client, sp="You help.", cache=True) for _ in range(10_000)]
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / len(chats)


def construct_us(client) -> float:
    """Return the microseconds it takes to make one."""
    from bot.claude import AsyncChat

    rounds = []
    for _ in range(9):
        start = time.perf_counter()
        for _ in range(10_000):
            AsyncChat(cli=client, sp="You help.", cache=True)
        rounds.append((time.perf_counter() - start) / 10_000 * 1e6)
    return statistics.median(rounds)


async def claudettes(base_url: str, key: str, rounds: int) -> dict[str, dict[str, float]]:
    """Run in claudette's environment: the same work, beside that environment's SDK."""
    claudette, anthropic = importlib.import_module("claudette"), importlib.import_module("anthropic")
    http = anthropic.DefaultAioHttpClient() if hasattr(anthropic, "DefaultAioHttpClient") else None
    sdk = anthropic.AsyncAnthropic(api_key=key, base_url=base_url, max_retries=0, http_client=http)
    client = claudette.AsyncClient(MODEL, cli=sdk)
    long = history(400)
    schemas = [importlib.import_module("claudette.core").get_schema(tool) for tool in TOOLS]

    async def bare(messages, **more):
        async with await sdk.messages.create(
            model=MODEL, max_tokens=4096, messages=messages, stream=True, **more
        ) as stream:
            async for _ in stream:
                pass

    async def helper():
        messages = [{"role": "user", "content": "pieces"}]
        async with sdk.messages.stream(model=MODEL, max_tokens=4096, messages=messages) as stream:
            async for _ in stream.text_stream:
                pass

    async def text():
        async for _ in await claudette.AsyncChat(cli=client)("pieces", stream=True):
            pass

    stream = {"bare": lambda: bare([{"role": "user", "content": "pieces"}]), "messages.stream()": helper, "ours": text}
    past = {
        "bare": lambda: bare([*long, {"role": "user", "content": "Hi"}]),
        "ours": lambda: claudette.AsyncChat(cli=client, hist=list(long))("Hi"),
    }
    tools = {
        "bare": lambda: bare([{"role": "user", "content": "Hi"}], tools=schemas),
        "ours": lambda: claudette.AsyncChat(cli=client, tools=TOOLS)("Hi"),
    }
    measured = {
        "stream": await ratios(stream, 5, rounds),
        "history": await ratios(past, 10, rounds),
        "tools": await ratios(tools, 20, rounds),
    }
    await sdk.close()
    return measured


async def serve() -> None:
    """Be the simulated Claude until the standard input is closed."""
    from bot.simulator.claude import Reply, SimulatedClaude

    def answer(body) -> Reply:
        content = body["messages"][-1]["content"]
        asked = content if isinstance(content, str) else content[-1]["text"]
        if asked == "pieces":
            return Reply(text="Some words and " * PIECES, pieces=PIECES, one_write=True)
        return Reply(text="Hello there.")

    async with SimulatedClaude(otherwise=answer) as claude:
        print(json.dumps([claude.base_url, claude.api_key]), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def imports() -> str:
    """Say whether importing the library imports the SDK, in a fresh process."""
    code = "import sys, bot.claude; print('yes' if 'anthropic' in sys.modules else 'no')"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def rows(found: dict, other: dict | None) -> list[tuple[str, str, str, str]]:
    def ratio(of: dict | None, work: str, against: str) -> str:
        return f"{of[work]['ours'] / of[work][against]:.2f} x" if of else "–"

    table = [
        (f"{PIECES:,}-piece stream, text mode, against `messages.stream()`", "0.60 x", "stream", "messages.stream()"),
        (f"{PIECES:,}-piece stream, text mode, against bare `create(stream=True)`", "1.15 x", "stream", "bare"),
        ("one call with a 400-message history, against bare", "1.10 x", "history", "bare"),
        ("one call with 5 tools, against bare", "1.10 x", "tools", "bare"),
    ]
    lines = [(name, limit, ratio(found, work, against), ratio(other, work, against))
             for name, limit, work, against in table]  # fmt: skip
    lines.append(("an idle `AsyncChat` on a shared client", "1024 B", f"{found['idle']['bytes']:.0f} B", "–"))
    lines.append(("constructing it", "20 µs", f"{found['idle']['us']:.1f} µs", "–"))
    lines.append(("importing `bot.claude` imports `anthropic`", "no", imports(), "–"))
    return lines


def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # of the model, which claudette knows too
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--claudette", metavar="PYTHON", help="a Python that has claudette")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve())
        return
    if given.worker:
        print(json.dumps(asyncio.run(claudettes(*given.worker, given.rounds))))
        return
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with server:
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())
            found = asyncio.run(ours(*address, given.rounds))
            other = None
            if given.claudette:
                command = [given.claudette, __file__, "--rounds", str(given.rounds), "--worker", *address]
                other = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        finally:
            server.terminate()
    print("| work | to reach | bot.claude | claudette |\n|---|---|---|---|")
    for line in rows(found, other):
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
