"""Events in: what people do on Discord, handed on in the order in which each channel saw it."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import discord
import structlog

from bot.errors import Stopping
from bot.events import Deleted, Edited, Incoming, MessageKey, Missed, Pressed, ThreadKey
from bot.platforms.discord.buttons import answer, cross, press
from bot.platforms.discord.calls import within
from bot.platforms.discord.find import idempotency_key_of
from bot.platforms.discord.limits import RateLimits
from bot.platforms.discord.read.translate import incoming, is_question, says_something
from bot.platforms.discord.sdk import check, guard_events, queue_nothing
from bot.platforms.kernel.order import ChannelOrder, Slot
from bot.platforms.kernel.others import Others
from bot.platforms.kernel.shape import MISREAD, misread
from bot.ports import EventHandler

log = structlog.get_logger()

_DISCONNECTS = 20
_WITHIN_S = 60.0
_LOOK_UP_S = 20.0
_MOST_EDITED = 1000
_FIRST, _NEXT = 0.0, 1.0
"""Discord sends what happens in a channel in its order: what came first goes first, but for what was missed."""

Step = Callable[[], Awaitable[None]]


def intents(*, content: bool) -> discord.Intents:
    """Return what the gateway is asked to send. `content`: with the privileged Message Content intent, without which
    only DMs, mentions of the bot and replies that ping it have a text (Discord docs, events/gateway).
    """
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        guild_reactions=True,
        dm_reactions=True,
        message_content=content,
    )


class Listener(discord.Client):
    """A connection to the gateway. `tasks` owns the tasks in which `handle` runs: one per event, which waits for its
    turn in its channel, and one per press of a button, which may not wait.

    `connected`: set while events arrive. `begun`: None for each new session, and each guild that can be seen from now
    on; what was said there before was not heard. `order`: to be released when the steps that see to that stand first;
    until then all messages wait. `beginning`: a session whose guilds are not all in `begun`. `unheard`: the channels
    with a message that `handle` could not take, and when the oldest such was sent, in seconds since 1970. `others`: is
    told what the bot's own account does.
    """

    def __init__(
        self,
        handle: EventHandler,
        tasks: asyncio.TaskGroup,
        limits: RateLimits,
        *,
        content: bool,
        others: Others | None = None,
    ) -> None:
        super().__init__(
            intents=intents(content=content),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0,
            http_trace=limits.trace(),
        )
        guard_events(self)
        queue_nothing(self)
        self.connected = asyncio.Event()
        self.begun: asyncio.Queue[discord.Guild | None] = asyncio.Queue()
        self.order = ChannelOrder()
        self.order.hold()
        self.beginning = False
        self.unheard: dict[int, float] = {}
        self._read_dm: Callable[[int], Awaitable[None]] | None = None
        self._dms: set[int] = set()
        self._hear = handle
        self._tasks = tasks
        self._others = others or Others()
        self._edited: OrderedDict[int, datetime] = OrderedDict()
        self._disconnects: deque[float] = deque(maxlen=_DISCONNECTS)

    def dispatch(self, event: str, /, *args: Any, **_: Any) -> None:
        """Take an event the moment the gateway sends it. discord.py would start a task for each, which nobody owns."""
        take = getattr(self, f"_take_{event}", None)
        if take is not None:
            take(*args)

    def read_dms_by(self, read: Callable[[int], Awaitable[None]]) -> None:
        """Have each DM read, by its channel, before its first message that this client hears is handed in."""
        self._read_dm = read

    def in_turn(self, channel: int, step: Step, *, since_s: float | None = None, first: bool = False) -> None:
        """Take a step for a channel after what came before, or `first` of all that waits; the others wait for it.

        `since_s`: when what it hands in was said, if not now: events come late after a break.
        """
        said_s = time.time() if since_s is None else since_s
        slot = self.order.slot(str(channel), _FIRST if first else _NEXT, since_s=said_s)
        self._tasks.create_task(_take_step(channel, slot, step), name=f"discord-hear-{channel}")

    async def missed(self) -> None:
        """Hand in that edits and deletions may have been missed."""
        await self._hear(Missed("discord"))

    async def hear_message(self, message: discord.Message, *, author: discord.Member | None = None) -> None:
        """Hand in a message that a person wrote, if it says anything. `author` as for `incoming`.

        One that `handle` cannot take is noted in `unheard`, and does not stop the next.
        """
        try:
            question = await self._readable_question(message, author)
            if question is not None:
                await self._hear(question)
        except Stopping:
            log.info("discord_message_waits_for_the_next_start", channel=message.channel.id, message=message.id)
            self._note_unheard(message)
        except Exception:
            log.exception("discord_message_not_heard", channel=message.channel.id, message=message.id)
            self._note_unheard(message)

    def _note_unheard(self, message: discord.Message) -> None:
        sent_at_s = message.created_at.timestamp() - 0.001  # so that it is among what was said since then
        self.unheard[message.channel.id] = min(self.unheard.get(message.channel.id, math.inf), sent_at_s)

    # What discord.py tells, by the names of its events.

    def _take_connect(self) -> None:  # at READY: each new session, of which the guilds follow
        self.order.hold()
        self.beginning = True

    def _take_ready(self) -> None:
        log.info("discord_ready", bot=str(self.user), content=self.intents.message_content)
        self.connected.set()
        self.beginning = False
        for begun in (None, *(guild for guild in self.guilds if not guild.unavailable)):
            self.begun.put_nowait(begun)

    def _take_guild_available(self, guild: discord.Guild) -> None:  # one that came later, or is back
        self.order.hold()  # its next messages may come before it is looked at
        self.begun.put_nowait(guild)

    # So discord.py calls a guild whose GUILD_CREATE does not say that it is available: one that the bot was just added
    # to, or one that is back and leaves the field out.
    _take_guild_join = _take_guild_available

    def _take_resumed(self) -> None:  # what was missed has been sent again
        log.info("discord_resumed")
        self.connected.set()

    def _take_disconnect(self) -> None:
        """Give up a connection that comes up and breaks again and again: discord.py would try without a pause."""
        self.connected.clear()
        self._disconnects.append(asyncio.get_running_loop().time())
        log.info("discord_disconnected")
        if len(self._disconnects) == _DISCONNECTS and self._disconnects[-1] - self._disconnects[0] < _WITHIN_S:
            raise ConnectionError(f"{_DISCONNECTS} disconnects within {_WITHIN_S:.0f} s")

    def _take_message(self, message: discord.Message) -> None:
        check(message)
        if idempotency_key := idempotency_key_of(message, self.user):
            self._tasks.create_task(
                _safely(message.id, partial(self._others.posted, idempotency_key)), name=f"discord-own-{message.id}"
            )
        if is_question(message):
            sent_at_s = message.created_at.timestamp()
            if message.guild is None and message.channel.id not in self._dms:
                self._dms.add(message.channel.id)
                if self._read_dm is not None:
                    self.in_turn(message.channel.id, partial(self._read_dm, message.channel.id))
            self.in_turn(message.channel.id, partial(self.hear_message, message), since_s=sent_at_s)

    def _take_raw_message_edit(self, update: discord.RawMessageUpdateEvent) -> None:
        check(update.message)
        if is_question(update.message) and self._is_edit(update.message):
            self.in_turn(
                update.channel_id, partial(_safely, update.message_id, partial(self._hear_edit, update.message))
            )

    def _take_raw_message_delete(self, gone: discord.RawMessageDeleteEvent) -> None:
        self._queue_deleted(gone.guild_id, gone.channel_id, gone.message_id)

    def _take_raw_bulk_message_delete(self, gone: discord.RawBulkMessageDeleteEvent) -> None:
        for message in sorted(gone.message_ids):
            self._queue_deleted(gone.guild_id, gone.channel_id, message)

    def _take_interaction(self, interaction: discord.Interaction) -> None:
        pressed = press(interaction)
        if pressed is not None:
            self._press(pressed, partial(answer, interaction, pressed, self._hear, self._others))

    def _take_raw_reaction_add(self, reaction: discord.RawReactionActionEvent) -> None:
        pressed = cross(reaction, self)
        if pressed is not None:
            self._press(pressed, partial(self._hear, pressed))

    def _press(self, pressed: Pressed, handle: Callable[[], Awaitable[object]]) -> None:
        self._tasks.create_task(_safely(pressed.message, handle), name=f"discord-press-{pressed.message.message}")

    def _is_edit(self, message: discord.Message) -> bool:
        """Say whether a person changed a message. Discord tells its own changes in the same way, a link's preview or a
        thread on it, and then the time of the last edit is none or what it was (docs, events/gateway-events).
        """
        edited_at = message.edited_at
        if edited_at is None or self._edited.get(message.id) == edited_at:
            return False
        self._edited[message.id] = edited_at
        self._edited.move_to_end(message.id)
        if len(self._edited) > _MOST_EDITED:
            self._edited.popitem(last=False)
        return True

    def _queue_deleted(self, guild: int | None, channel: int, message: int) -> None:
        key = MessageKey("discord", str(guild or "@me"), str(channel), str(message))
        self.in_turn(channel, partial(_safely, key, partial(self._hear, Deleted(key))))

    async def _hear_edit(self, message: discord.Message) -> None:
        question = await self._question(message)
        if question is not None:
            await self._hear(Edited(question))

    async def _readable_question(self, message: discord.Message, author: discord.Member | None) -> Incoming | None:
        """Return what a message asks; None if it cannot be read, now or ever."""
        try:
            return await self._question(message, author)
        except MISREAD as error:
            fields = {name: getattr(message, name, None) for name in ("author", "content", "channel", "attachments")}
            misread("discord_message_unreadable", fields, error, channel=message.channel.id, message=message.id)
            return None

    async def _question(self, message: discord.Message, author: discord.Member | None = None) -> Incoming | None:
        me = self.user.id if self.user else 0
        question = incoming(message, me, await self._thread_of(message), author=author)
        return question if says_something(question) else None

    async def _thread_of(self, message: discord.Message) -> ThreadKey:
        """Return a message's conversation. discord.py does not know a thread that was archived when we connected."""
        channel: Any = message.channel
        if isinstance(channel, discord.PartialMessageable):
            channel = await within(_LOOK_UP_S, lambda: self.fetch_channel(message.channel.id))
        if channel.guild is None:
            return ThreadKey("discord", "@me", str(channel.id), str(channel.id))
        if isinstance(channel, discord.Thread):
            return ThreadKey("discord", str(channel.guild.id), str(channel.parent_id), str(channel.id))
        return ThreadKey("discord", str(channel.guild.id), str(channel.id), str(message.id))


async def _take_step(channel: int, slot: Slot, step: Step) -> None:
    async with slot:
        await _safely(channel, step)


async def _safely(about: MessageKey | int, handle: Callable[[], Awaitable[object]]) -> None:
    """Hand in what was done to a message. If that fails it is lost, and must not stop what comes next."""
    try:
        await handle()
    except Stopping:
        log.info("discord_event_came_too_late", message=str(about))
    except Exception:
        log.exception("discord_event_not_heard", about=str(about))
