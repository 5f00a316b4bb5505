"""A chat service that is neither Discord nor Slack, in memory: the third adapter, and what its people do and see.

Its ids are random and tell no order, a DM has no threads and no workspace, and its status has the bot's name in it.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from reply_fakes import Plain

from bot.errors import Gone, MediaError, Rejected, Unreachable
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
    Place,
    Said,
    ThreadKey,
    Traits,
    Upload,
)
from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.catch_up import CatchUp, Found, Terms
from bot.platforms.kernel.door import Door
from bot.platforms.kernel.order import Slot
from bot.ports import Checkpoints, Dialect, EventHandler, IsOurs
from bot.simulator.changes import Change, Changes, Kind

MENTION = "<@parley>"
BOT = Person("parley", "Parley")
TERMS = Terms(
    window_s=86400.0, margin_s=1.0, asked_s=86400.0, back_off=BackOff(0.01, 0.05), note_every_s=0.05, longest_s=60.0
)
LIMITS = Limits(1500, Budget("memory:post", 50, 1.0), Budget("memory:edit", 50, 1.0), 5.0)


@dataclass
class Message:
    """What somebody said. `thread`: the id of the message it stands below, "" for none."""

    id: str
    author: Person
    channel: str
    text: str
    thread: str = ""
    direct: bool = False
    files: tuple[tuple[str, bytes], ...] = ()
    at_s: float = 0.0
    idempotency_key: str = ""
    buttons: tuple[Button, ...] = ()
    edits: int = 0
    edited_at_s: float = 0.0

    @property
    def uploads(self) -> tuple[Upload, ...]:
        return tuple(Upload(f"{self.id}/{n}", name, f"memory:{self.id}/{n}") for n, (name, _) in enumerate(self.files))

    def heard(self) -> Incoming:
        """Return the message as the bot hears of it."""
        text, direct = self.text.replace(MENTION, ""), self.direct
        return Incoming(
            MessageKey("memory", "W", self.channel, self.id),
            ThreadKey("memory", "W", self.channel, self.channel if direct else self.thread or self.id),
            self.author,
            text.strip(),
            self.uploads,
            direct=direct,
            mentions_bot=MENTION in self.text,
            mentions_others="<@" in text,
            in_thread=bool(self.thread),
            sent_at_s=self.at_s,
        )


class MemoryChat:
    """The service itself: what people say and see. `bots`: ids of programs, which are not heard. `lost`: so many calls
    of the bot's take effect without an answer; `unread`: so many reads fail. `told`: where the bot is told what happens
    while it is connected. Who is not is told nothing, then or later.
    """

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.bots = {BOT.id}
        self.changes = Changes()
        self.connected = asyncio.Event()
        self.told: asyncio.Queue[Event] = asyncio.Queue()
        self.lost = self.unread = 0
        self._now_s = 0.0

    async def ready(self) -> None:
        await self.connected.wait()

    def answers(self) -> None:
        """Raise `Unreachable` if this answer is lost."""
        if self.lost:
            self.lost -= 1
            raise Unreachable("Nobody answers.")

    def now_s(self) -> float:
        self._now_s = max(time.time(), self._now_s + 1e-5)
        return self._now_s

    def add(self, author: Person, channel: str, text: str, **more: object) -> Message:
        message = Message(uuid.uuid4().hex[:12], author, channel, text, at_s=self.now_s(), **more)  # type: ignore[arg-type]
        self.messages[message.id] = message
        self.changed("posted", message)
        if author.id not in self.bots:
            self._tell(message.heard())
        return message

    def edit(self, message_id: str, text: str) -> None:
        self.messages[message_id].text, self.messages[message_id].edited_at_s = text, self.now_s()
        self._tell(Edited(self.messages[message_id].heard()))

    def delete(self, message_id: str) -> None:
        message = self.messages.pop(message_id)
        self.changed("deleted", message)
        if message.author != BOT:
            self._tell(Deleted(message.heard().key))

    def seen(self, channel: str, thread: str = "") -> list[Message]:
        """Return what stands in a channel, or in a thread below its root, oldest first."""
        here = [message for message in self.messages.values() if message.channel == channel]
        return [m for m in here if m.thread == thread or (thread and m.id == thread)]

    def changed(self, kind: Kind, message: Message) -> None:
        by_bot = message.author.id == BOT.id
        place = message.thread or message.channel
        self.changes.add(Change(kind, place, message.id, message.author.name, message.text, by_bot))

    def _tell(self, event: Event) -> None:
        if self.connected.is_set():
            self.told.put_nowait(event)


class MemorySurface:
    """Where a question is answered; a `bot.ports.Surface`."""

    def __init__(self, chat: MemoryChat, address: Address) -> None:
        self.dialect: Dialect = Plain()
        self.limits = LIMITS
        self._chat = chat
        self._address = address
        self._channel = address.channel
        self._thread = "" if address.direct else address.thread.thread

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        del growing, may_exist  # a mark is enough
        return self._posted(text, idempotency_key, buttons=tuple(buttons))

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        del growing
        message = self._chat.messages.get(message_id)
        if message is None:
            raise Gone("The message is no longer there.")
        message.text, message.buttons, message.edits = self._fitting(text), tuple(buttons), message.edits + 1
        self._chat.changed("edited", message)

    async def delete(self, message_id: str) -> None:
        if message_id in self._chat.messages:
            self._chat.delete(message_id)

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        del may_exist
        return self._posted("", idempotency_key, files=((name, data),))

    async def status(self, text: str) -> None:
        self._chat.changed("status", Message("", BOT, self._channel, text, self._thread))

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        there = self._chat.seen(self._channel, self._thread) if self._thread and thread else []
        said = [
            Said(m.author, m.text.replace(MENTION, "@Parley"), m.uploads, m.author == BOT, m.id, sent_at_s=m.at_s)
            for m in there
            if m.at_s < question.sent_at_s
        ]
        return Earlier(tuple(said[-limit:]))

    async def place(self) -> Place:
        return Place("direct message" if self._address.direct else "channel", "Memory", self._channel)

    def _fitting(self, text: str) -> str:
        if self.dialect.size(text) > self.limits.page_size:
            raise Rejected("The message is too long.")
        return text

    def _posted(self, text: str, idempotency_key: str, **more: object) -> str:
        """Return the id of the message with a mark, which is made if it is not there."""
        there = self._chat.seen(self._channel, self._thread)
        found = [message for message in there if message.idempotency_key == idempotency_key and message.author == BOT]
        add = self._chat.add
        made = found or [
            add(BOT, self._channel, self._fitting(text), thread=self._thread, idempotency_key=idempotency_key, **more)
        ]
        self._chat.answers()
        return made[0].id


class MemorySource:
    """What was said there; a `Source` of the platforms' kernel."""

    def __init__(self, chat: MemoryChat) -> None:
        self._chat = chat

    async def places(self, since_s: float, asked: Sequence[ThreadKey]) -> Sequence[ChannelRef]:
        del since_s, asked  # it tells all of its places to everybody
        return list(dict.fromkeys(_place_of(message.heard()) for message in self._chat.messages.values()))

    async def read(self, place: ChannelRef, since_s: float) -> Found[Event]:
        await asyncio.sleep(0)
        if self._chat.unread:
            self._chat.unread -= 1
            raise Unreachable("Nobody answers.")
        there = [message for message in self._chat.messages.values() if _place_of(message.heard()) == place]
        news = [m for m in there if m.author.id not in self._chat.bots and max(m.at_s, m.edited_at_s) > since_s]
        return Found([m.heard() if m.at_s > since_s else Edited(m.heard()) for m in news])

    async def events(self, place: ChannelRef, message: Event) -> Sequence[Event]:
        del place
        return (message,)


def _place_of(event: Event) -> ChannelRef:
    """Return the channel or the thread in which something happens."""
    message = event.message if isinstance(event, Edited) else event
    assert isinstance(message, Incoming | Deleted)
    thread = message.thread.thread if isinstance(message, Incoming) and message.in_thread else ""
    return ChannelRef(message.key.channel, thread)


async def _just(event: Event) -> Sequence[Event]:
    return (event,)


class MemoryPlatform:
    """The bot's account there; a `bot.ports.Platform`."""

    name = "memory"
    traits = Traits(threads_in_dms=False, dms_in_workspaces=False, status="Parley {}")

    def __init__(self, chat: MemoryChat) -> None:
        self._chat = chat

    async def run(self, handle: EventHandler, checkpoints: Checkpoints, is_ours: IsOurs) -> None:  # noqa: ARG002 - the port has it
        """Hand in what happens, and before it what was said since the last checkpoint."""
        door, self._chat.told = Door(self.name, handle), asyncio.Queue()
        catch_up = CatchUp(MemorySource(self._chat), door, checkpoints, self._chat.now_s, TERMS)
        catch_up.begin(anew=True)
        self._chat.connected.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(catch_up.run(self._chat.connected))
                while True:
                    event = await self._chat.told.get()
                    place = _place_of(event)
                    slot = door.slot(place.channel, settle=partial(catch_up.first, place), said_s=self._chat.now_s())
                    tasks.create_task(self._take(door, catch_up, slot, event))
        finally:
            self._chat.connected.clear()

    async def _take(self, door: Door, catch_up: CatchUp[Event], slot: Slot, event: Event) -> None:
        if not await door.take(slot, partial(_just, event), "an event") and isinstance(event, Incoming):
            catch_up.not_taken(_place_of(event), event.sent_at_s)

    def surface(self, address: Address, key: MessageKey) -> MemorySurface:  # noqa: ARG002 - the port has it
        return MemorySurface(self._chat, address)

    def now_s(self) -> float:
        return self._chat.now_s()

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        message_id, _, number = upload.id.partition("/")
        message = self._chat.messages.get(message_id)
        if message is None:
            raise MediaError(f"{upload.name} is no longer there.")
        data = message.files[int(number)][1]
        if len(data) > max_bytes:
            raise MediaError(f"{upload.name} is too large.")
        return data

    async def current(self, question: Incoming) -> Incoming | None:
        self._chat.answers()
        message = self._chat.messages.get(question.key.message)
        if message is None:
            return None
        now = message.heard()
        return question if now.text == question.text else replace(question, text=now.text, uploads=now.uploads)

    async def author_now(self, question: Incoming) -> Person:
        return question.author
