"""Plays any life of the whole bot between two simulated platforms, and judges what became of it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from any_life import WHOSE_WRITES, Act, Ask, Delete, Edit, End, Refusal, Retry, Stop, Story
from judge import Asked, judge, vanished
from points import Points, Wire, with_points
from process import counted_tokens
from pydantic import SecretStr
from talk import GROWING, LONG, SHORT, WORDLESS, answer_to, asked, question

from bot.errors import StoreError
from bot.events import MessageKey, Turn
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.changes import Changes
from bot.simulator.claude import Pace, Reply
from bot.simulator.faults import Fault
from bot.simulator.slack.workspace.errors import SlackError
from bot.store import BlobLimits, open_store
from bot.telemetry import Emit
from bot.tryout.world import Room, world

PATIENCE_S = 45.0
"""All waits of a turn that is refused at many points have room in it; one that takes longer is stuck."""
FULL_S = 3.0
FOR_EVER = 100_000
_WORDLESS: dict[str, str] = {"nothing": "@parley", "signs": "@parley ?!", "emoji": "@parley 👋", "file": "@parley"}
_LENGTHS = {"words": SHORT, "growing": GROWING, "long": LONG}


class Moments(Points):
    """The points of one life, which tell whoever waits for one; at the one numbered `last` the life ends."""

    def __init__(self) -> None:
        super().__init__()
        self.last: int | None = None
        self.passed = 0
        self.moved = asyncio.Event()

    def reach(self, name: str) -> None:
        self.passed += 1
        if self.last is not None and self.passed >= self.last:
            self.dead.set()
        self.moved.set()
        super().reach(name)


def breaking(store: Store, points: Points, stage: "Stage") -> Store:
    """Return a store with points, whose calls fail as a story tells it."""

    def watched(name: str, call: Call) -> Call:
        async def called(*arguments: Any, **named: Any) -> Any:
            if not points.dead.is_set():
                stage.breaks(name)
            if name == "turns.accept":
                stage.heard(arguments[0].key)
            try:
                return await call(*arguments, **named)
            finally:
                stage.moved()

        return called

    return with_points(store, points).around(watched)


@dataclass
class Breaking:
    """What of a story's breakdowns is still to come, and until when the disk is full (the loop's clock)."""

    waiting: list[list[Any]] = field(default_factory=list)
    full_until_s: float = 0.0

    def take(self, method: str, now_s: float) -> bool:
        """Say whether a call fails."""
        if now_s < self.full_until_s and method in WHOSE_WRITES:
            return True
        for entry in self.waiting:
            breakdown, skipped = entry
            if breakdown.method == method:
                entry[1] += 1
                if skipped >= breakdown.skip:
                    self.waiting.remove(entry)
                    self.full_until_s = now_s + FULL_S if breakdown.full else 0.0
                    return True
        return False


class Stage:
    """One bot between two simulated platforms; the stories on `platform` come one after the other in new threads."""

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self._number = 0
        self._keys: dict[tuple[str, str], MessageKey] = {}
        self._breaking = Breaking()
        self._store: Store | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Stage"]:
        async with world(SecretStr(""), Pace(), limits=False) as here:
            self.here = here
            here.slack.settings.redeliver_after_s = 0.5
            for place in here.places:  # a DM in which the bot never was cannot be read by it
                await here.ask("Ada", place, "@parley Hello")
            here.claude.otherwise = _reply
            await here.bot.stop()
            there = here.bot.settings
            targets = {
                "claude": here.claude.base_url,
                "discord": here.discord.api_url.removesuffix("/api/v10"),
                "slack": here.slack.api_url.removesuffix("/api/"),
            }
            async with Wire(targets).open() as self._wire:
                url = self._wire.url
                here.bot.settings = there.model_copy(
                    update={
                        "claude": there.claude.model_copy(update={"base_url": f"{url}/claude"}),
                        "discord": there.discord.model_copy(
                            update={"api_url": f"{url}/discord/api/v10", "calls_per_s": 10_000}
                        ),
                        "slack": there.slack.model_copy(update={"api_url": f"{url}/slack/api/"}),
                    }
                )
                here.bot.open_store = self._open_store
                yield self

    # What the bot's store tells

    @asynccontextmanager
    async def _open_store(self, path: str, kept: BlobLimits, _: Emit) -> AsyncIterator[Store]:
        async with open_store(path, kept) as store:
            self._store = store
            try:
                yield breaking(store, self._moments, self)
            finally:
                self._store = None

    def breaks(self, method: str) -> None:
        if self._breaking.take(method, asyncio.get_running_loop().time()):
            raise StoreError("The disk is full.", f"the story says so of {method}")

    def moved(self) -> None:
        self._moments.moved.set()

    def heard(self, key: MessageKey) -> None:
        self._keys[key.platform, key.message] = key

    # A story

    async def tell(self, story: Story) -> list[str]:
        """Play a story on a bot that has just begun; return what was violated."""
        self._number += 1
        self._asked: list[Asked] = []
        self._others: list[Asked] = []
        self._breaking = Breaking()
        self._violations: list[str] = []
        self._forgiven = {"refused": bool(story.refusals), "mute": _is_mute(story)}
        changes = self._changes
        self._since = len(changes.seen)
        billed, counted = self.here.claude.billed_tokens, self._counted()
        await self._begin()
        try:
            self._breaking.waiting = [[breakdown, 0] for breakdown in story.breakdowns]
            for refusal in story.refusals:
                self._faults.add(_fault(refusal))
            await self._ask(story.first, direct=story.direct)
            for number, act in enumerate(story.acts):
                if number == story.other_at:
                    await self._ask_elsewhere()
                await self._do(act)
            if not self._others:
                await self._ask_elsewhere()
            await self._until(self._is_well, "it did not end well")
            await self._end()
            if await self._wrong():  # what came at the last moment is the next process's
                await self._begin()
                await self._until(self._is_well, "the next process did not end it well")
        except _Stuck as stuck:
            self._violations.append(str(stuck))
        finally:
            self._faults.clear()
            self._breaking = Breaking()
            await self._end()
        self._violations += await self._wrong()
        self._violations += vanished(changes.seen[self._since :], self._asked)
        billed, counted = self.here.claude.billed_tokens - billed, self._counted() - counted
        if counted < billed:
            self._violations.append(f"{billed} tokens were billed and {counted} counted")
        return list(dict.fromkeys(self._violations))

    async def _begin(self) -> None:
        """Begin a life; return when it hears both platforms, or is over."""
        self._moments = self._wire.points = Moments()
        bot = self.here.bot
        bot.start()
        ready = asyncio.gather(self.here.discord.gateway.ready(), self.here.slack.sockets.ready())
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(ready),  # noqa: TID251 - a future, not a task
            asyncio.create_task(self._moments.dead.wait()),
        ]
        assert bot._task is not None
        await asyncio.wait([*waits, bot._task], return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        if bot._task.done():
            raise _Stuck(f"the bot ended by itself: {bot._task.exception()!r}")

    async def _end(self) -> None:
        """Let the bot end in good order; one that is stuck is killed."""
        if self._moments.dead.is_set():
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.here.bot.stop()
        except BaseException as error:  # noqa: BLE001 - it is told
            self._violations.append(f"the bot did not end well: {error!r}")
        finally:
            await self._kill()

    async def _kill(self) -> None:
        self._moments.dead.set()
        await self.here.bot.kill()

    async def _do(self, act: Act) -> None:
        """Do something at its time."""
        at = self._moments.passed + act.after
        if isinstance(act.deed, End) and not act.deed.orderly:
            self._moments.last = at

        async def is_time() -> bool:
            return self._moments.passed >= at or self._moments.dead.is_set() or await self._is_well()

        await self._until(is_time, f"nothing happened before {act}")
        if not isinstance(act.deed, End):
            await self._people_do(act.deed)
            return
        meanwhile = deque(act.deed.meanwhile)
        if act.deed.orderly:
            self.here.bot._stop.set()
            if meanwhile:
                await self._people_do(meanwhile.popleft())
            await self._end()
        else:
            await self._kill()
        for deed in meanwhile:
            await self._people_do(deed)
        await self._begin()

    async def _until(self, true: Callable[[], Awaitable[bool]], else_: str) -> None:
        """Return when something is true, which is looked at whenever the bot did anything."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self._moments.moved.clear()
                    if await true():
                        return
                    task = self.here.bot._task
                    if task is not None and task.done() and not self._moments.dead.is_set():
                        raise _Stuck(f"the bot ended by itself: {task.exception()!r}")
                    await self._moments.moved.wait()
        except TimeoutError:
            raise _Stuck(f"{else_}: {await self._wrong()}") from None

    # What people do

    async def _people_do(self, deed: Any) -> None:
        with suppress(
            LookupError, TimeoutError, ValueError, SlackError
        ):  # no such button, no such thread, nobody there
            if isinstance(deed, Ask):
                await self._ask(deed)
                return
            asked_ = [one for one in self._asked if not one.is_stop][deed.of : deed.of + 1] or self._asked[:1]
            asked_ = asked_[0]
            if asked_.deleted:
                return
            if isinstance(deed, Edit):
                name = self._name("words")
                asked_.names.append(name)
                asked_.changed_at.append(len(self._changes.seen))
                await self.here.edit(asked_.who, asked_.place, asked_.message, f"@parley {question(name)}")
            elif isinstance(deed, Delete):
                asked_.deleted = True
                asked_.changed_at.append(len(self._changes.seen))
                await self.here.delete(asked_.place, asked_.message)
            elif isinstance(deed, Stop):
                asked_.stopped = True
                await self._stop(deed, asked_)
            elif isinstance(deed, Retry):
                await self._press(asked_, "Retry", deed.times)

    async def _stop(self, stop: Stop, asked_: Asked) -> None:
        there = self.here.answered_in(asked_.place, asked_.message)
        if stop.how == "cross":
            await self.here.react(asked_.who, asked_.place, asked_.message)
        elif stop.how == "button":
            await self._press(asked_, "Stop", 1)
        elif there.platform == "slack" or there.direct or self._is_open(there):
            message = await self.here.say(asked_.who, there, "stop")  # where there is nothing to stop, it is a question
            self._asked.append(Asked(asked_.who, there, message, [WORDLESS], stopped=True, is_stop=True))

    async def _press(self, asked_: Asked, label: str, times: int) -> None:
        """Press a button of an answer; who presses does not wait for what it says."""
        there = self.here.answered_in(asked_.place, asked_.message)
        found = [line.message for line in self.here.answer(there, asked_.message).lines if label in line.buttons]
        presses = [self.here.press(asked_.who, there, found[-1], label) for _ in range(times if found else 0)]
        await asyncio.gather(*presses, return_exceptions=True)

    async def _ask(self, ask: Ask, *, direct: bool = False) -> None:
        place = self._place(direct=direct or (bool(self._asked) and self._asked[0].place.direct))
        if place.direct:
            ask = replace(ask, who="Ada")
        if self._asked and not ask.beside:
            there = self.here.answered_in(self._asked[0].place, self._asked[0].message)
            place = there if there.platform == "slack" or self._is_open(there) else place
        self._asked.append(await self._say(ask, place))

    async def _ask_elsewhere(self) -> None:
        there = next(p for p in self.here.places if p.platform != self.platform and not p.direct)
        self._others.append(await self._say(Ask("Grace"), there))

    async def _say(self, ask: Ask, place: Room) -> Asked:
        name = WORDLESS if ask.way in _WORDLESS else self._name(ask.way)
        text = _WORDLESS.get(ask.way) or f"@parley {question(name)}"
        files = [("a.txt", b"It is all in here.")] if ask.way == "file" else []
        message = await self.here.say(ask.who, place, text, files)
        return Asked(ask.who, place, message, [name])

    def _place(self, *, direct: bool) -> Room:
        return next(p for p in self.here.places if p.platform == self.platform and p.direct == direct)

    def _is_open(self, there: Room) -> bool:
        if there.direct or not there.thread:
            return True
        return there.thread in {thread.id for thread in self.here.discord.threads(there.channel)}

    def _name(self, way: str) -> str:
        self._names = getattr(self, "_names", 0) + 1
        prefix = _LENGTHS[way]
        return f"{prefix}{self._names % 10 ** (6 - len(prefix)):0{6 - len(prefix)}d}"

    # What became of it

    @property
    def _changes(self) -> Changes:
        return self.here.changes(self.platform)  # type: ignore[arg-type]

    @property
    def _faults(self) -> Any:
        return self.here.discord.faults if self.platform == "discord" else self.here.slack.faults

    def _counted(self) -> int:
        return counted_tokens(self.here.bot.settings.store.path)  # type: ignore[arg-type]

    async def _is_well(self) -> bool:
        return self._store is not None and not await self._wrong()

    async def _wrong(self) -> list[str]:
        """Return what is wrong with how it is now."""
        if self._store is None:
            async with open_store(self.here.bot.settings.store.path) as store:
                return await self._wrong_by(store)
        return await self._wrong_by(self._store)

    async def _wrong_by(self, store: Any) -> list[str]:
        wrong: list[str] = []
        for told, forgiven in ((self._asked, self._forgiven), (self._others, {"refused": False, "mute": False})):
            turns: dict[str, Turn] = {}
            for one in told:
                key = self._keys.get((one.place.platform, one.message))
                turn = await store.turns.find(key) if key else None
                if turn is not None:
                    turns[one.message] = turn
            wrong += judge(self.here, told, turns, **forgiven)
        return wrong


class _Stuck(Exception):  # noqa: N818 - it tells what happened
    """A story that does not go on."""


def _is_mute(story: Story) -> bool:
    """Say whether a story has a place in which nothing can be said."""
    posts = {"POST /channels/*/messages", "chat.postMessage", "chat.startStream"}
    return any(refusal.for_ever and refusal.call in posts for refusal in story.refusals)


def _fault(refusal: Refusal) -> Fault:
    times = FOR_EVER if refusal.for_ever else 1
    if isinstance(refusal.answer, tuple):
        status, code = refusal.answer
        body = {"message": "No.", "code": code}
        return Fault(refusal.call, status=status, body=body, times=times, skip=refusal.skip)
    if isinstance(refusal.answer, int):
        return Fault(refusal.call, status=refusal.answer, times=times, skip=refusal.skip)
    return Fault(refusal.call, body={"ok": False, "error": refusal.answer}, times=times, skip=refusal.skip)


def _reply(body: dict[str, Any]) -> Reply:
    names = asked(body) or [WORDLESS]
    text = "\n\n".join(answer_to(name) for name in names)
    return Reply(text=text, pieces=max(2, len(text) // 60), piece_s=0.005)
