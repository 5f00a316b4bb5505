"""A chat in the shape of the ports, with people in it, around the real engine, store, reply and a simulated Claude."""

# ruff: noqa: ARG002 - a port's shape has arguments that this chat has no use for

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reply_fakes import Plain

from bot.claude import AsyncClient, mk_sdk
from bot.engine import Answerer, Budgets, ClaudeTurn, Clients, ConcurrencyLimit, Engine, warn_of_small_limits
from bot.errors import Forbidden, Gone, MediaError, Rejected, Unreachable
from bot.events import (
    Address,
    Budget,
    Button,
    Deleted,
    Earlier,
    Edited,
    Event,
    Incoming,
    Limits,
    MessageKey,
    Person,
    Pressed,
    Said,
    ThreadKey,
    Traits,
    Upload,
)
from bot.events import Place as Where
from bot.places import Places
from bot.ports import Checkpoints, EventHandler, IsOurs, Platform, Store, Surface
from bot.ports.store import Call
from bot.reply import Pacer
from bot.simulator.claude import SimulatedClaude
from bot.store import open_store

ADA = Person("U1", "Ada")
GRACE = Person("U2", "Grace")
MOD = Person("U9", "Mod", moderator=True)
_BEGUN_S = time.time()


@dataclass
class Shown:
    """A message of the bot as it is on the screen."""

    id: str
    text: str
    buttons: tuple[Button, ...] = ()
    file: bytes | None = None


@dataclass
class Chat:
    """What a platform shows. `files`: what can be downloaded, by URL. `now`: questions that were edited, or deleted
    (None), by id, while nobody listened; `looked_up`: whose state was asked for. `before`: what was said in a thread,
    of which `missing` cannot be read; `replied_to`: what each question hangs on. `read`: for each time that was read,
    whether with the thread. `shows_nothing`: posts and edits cannot reach it; `refused`: how many did not. `lost`: of
    so many posts nobody hears that they were made. `forbids`: nothing may be written any more. `unread`: what is being
    read for ever, of "talk", "place" and "files". `people`: who has other roles than when they asked, by id;
    `looking_up`: what looking them up waits for.
    """

    shown: dict[str, Shown] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    before: list[Said] = field(default_factory=list)
    replied_to: list[Said] = field(default_factory=list)
    missing: str = ""
    place: Where = field(default_factory=Where)
    read: list[bool] = field(default_factory=list)
    now: dict[str, Incoming | None] = field(default_factory=dict)
    unreachable: bool = False
    shows_nothing: bool = False
    forbids: bool = False
    clock_ahead_s: float = 0.0
    looked_up: list[str] = field(default_factory=list)
    refused: int = 0
    lost: int = 0
    unread: set[str] = field(default_factory=set)
    people: dict[str, Person] = field(default_factory=dict)
    people_looked_up: int = 0
    looking_up: asyncio.Event | None = None
    name: str = "fake"
    traits: Traits = field(default_factory=lambda: Traits(pasted_file="message.txt"))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, true: Callable[[], bool]) -> None:
        """Return when something on the screen has become true."""
        async with asyncio.timeout(120):
            while not true():
                await self.next_change().wait()

    def next_change(self) -> asyncio.Event:
        """Return what is set when something changes from now on."""
        self._changed.clear()
        return self._changed

    def changed(self) -> None:
        self._changed.set()

    @property
    def lines(self) -> list[str]:
        return [message.text for message in self.shown.values()]

    async def run(self, handle: EventHandler, checkpoints: Checkpoints, is_ours: IsOurs) -> None:
        raise AssertionError("this chat is played by hand")

    async def reach(self, what: str) -> None:
        """Return when something can be read."""
        if what in self.unread:
            self.texts.append(f"reading the {what}")
            self.changed()
            await asyncio.Event().wait()

    def surface(self, address: Address, key: MessageKey) -> Surface:
        return Place(self)

    def now_s(self) -> float:
        return time.time() + self.clock_ahead_s

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        await self.reach("files")
        if upload.url not in self.files:
            raise MediaError(f"{upload.name} is no longer there.")
        return self.files[upload.url]

    async def current(self, question: Incoming) -> Incoming | None:
        self.looked_up.append(question.key.message)
        self.changed()
        if self.unreachable:
            raise Unreachable("The chat cannot be reached.")
        return self.now.get(question.key.message, question)

    async def author_now(self, question: Incoming) -> Person:
        self.people_looked_up += 1
        self.changed()
        if self.looking_up is not None:
            await self.looking_up.wait()
        if self.unreachable:
            raise Unreachable("The chat cannot be reached.")
        return self.people.get(question.author.id, question.author)


class Place:
    """The surface of every question of a `Chat`."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.dialect = Plain()
        self.limits = Limits(2000, Budget("posts", 1000, 1.0), Budget("edits", 1000, 1.0), 100.0)

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        self._reach()
        self._fits(text)
        return self._posted(idempotency_key, text, buttons=tuple(buttons))

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        self._reach()
        self._fits(text)
        if message_id not in self._chat.shown:
            raise Gone("The message is no longer there.")
        self._show(Shown(message_id, text, tuple(buttons)))

    async def delete(self, message_id: str) -> None:
        self._chat.shown.pop(message_id, None)
        self._chat.changed()

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        return self._posted(idempotency_key, name, file=data)

    async def status(self, text: str) -> None:
        self._chat.statuses.append(text)
        self._chat.changed()

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        await self._chat.reach("talk")
        self._chat.read.append(thread)
        if not thread:
            return Earlier(tuple(self._chat.replied_to))
        return Earlier((*self._chat.replied_to, *self._chat.before[-limit:]), self._chat.missing)

    async def place(self) -> Where:
        await self._chat.reach("place")
        return self._chat.place

    def _reach(self) -> None:
        if self._chat.forbids:
            raise Forbidden("The bot may not write here.")
        if self._chat.shows_nothing:
            self._chat.refused += 1
            self._chat.changed()
            raise Unreachable("The chat cannot be reached.")

    def _fits(self, text: str) -> None:
        if self.dialect.size(text) > self.limits.page_size:
            raise Rejected("The message is too long.")

    def _posted(self, idempotency_key: str, text: str, **more: Any) -> str:
        """Return the id of the message with a mark, which is made if it was not made before."""
        if idempotency_key not in self._chat.ids:
            self._chat.ids[idempotency_key] = f"9{len(self._chat.ids):05}"
            self._show(Shown(self._chat.ids[idempotency_key], text, **more))
        if self._chat.lost:
            self._chat.lost -= 1
            raise Unreachable("Nobody answers.")
        return self._chat.ids[idempotency_key]

    def _show(self, message: Shown) -> None:
        self._chat.shown[message.id] = message
        self._chat.texts.append(message.text)
        self._chat.changed()


def noticed(store: Store, chat: Chat) -> Store:
    """Return a store that also tells the chat when a turn has ended."""

    def telling(name: str, call: Call) -> Call:
        async def end(*arguments: Any, **named: Any) -> Any:
            ended = await call(*arguments, **named)
            chat.changed()
            return ended

        return end if name == "turns.end" else call

    return store.around(telling)


class Room:
    """The bot at work. Messages are numbered; `say(7, "…")` is heard as the message with id 7 of thread T."""

    def __init__(self, chat: Chat, claude: SimulatedClaude, store: Store, engine: Engine) -> None:
        self.chat = chat
        self.claude = claude
        self.store = store
        self.engine = engine

    async def say(self, number: int, text: str, by: Person = ADA, **more: Any) -> Incoming:
        asked = message(number, text, by, **more)
        await self.engine.handle(asked)
        return asked

    async def edit(self, number: int, text: str, by: Person = ADA) -> None:
        await self.engine.handle(Edited(message(number, text, by)))

    async def delete(self, number: int) -> None:
        await self.engine.handle(Deleted(key(str(number))))

    async def press(self, button: Button, message_id: str, by: Person = ADA) -> str:
        return (await self.engine.handle(Pressed(key(message_id), button, by))).text

    async def do(self, event: Event) -> str:
        return (await self.engine.handle(event)).text

    async def ended(self, number: int, *states: str) -> None:
        """Return when a question's turn has ended, in one of these states if any are given."""
        async with asyncio.timeout(120):
            while True:
                change = self.chat.next_change()
                turn = await self.store.turns.find(key(str(number)))
                if turn is not None and turn.state in (states or ("delivered", "failed", "stopped")):
                    return
                await change.wait()

    def prompt(self, request: int = -1) -> str:
        """What Claude was told, as text."""
        return str(self.claude.requests[request].body["messages"])


def key(message_id: str) -> MessageKey:
    return MessageKey("fake", "W", "C", message_id)


def message(number: int, text: str, by: Person = ADA, *, thread: str = "T", **more: Any) -> Incoming:
    sent_at_s = _BEGUN_S + number / 1000  # later numbers were said later
    given = {"mentions_bot": True, "in_thread": True, "sent_at_s": sent_at_s, **more}
    return Incoming(key(str(number)), ThreadKey("fake", "W", "C", thread), by, text, **given)


def _as_it_is(store: Store) -> Store:
    return store


@asynccontextmanager
async def room(
    directory: Path, claude: SimulatedClaude, chat: Chat | None = None, **settings: Any
) -> AsyncIterator[Room]:
    """The bot with a database in a directory; a second time in the same one is a restart.

    `around`: makes of the store the one that the bot gets. `values`: settings of every place, by their names.
    `tables`: those that differ somewhere.
    """
    values = {"model": "claude-sonnet-5-5", "max_tokens": 8000, "upload_mb": 10, **settings.get("values", {})}
    places = Places(values, settings.get("tables", ()))
    chat = chat or Chat()
    sdk = mk_sdk(api_key=claude.api_key, base_url=claude.base_url)
    try:
        async with open_store(directory / "parley.sqlite3") as opened:
            around: Callable[[Store], Store] = settings.get("around", _as_it_is)
            store = around(opened)
            platforms: Mapping[str, Platform] = {"fake": chat}
            slots = ConcurrencyLimit(settings.get("in_all", 64), settings.get("per_person", 8))
            budgets = Budgets(store.usage, places)
            warn_of_small_limits(places, store.history)
            told = noticed(store, chat)
            asker = ClaudeTurn(store.history, store.steps, Clients(lambda model: AsyncClient(model, cli=sdk)), budgets)
            patience = {name: settings[name] for name in ("back_off_s",) if name in settings}
            answerer = Answerer(told, asker, platforms, Pacer(), slots, places=places, **patience)
            engine = Engine(told, answerer, platforms, places, drain_s=settings.get("drain_s", 0.0), late_after_s=900.0)
            async with engine:
                yield Room(chat, claude, opened, engine)
    finally:
        await sdk.close()
