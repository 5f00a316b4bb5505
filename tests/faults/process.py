"""The real bot as a process of its own, on simulated platforms in this one; what its database says when it is dead."""

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from talk import TOKEN, reply

from bot.simulator.claude import SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack

ROOT = Path(__file__).parents[2]
DATABASE = "parley.sqlite3"


@dataclass(frozen=True, slots=True)
class Row:
    """One accepted question as the database holds it."""

    token: str
    platform: str
    message: str
    state: str


def _hears_of_a_closed_terminal() -> None:
    """Undo what `nohup` does to the tests and would be inherited."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Bot:
    """`python -m bot run` in a directory; what it prints goes to `log` there."""

    def __init__(self, directory: Path, secrets: dict[str, str]) -> None:
        self.directory = directory
        self.database = directory / DATABASE
        self.log = directory / "parley.log"
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **secrets}
        self._process: asyncio.subprocess.Process | None = None

    def set(self, line: str) -> None:
        """Add a line to its settings, for the next start."""
        with (self.directory / "config.toml").open("a") as settings:
            settings.write(f"\n{line}\n")

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                cwd=self.directory,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=_hears_of_a_closed_terminal,
            )

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def let_no_file_grow_beyond(self, size_bytes: int) -> None:
        """Let its writes beyond a size fail from now on (EFBIG), as those on a disk that fails do."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

    async def ended(self, timeout_s: float = 120.0) -> int:
        assert self._process is not None
        async with asyncio.timeout(timeout_s):
            return await self._process.wait()

    async def running(self, ready: Awaitable[object]) -> None:
        """Wait until it is ready. Raises `AssertionError` with its last words if it ends before."""
        assert self._process is not None
        waits = [asyncio.create_task(_done(ready)), asyncio.create_task(self._process.wait())]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        assert waits[0] in done, f"the bot ended by itself:\n{self.log.read_text()[-2000:]}"
        waits[0].result()

    async def printed(self, words: str, timeout_s: float = 120.0) -> None:
        """Return when its log holds these words."""
        async with asyncio.timeout(timeout_s):
            while words not in self.log.read_text():  # noqa: ASYNC110 - another process's file has no event
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        if self.runs:
            self.signal(signal.SIGKILL)
            await self.ended()

    def copy_database(self, to: Path) -> Path:
        """Copy the database and its log of changes as they are at this moment."""
        to.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal"):
            source = Path(f"{self.database}{suffix}")
            if source.exists():
                shutil.copyfile(source, to / f"{DATABASE}{suffix}")
        return to / DATABASE

    def rows(self) -> list[Row]:
        """What is accepted: of a copy, so that nothing but the bot ever opens its file."""
        if not self.database.exists():
            return []
        with tempfile.TemporaryDirectory(prefix="parley-copy-") as there:
            return rows_of(self.copy_database(Path(there)))


async def _done(ready: Awaitable[object]) -> None:
    await ready


def rows_of(database: Path) -> list[Row]:
    with closing(sqlite3.connect(database)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'turn'").fetchone():
            return []
        found = db.execute("SELECT question, platform, message, state FROM turn ORDER BY id").fetchall()
    return [Row(TOKEN.findall(question)[0], platform, message, state) for question, platform, message, state in found]


def counted_tokens(database: Path) -> int:
    """Return what all turns have cost together, as the bot has counted it."""
    with closing(sqlite3.connect(database)) as db:
        return int(db.execute("SELECT coalesce(sum(tokens), 0) FROM usage").fetchone()[0])


@dataclass(frozen=True, slots=True)
class Ground:
    """The simulated platforms and the bot that is to run on them."""

    discord: SimulatedDiscord
    slack: SimulatedSlack
    claude: SimulatedClaude
    bot: Bot

    async def ready(self) -> None:
        """Return when the bot is connected to both platforms."""
        await self.bot.running(asyncio.gather(self.discord.gateway.ready(60.0), self.slack.sockets.ready(60.0)))


@asynccontextmanager
async def ground(directory: Path) -> AsyncIterator[Ground]:
    """Simulators, a config.toml that points to them, and the bot, not started; it is dead afterwards.

    Slack's limits are off: they are a minute long, and every new process begins to count anew. 429s come as faults.
    Discord's limit of fifty threads in five minutes is off, too: a run asks more than that in one channel, and where
    there are no threads all waits for its posts.
    """
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(SimulatedDiscord())
        discord.limits.set("POST /channels/*/messages/*/threads", 10_000, 1.0)
        slack = await stack.enter_async_context(SimulatedSlack(limits=False))
        claude = await stack.enter_async_context(SimulatedClaude(otherwise=reply))
        (directory / "config.toml").write_text(
            f"""
            claude.base_url = "{claude.base_url}"
            discord.api_url = "{discord.api_url}"
            discord.gateway_url = "{discord.gateway.url}"
            slack.api_url = "{slack.api_url}"
            store.path = "{DATABASE}"
            log.format = "json"
            limits.answer_pages = 50  # whatever is merged into one answer is read in messages, not in a file
            """
        )
        secrets = {
            "DISCORD_TOKEN": discord.app.token,
            "SLACK_BOT_TOKEN": slack.app.bot_token,
            "SLACK_APP_TOKEN": slack.app.app_token,
            "ANTHROPIC_API_KEY": claude.api_key,
        }
        bot = Bot(directory, secrets)
        stack.push_async_callback(bot.kill)
        yield Ground(discord, slack, claude, bot)
