"""One row of the benchmark: K questions at once on a simulated platform, and when a reader saw which character.

The simulators run in this process and whoever answers in another one. Every reply is made of words of ten characters
that name the reply and their place in it; Claude sends one word at a time. All K replies begin at the same moment, one
second after the last request has reached Claude.

A row ends when all is visible, or `CAP_S` after that moment: with 256 replies Slack's fifty edits a minute would take
six minutes, and one Discord channel's posts nine. What nobody has seen by then counts as seen then, also in `least`.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

from bot.simulator.changes import Change, Changes
from bot.simulator.claude import Reply, Request, SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack

DELIVERY = {"slack-edits": "edit", "slack-native": "stream", "slack-auto": "auto", "slack-bursts": "auto"}
_BURSTS = {
    "chat.postMessage": 3, "chat.startStream": 5, "chat.stopStream": 5, "chat.appendStream": 20, "chat.update": 12,
    "users.info": 20, "agents.sessions.setStatus": 12, "assistant.threads.setStatus": 30,
}  # fmt: skip
"""Slack tells how many calls a minute it takes, and not how many at once; a guess of how few that may be."""
_CHANNELS = 8
PLACES = ("discord-channel", "discord-threads", "discord-asked", *DELIVERY)
CHARACTERS = 3000
RATE = 60.0
"""Characters a second."""
DURATION_S = CHARACTERS / RATE
CAP_S = 130.0
"""From the moment the replies begin."""
_WORD = 10
_READABLE = 1
"""The second word makes a beginning that is worth a post: sixteen characters."""
_WORDS = CHARACTERS // _WORD
_PARAGRAPH = 30
_FIRST_TOKEN_S = 1.0
_NAME = re.compile(r"r(\d{3})w(\d{3})")
_IDS = re.compile("[0-9]{6,}")
_ASKED = re.compile(r"question (\d{3})")
_HERE = Path(__file__).parent
_START_S = 120.0
_SLOW_S = 0.25
_BUSY = 0.9


@dataclass(frozen=True, slots=True)
class Row:
    """What one run showed; all times in seconds. Pairs are (median, worst) over the replies.

    `mean_lag`: over all characters of all replies. `first`: first visible text after Claude's first token; `beyond`:
    after Claude's first sixteen characters. `last`: last character visible after Claude sent it. `missing`: the part of
    the text that was not visible at the end. `cpu_us`: CPU time of the answering process a piece; `cpu_ms_a_call`: and
    a call of the platform. `late_s`: the longest that a word of the simulated Claude came behind its pace. `vanished`:
    words that had been visible and were nowhere, times the seconds for which they were. `busy`: the part of the
    machine's CPU time that was used, by whomever.
    """

    place: str
    replies: int
    strategy: str
    mean_lag: float
    first: tuple[float, float]
    beyond: tuple[float, float]
    last: tuple[float, float]
    missing: float
    calls: dict[str, int]
    limited: dict[str, int]
    cpu_us: float
    late_s: float
    vanished: float
    cpu_ms_a_call: float
    busy: float = 0.0

    @property
    def trusted(self) -> bool:
        """Whether the machine was fast enough for this row to mean anything."""
        return self.late_s < _SLOW_S and self.busy < _BUSY


def words(number: int) -> list[str]:
    """Return a reply's words, ten characters each, white space included."""
    names = [f"r{number:03d}w{place:03d}" for place in range(_WORDS)]
    return [name + ("\n\n" if (place + 1) % _PARAGRAPH == 0 else ", ") for place, name in enumerate(names)]


class Stage:
    """The simulated platforms with K questions to ask on them, and what became of the answers."""

    def __init__(self, place: str, replies: int, discord: SimulatedDiscord, slack: SimulatedSlack) -> None:
        self.place = place
        self.replies = replies
        self.discord = discord
        self.slack = slack
        self.gate = asyncio.Event()
        self._asks: list[Callable[[str], Any]] = []

    @property
    def changes(self) -> Changes:
        return self.slack.changes if self.place in DELIVERY else self.discord.changes

    async def prepare(self) -> None:
        """Make channels, threads and people; every question is asked by another person."""
        guild = self.discord.add_guild("Analytical Engines")
        channels = [self.discord.add_channel(guild, f"general-{number}") for number in range(_CHANNELS)]
        channel = channels[0]
        if self.place == "slack-bursts":
            for method, calls in _BURSTS.items():
                self.slack.limits.set_burst(method, calls)
        if self.place == "discord-channel":
            self.discord.deny("create_thread")
        for number in range(self.replies):
            if self.place in DELIVERY:
                person, room = self.slack.add_person(f"Ada {number}"), self.slack.add_channel(f"room-{number}")
                self._asks.append(partial(self.slack.say, person, room))
                continue
            there = channels[number % _CHANNELS] if self.place == "discord-asked" else channel
            someone = self.discord.add_person(f"Ada {number}", guild=guild)
            if self.place == "discord-threads":
                root = await self.discord.say(someone, channel, "let us talk")
                await self.discord.open_thread(someone, channel, f"talk {number}", on=root.id)
                there = root.id
            self._asks.append(partial(self.discord.say, someone, there))

    async def ask(self) -> None:
        bot = self.slack.app.mention if self.place in DELIVERY else self.discord.app.mention
        for number, ask in enumerate(self._asks):
            await ask(f"{bot} question {number:03d}")

    def answer(self, body: Mapping[str, Any]) -> Reply:
        """Return the reply to a request, which waits for the gate."""
        found = _ASKED.findall(json.dumps(body["messages"][-1]))
        return Reply(pieces=words(int(found[-1])), gate=self.gate, piece_s=_WORD / RATE)

    def settings(self, directory: str, claude: SimulatedClaude) -> dict[str, Any]:
        delivery = DELIVERY.get(self.place)
        discord = {"api_url": self.discord.api_url, "gateway_url": self.discord.gateway.url}
        return {
            "settings": {
                "claude": {"base_url": claude.base_url},
                "store": {"path": f"{directory}/parley.sqlite3"},
                "discord": {"enabled": not delivery, "cdn_hosts": [self.discord.cdn_host], **discord},
                "slack": {
                    "enabled": bool(delivery),
                    "delivery": delivery or "edit",
                    "api_url": self.slack.api_url,
                    "file_hosts": [self.slack.file_host],
                },
                "limits": {"turns_at_once": 1000},
            },
            "secrets": {
                "anthropic_api_key": claude.api_key,
                "discord_token": self.discord.app.token,
                "slack_bot_token": self.slack.app.bot_token,
                "slack_app_token": self.slack.app.app_token,
            },
        }

    def calls(self, status: int | None = None) -> dict[str, int]:
        """Return how many calls of each kind were made, or how many were answered with a status."""
        if self.place in DELIVERY:
            made = [(call.method, call.status) for call in self.slack.api.calls]
        else:
            made = [(f"{c.method} {_IDS.sub('…', c.path).split('?')[0]}", c.status) for c in self.discord.rest.calls]
        return dict(Counter(name for name, answered in made if status in {None, answered}))


@asynccontextmanager
async def _contender(strategy: str, given: dict[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_HERE / "contender.py"), strategy, stdin=asyncio.subprocess.PIPE, cwd=_HERE.parents[1],
        env={**os.environ, "PYTHONPATH": str(_HERE.parents[1])},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(given).encode())
    process.stdin.close()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()  # all was seen; how the bot ends is no part of the measurement
        await process.wait()


class _Clocks:
    """CPU time since this was made: of one process, and of the whole machine. Linux only."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._own, self._busy, self._all = self._read()

    def own_s(self) -> float:
        return (self._read()[0] - self._own) / os.sysconf("SC_CLK_TCK")

    def busy(self) -> float:
        """Return the part of all CPUs' time that was used."""
        _, busy, all_ = self._read()
        return (busy - self._busy) / max(1, all_ - self._all)

    def _read(self) -> tuple[int, int, int]:
        process = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        machine = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return int(process[11]) + int(process[12]), sum(machine) - machine[3] - machine[4], sum(machine)


async def run(place: str, replies: int, strategy: str, begun: Callable[[], None]) -> Row:
    """Ask K questions and watch until every character of every answer was visible, or `CAP_S` long.

    `begun` is called when the replies begin. Raises `TimeoutError` if they do not.
    """
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as directory:
        async with SimulatedDiscord() as discord, SimulatedSlack() as slack:
            stage = Stage(place, replies, discord, slack)
            await stage.prepare()
            async with SimulatedClaude(otherwise=stage.answer) as claude:
                async with _contender(strategy, stage.settings(directory, claude)) as process:
                    await (slack if place in DELIVERY else discord).ready(timeout_s=_START_S)
                    await stage.ask()
                    await claude.until(lambda: claude.count == replies, timeout_s=_START_S)
                    await asyncio.sleep(_FIRST_TOKEN_S)
                    clocks, before = _Clocks(process.pid), sum(stage.calls().values())
                    stage.gate.set()
                    begun()
                    seen = Seen(replies)
                    with contextlib.suppress(TimeoutError):  # the row then says what is missing
                        await stage.changes.wait(seen.complete_with, timeout_s=CAP_S)
                    seen.end()
                    cpu_s, busy = clocks.own_s(), clocks.busy()
                    made = sum(stage.calls().values()) - before
                return replace(_row(stage, strategy, claude, seen, cpu_s), busy=busy, cpu_ms_a_call=cpu_s * 1e3 / made)


class Seen:
    """When each word of each reply was visible for the first time, and for how long it was nowhere after that.

    `vanished`: words × seconds.
    """

    def __init__(self, replies: int) -> None:
        self.at_s: list[list[float]] = [[0.0] * _WORDS for _ in range(replies)]
        self.missing = replies * _WORDS
        self.vanished = 0.0
        self._read: dict[str, int] = {}
        self._shown: list[dict[str, range]] = [{} for _ in range(replies)]
        self._reply: dict[str, int] = {}
        self._gone: list[tuple[int, float]] = [(0, 0.0)] * replies

    def complete_with(self, change: Change) -> bool:
        """Look at one more change; say whether everything is visible now."""
        if not change.by_bot or change.kind not in {"posted", "edited", "deleted"}:
            return not self.missing
        self._look_for_gone(change)
        if change.kind == "deleted":
            return not self.missing
        start = self._read.get(change.message, 0)  # text that stood before it is not read again
        for match in _NAME.finditer(change.text, max(0, start - 3 * _WORD)):
            times, place = self.at_s[int(match[1])], int(match[2])
            if not times[place]:
                times[place] = change.at_s
                self.missing -= 1
        self._read[change.message] = len(change.text)
        return not self.missing

    def _look_for_gone(self, change: Change) -> None:
        """Note which words of the reply are in which message now, and how many that were seen are in none."""
        first, number = _NAME.search(change.text), self._reply.get(change.message)
        if first is not None:
            number = self._reply[change.message] = int(first[1])
        if number is None:
            return
        self._count(number, change.at_s)
        shown = self._shown[number]
        shown.pop(change.message, None)
        if first is not None and change.kind != "deleted":
            tail = max(first.start(), len(change.text) - 4 * _WORD)
            last = (_NAME.findall(change.text, tail) or _NAME.findall(change.text))[-1]
            shown[change.message] = range(int(first[2]), int(last[1]) + 1)
        here = set().union(*shown.values())
        gone = sum(1 for place, at_s in enumerate(self.at_s[number]) if at_s and place not in here)
        self._gone[number] = gone, change.at_s

    def _count(self, number: int, now_s: float) -> None:
        gone, since_s = self._gone[number]
        self.vanished += gone * (now_s - since_s) if gone else 0.0
        self._gone[number] = gone, now_s

    def end(self) -> None:
        """Count what is nowhere up to now."""
        for number in range(len(self._gone)):
            self._count(number, asyncio.get_running_loop().time())


def _row(stage: Stage, strategy: str, claude: SimulatedClaude, seen: Seen, cpu_s: float) -> Row:
    lags: list[float] = []
    firsts: list[float] = []
    beyond: list[float] = []
    lasts: list[float] = []
    late_s = 0.0
    for request in _asked(claude):
        number = int(_NAME.search(request.answer)[1])  # type: ignore[index]
        sent = _sent(request.written)
        shown = [at_s or sent[0] + CAP_S for at_s in seen.at_s[number]]
        lags += [at_s - sent_s for at_s, sent_s in zip(shown, sent, strict=True)]
        firsts.append(min(shown) - sent[0])
        beyond.append(min(shown) - sent[_READABLE])
        lasts.append(max(shown) - sent[-1])
        late_s = max(late_s, *(at_s - sent[0] - place * _WORD / RATE for place, at_s in enumerate(sent)))
    first, over, last = ((median(times), max(times)) for times in (firsts, beyond, lasts))
    pieces = stage.replies * _WORDS
    return Row(
        stage.place, stage.replies, strategy, mean(lags), first, over, last, seen.missing / pieces,
        stage.calls(), stage.calls(429), cpu_s * 1e6 / pieces, late_s, seen.vanished, 0.0,
    )  # fmt: skip


def _asked(claude: SimulatedClaude) -> list[Request]:
    """Return the requests for an answer; the bot also looks its model up."""
    return [request for request in claude.requests if request.path == "/v1/messages"]


def _sent(written: list[tuple[float, int]]) -> list[float]:
    """Return when Claude sent each word."""
    times: list[float] = []
    for at_s, characters in written:
        times += [at_s] * (characters // _WORD - len(times))
    return times
