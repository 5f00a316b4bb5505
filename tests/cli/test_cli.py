"""The commands as a person runs them: a process, its exit code and what it prints."""

import asyncio
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from importlib import metadata
from pathlib import Path

import pytest

from bot.cli.logs import has_colours
from bot.simulator.claude import SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack

COMMAND = [sys.executable, "-m", "bot"]
ROOT = Path(__file__).parents[2]


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
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}


def test_without_a_terminal_try_plays_the_demo_and_every_answer_arrives_whole_and_once(tmp_path: Path) -> None:
    done = parley("try", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "answers arrived whole and once" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run", "a", "b"]])
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: list[str]) -> None:
    assert parley(*arguments, cwd=tmp_path).returncode == 2


def test_missing_secrets_exit_with_2_and_a_line_for_each(tmp_path: Path) -> None:
    done = parley("run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    discord, claude = done.stderr.splitlines()
    assert discord.startswith("parley: DISCORD_TOKEN: ")
    assert claude.startswith("parley: ANTHROPIC_API_KEY: ")


def test_the_version_and_the_help_load_nothing_but_themselves(tmp_path: Path) -> None:
    heavy = "{'anthropic', 'aiohttp', 'discord', 'slack_sdk', 'pydantic', 'structlog', 'bot.app', 'bot.tryout'}"
    for option in ("--version", "--help"):
        code = (
            "import sys; from bot.cli import main\n"
            f"try: main([{option!r}])\n"
            f"finally: print('loaded', sorted({heavy} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=clean({}), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0
        assert "parley" in done.stdout
        assert "loaded []" in done.stdout


def test_to_run_loads_neither_simulators_nor_window() -> None:
    code = "import sys; import bot.cli.run; print(sorted(m for m in sys.modules if 'simulator' in m or 'tryout' in m))"
    done = subprocess.run([sys.executable, "-c", code], env=clean({}), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("command", "file"), [("example-config", "config.example.toml"), ("manifest", "docs/slack-manifest.yaml")]
)
def test_the_example_of_the_settings_and_the_manifest_come_with_the_program(
    tmp_path: Path, command: str, file: str
) -> None:
    done = parley(command, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / file).read_text(encoding="utf-8")


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
            discord.gateway_url = "{discord.gateway.url}"
            slack.api_url = "{slack.api_url}"
            store.path = "parley.sqlite3"
            """
        )
        secrets = {
            "DISCORD_TOKEN": discord.app.token,
            "SLACK_BOT_TOKEN": slack.app.bot_token,
            "SLACK_APP_TOKEN": slack.app.app_token,
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

        self._said = bytearray()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    async def printed(self, *words: str) -> None:
        """Return when a line on standard error has all these words."""
        assert self._process.stderr is not None
        async with asyncio.timeout(120):
            while line := await self._process.stderr.readline():
                self._said += line
                if all(word.encode() in line for word in words):
                    return
        raise AssertionError(f"the process ended without a word of {words}: {self._said.decode()}")

    async def ended(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and everything it printed."""
        async with asyncio.timeout(120):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, (self._said + out + err).decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_cleanly(set_up: SetUp, tmp_path: Path, number: int) -> None:
    discord, slack, secrets = set_up
    process = await run(tmp_path, secrets)
    await discord.gateway.ready()
    await slack.sockets.ready()
    process.signal(number)
    code, printed = await process.ended()
    assert code == 0, printed
    assert "Traceback" not in printed
    assert "stopped" in printed
    for secret in secrets.values():
        assert secret not in printed


async def test_it_says_at_its_start_what_runs_and_where_it_keeps_what_it_must_not_forget(
    set_up: SetUp, tmp_path: Path
) -> None:
    discord, slack, secrets = set_up
    process = await run(tmp_path, secrets)
    await discord.gateway.ready()
    await slack.sockets.ready()
    process.signal(signal.SIGTERM)
    _, printed = await process.ended()
    start = next(line for line in printed.splitlines() if "starting" in line)
    for told in (
        f"version={metadata.version('parley')}",
        f"config={tmp_path / 'config.toml'}",
        f"database={tmp_path / 'parley.sqlite3'}",
        "model=claude-sonnet-5-5",
    ):
        assert told in start
    assert "\x1b" not in printed  # nobody looks: no colours


async def test_as_json_every_line_is_json_also_the_libraries_and_the_last_one(set_up: SetUp, tmp_path: Path) -> None:
    _, _, secrets = set_up
    with (tmp_path / "config.toml").open("a") as file:
        file.write('log.format = "json"\n')
    noise = (
        "import logging, sys, warnings\n"
        "from bot import cli\n"
        "from bot.cli import run\n"
        "serve = run._serve\n"
        "async def noisy(*given):\n"
        "    logging.getLogger('a.library').error('could not %s', 'do it')\n"
        "    warnings.warn('a library is old')\n"
        "    await serve(*given)\n"
        "run._serve = noisy\n"
        "sys.exit(cli.main())"
    )
    wrong = {**only("DISCORD", secrets), "DISCORD_TOKEN": "wrong"}
    process = await run(tmp_path, wrong, [sys.executable, "-c", noise])
    code, printed = await process.ended()
    assert code == 1
    lines = [json.loads(line) for line in printed.splitlines()]
    assert "could not do it" in [line["event"] for line in lines]
    assert any("a library is old" in line["event"] for line in lines)
    assert "DISCORD_TOKEN" in lines[-1]["reason"]
    assert {"level", "timestamp", "event"} <= set.intersection(*map(set, lines))


def test_as_json_an_error_that_ends_the_process_is_json() -> None:
    code = "from bot.cli.logs import set_up_logs; set_up_logs('info', 'json'); raise ValueError('nobody caught it')"
    done = subprocess.run([sys.executable, "-c", code], env=clean({}), capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert "nobody caught it" in json.loads(line)["exception"]


@pytest.mark.parametrize(
    ("terminal", "environment", "colours"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False), (True, {"TERM": "dumb"}, False)],
)
def test_colours_are_for_who_looks(terminal: bool, environment: dict[str, str], colours: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    assert has_colours(Stream(), environment) is colours


async def test_a_key_that_claude_refuses_ends_the_start(set_up: SetUp, tmp_path: Path) -> None:
    _, _, secrets = set_up
    code, printed = await (await run(tmp_path, {**secrets, "ANTHROPIC_API_KEY": "sk-of-somebody"})).ended()
    assert code == 1, printed
    assert "ANTHROPIC_API_KEY" in printed.splitlines()[-1]
    assert "sk-of-somebody" not in printed


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ('claude.model = "claude-sonnet-55"', "correct claude.model"),
        ('place = [{where = {}, dms = true}, {where = {}, model = "claude-sonnet-55"}]', "correct place[2].model"),
    ],
)
async def test_a_model_that_claude_does_not_know_ends_the_start(
    set_up: SetUp, tmp_path: Path, setting: str, key: str
) -> None:
    _, _, secrets = set_up
    with (tmp_path / "config.toml").open("a") as file:
        file.write(f"{setting}\n")
    code, printed = await (await run(tmp_path, secrets)).ended()
    assert code == 1, printed
    assert key in printed.splitlines()[-1]
    assert "claude-sonnet-55" in printed.splitlines()[-1]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('claude.model = "claude-sonnet-4-5"', ("model_is_retiring", "2026-11-30")),
        ('claude.base_url = "http://127.0.0.1:9/"', ("claude_cannot_be_asked_yet", "127.0.0.1")),
    ],
)
async def test_what_may_pass_is_said_and_the_bot_starts(
    set_up: SetUp, tmp_path: Path, setting: str, said: tuple[str, str]
) -> None:
    discord, slack, secrets = set_up
    key = setting.partition(" ")[0]
    file = tmp_path / "config.toml"
    kept = [line for line in file.read_text().splitlines() if key not in line]
    file.write_text("\n".join([*kept, setting, ""]))
    process = await run(tmp_path, secrets)
    await discord.gateway.ready()
    await slack.sockets.ready()
    await process.printed(*said)
    process.signal(signal.SIGTERM)
    assert (await process.ended())[0] == 0


async def test_row_23_the_collector_of_garbage_does_not_look_through_what_is_loaded(
    set_up: SetUp, tmp_path: Path
) -> None:
    discord, slack, secrets = set_up
    count = "lambda: print('kept', gc.get_freeze_count(), 'looked through', len(gc.get_objects()))"
    command = [sys.executable, "-c", f"import atexit, gc; from bot import cli; atexit.register({count}); cli.main()"]
    process = await run(tmp_path, secrets, command)
    await discord.gateway.ready()
    await slack.sockets.ready()
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
    await discord.gateway.ready()
    await slack.sockets.ready()
    since = len(discord.changes.seen)
    await discord.say(ada := discord.add_person("Ada"), discord.dm(ada), "swordfish in Discord")
    await slack.say(grace := slack.add_person("Grace"), slack.dm(grace), "swordfish in Slack")
    await discord.changes.wait(lambda c: c.by_bot and "swordfish" in c.text, since=since)
    await slack.changes.wait(lambda c: c.by_bot and "swordfish" in c.text)
    process.signal(signal.SIGTERM)
    code, printed = await process.ended()
    assert code == 0
    assert printed.count("question_accepted") == 2
    assert "swordfish" not in printed
    for secret in secrets.values():
        assert secret not in printed


def only(platform: str, secrets: dict[str, str]) -> dict[str, str]:
    """The secrets of one platform, and Claude's."""
    return {name: value for name, value in secrets.items() if name.startswith((platform, "ANTHROPIC"))}


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_where_the_only_platform_refuses_its_token_the_start_ends(
    set_up: SetUp, tmp_path: Path, name: str
) -> None:
    _, _, secrets = set_up
    wrong = {**only(name.partition("_")[0], secrets), name: "wrong-token-of-somebody"}
    process = await run(tmp_path, wrong)
    code, printed = await process.ended()
    assert code == 1, printed
    line = printed.strip().splitlines()[-1]
    assert line.startswith("parley: ")
    assert name in line
    assert "wrong-token-of-somebody" not in printed


async def test_a_platform_that_is_refused_is_said_loudly_and_the_other_goes_on(set_up: SetUp, tmp_path: Path) -> None:
    discord, _, secrets = set_up
    process = await run(tmp_path, {**secrets, "SLACK_APP_TOKEN": "wrong-token-of-somebody"})
    await process.printed("error", "SLACK_APP_TOKEN")
    await discord.gateway.ready()
    await discord.say(ada := discord.add_person("Ada"), discord.dm(ada), "Are you there?")
    await discord.changes.wait(lambda c: c.by_bot and "Are you there?" in c.text)
    process.signal(signal.SIGTERM)
    code, printed = await process.ended()
    assert code == 0, printed
    assert "wrong-token-of-somebody" not in printed


async def test_row_27_a_second_process_on_the_same_file_is_refused(set_up: SetUp, tmp_path: Path) -> None:
    discord, _, secrets = set_up
    first = await run(tmp_path, secrets)
    await discord.gateway.ready()
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
    await discord.gateway.ready()
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
