"""The commands as a person runs them: a process, its exit code and what it prints."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.simulator.claude import SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack

COMMAND = [sys.executable, "-m", "bot"]


def parley(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=clean(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def clean(environment: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), **environment}


def test_without_a_terminal_try_plays_the_demo_and_every_answer_arrives_whole_and_once(tmp_path: Path) -> None:
    done = parley("try", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "answers arrived whole and once" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run", "a", "b"]])
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: list[str]) -> None:
    assert parley(*arguments, cwd=tmp_path).returncode == 2


def test_a_missing_secret_exits_with_2_and_one_line_that_names_it(tmp_path: Path) -> None:
    done = parley("run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("parley: DISCORD_TOKEN")
    assert done.stderr.count("\n") == 1


def test_a_settings_file_that_is_wrong_exits_with_2_and_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[claude]\nmodle = 'x'\n")
    done = parley("run", cwd=tmp_path, DISCORD_TOKEN="t", ANTHROPIC_API_KEY="k")
    assert done.returncode == 2
    assert "claude.modle" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
async def set_up(tmp_path: Path) -> AsyncIterator[tuple[SimulatedDiscord, SimulatedSlack, dict[str, str]]]:
    """Platforms on loopback, a config.toml that points to them, and the secrets they take."""
    async with SimulatedDiscord() as discord, SimulatedSlack() as slack, SimulatedClaude() as claude:
        discord.add_guild("Guild")
        (tmp_path / "config.toml").write_text(
            f"""
            claude.base_url = "{claude.base_url}"
            discord.api_url = "{discord.api_url}"
            discord.gateway_url = "{discord.gateway_url}"
            slack.api_url = "{slack.api_url}"
            store.path = "parley.sqlite3"
            """
        )
        secrets = {
            "DISCORD_TOKEN": discord.token,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "ANTHROPIC_API_KEY": claude.api_key,
        }
        yield discord, slack, secrets


SetUp = tuple[SimulatedDiscord, SimulatedSlack, dict[str, str]]


async def run(cwd: Path, environment: dict[str, str], command: Sequence[str] = COMMAND) -> "Process":
    return Process(
        await asyncio.create_subprocess_exec(
            *command,
            "run",
            cwd=cwd,
            env=clean(environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    )


class Process:
    """A running `parley run`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    async def ended(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and everything it printed."""
        async with asyncio.timeout(60):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, (out + err).decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_cleanly(set_up: SetUp, tmp_path: Path, number: int) -> None:
    discord, slack, secrets = set_up
    process = await run(tmp_path, secrets)
    await discord.ready()
    await slack.ready()
    process.signal(number)
    code, printed = await process.ended()
    assert code == 0, printed
    assert "Traceback" not in printed
    assert "stopped" in printed
    for secret in secrets.values():
        assert secret not in printed


async def test_row_23_the_collector_of_garbage_does_not_look_through_what_is_loaded(
    set_up: SetUp, tmp_path: Path
) -> None:
    discord, slack, secrets = set_up
    count = "lambda: print('kept', gc.get_freeze_count(), 'looked through', len(gc.get_objects()))"
    command = [sys.executable, "-c", f"import atexit, gc; from bot import cli; atexit.register({count}); cli.main()"]
    process = await run(tmp_path, secrets, command)
    await discord.ready()
    await slack.ready()
    process.signal(signal.SIGTERM)
    _, printed = await process.ended()
    found = re.search(r"kept (\d+) looked through (\d+)", printed)
    assert found, printed
    assert int(found[2]) < int(found[1]) / 10


async def test_no_message_and_no_secret_is_logged_even_at_debug(set_up: SetUp, tmp_path: Path) -> None:
    discord, slack, secrets = set_up
    with (tmp_path / "config.toml").open("a") as file:
        file.write('log.level = "debug"\nlog.format = "json"\n')
    process = await run(tmp_path, secrets)
    await discord.ready()
    await slack.ready()
    since = len(discord.changes.seen)
    await discord.say(ada := discord.add_person("Ada"), discord.dm(ada), "swordfish in Discord")
    await slack.say(grace := slack.add_person("Grace"), slack.dm(grace), "swordfish in Slack")
    await discord.changes.wait(lambda c: c.by_bot and "swordfish" in c.text, since=since)
    await slack.changes.wait(lambda c: c.by_bot and "swordfish" in c.text)
    process.signal(signal.SIGTERM)
    code, printed = await process.ended()
    assert code == 0
    assert printed.count("question accepted") == 2
    assert "swordfish" not in printed
    for secret in secrets.values():
        assert secret not in printed


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_token_that_is_refused_ends_the_start(set_up: SetUp, tmp_path: Path, name: str) -> None:
    _, _, secrets = set_up
    process = await run(tmp_path, {**secrets, name: "wrong-token-of-somebody"})
    code, printed = await process.ended()
    assert code == 1, printed
    line = printed.strip().splitlines()[-1]
    assert line.startswith("parley: ")
    assert name in line
    assert "wrong-token-of-somebody" not in printed


async def test_row_27_a_second_process_on_the_same_file_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    discord, _, secrets = set_up
    first = await run(tmp_path, secrets)
    await discord.ready()
    second = await run(tmp_path, secrets)
    code, printed = await second.ended()
    assert code == 1
    assert "in use" in printed
    first.signal(signal.SIGTERM)
    assert (await first.ended())[0] == 0


async def test_a_file_that_is_no_database_is_refused_and_left_alone(set_up: SetUp, tmp_path: Path) -> None:
    _, _, secrets = set_up
    file = tmp_path / "parley.sqlite3"
    file.write_bytes(b"this is somebody's diary" * 100)
    code, printed = await (await run(tmp_path, secrets)).ended()
    assert code == 1, printed
    assert "Traceback" not in printed
    assert file.read_bytes() == b"this is somebody's diary" * 100


async def test_a_database_of_a_newer_version_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    discord, _, secrets = set_up
    first = await run(tmp_path, secrets)
    await discord.ready()
    first.signal(signal.SIGTERM)
    await first.ended()
    with sqlite3.connect(tmp_path / "parley.sqlite3") as database:
        database.execute("PRAGMA user_version = 1000")
    database.close()
    code, printed = await (await run(tmp_path, secrets)).ended()
    assert code == 1, printed
    assert "newer" in printed


async def test_a_place_that_cannot_be_written_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    _, _, secrets = set_up
    (tmp_path / "config.toml").write_text(
        (tmp_path / "config.toml").read_text().replace("parley.sqlite3", "/proc/parley/parley.sqlite3")
    )
    code, printed = await (await run(tmp_path, secrets)).ended()
    assert code == 1, printed
    assert "Traceback" not in printed
