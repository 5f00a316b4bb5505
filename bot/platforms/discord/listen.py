"""Events in: what people do on Discord, handed on in the order in which each channel saw it."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import discord
import structlog

from bot.errors import Stopping
from bot.events import Deleted, Edited, Event, MessageKey, Pressed
from bot.platforms.discord.buttons import answer, cross, press
from bot.platforms.discord.find import idempotency_key_of
from bot.platforms.discord.limits import RateLimits
from bot.platforms.discord.read.question import question_in
from bot.platforms.discord.read.translate import is_question
from bot.platforms.discord.sdk import check, guard_events, queue_nothing
from bot.platforms.discord.source import DiscordSource, Past
from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.catch_up import CatchUp
from bot.platforms.kernel.door import Door
from bot.platforms.kernel.order import Slot
from bot.platforms.kernel.others import Others

log = structlog.get_logger()

_DISCONNECTS = 20
_WITHIN_S = 60.0
_MOST_EDITED = 1000
_GUILDS_S = 60.0
"""How long to wait for a session's guilds; one in an outage may take hours."""

Translate = Callable[[], Awaitable[Sequence[Event]]]


def intents(*, content: bool) -> discord.Intents:
    """Return what the gateway is asked to send. `content`: include the privileged Message Content intent.

    Without it only DMs, mentions of the bot and replies that ping it have a text (Discord docs, events/gateway).
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
    """A connection to the gateway. `tasks` owns the tasks that hand events in: one per event, which waits its turn in
    its channel, and one per press of a button, which may not wait.

    `source` and `catch_up` are notified when a session or a guild begins, because nothing from before was received.
    `others` is notified of what the bot's own account does. `connected` is set while events arrive.
    """

    def __init__(
        self,
        door: Door,
        source: DiscordSource,
        catch_up: CatchUp[Past],
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
        self._door = door
        self._source = source
        self._catch_up = catch_up
        self._tasks = tasks
        self._others = others or Others()
        self._dms: set[int] = set()
        self._guilds_until_s = 0.0
        self._edited: OrderedDict[int, datetime] = OrderedDict()
        self._disconnects: deque[float] = deque(maxlen=_DISCONNECTS)

    def dispatch(self, event: str, /, *args: Any, **_: Any) -> None:
        """Take an event the moment the gateway sends it. discord.py would start a task for each, which nobody owns."""
        take = getattr(self, f"_take_{event}", None)
        if take is not None:
            take(*args)

    def is_whole(self) -> bool:
        """Return whether all of the session's guilds are there, or the wait for the missing ones is over."""
        is_over = asyncio.get_running_loop().time() >= self._guilds_until_s
        return is_over or not any(guild.unavailable for guild in self.guilds)

    # discord.py's events, by their names.

    def _take_connect(self) -> None:  # at READY: a new session; its guilds follow
        self._catch_up.hold()
        self._guilds_until_s = 0.0

    def _take_ready(self) -> None:
        log.info("discord_ready", bot=str(self.user), content=self.intents.message_content)
        self.connected.set()
        self._guilds_until_s = asyncio.get_running_loop().time() + _GUILDS_S
        self._source.begin(guild for guild in self.guilds if not guild.unavailable)
        self._catch_up.begin(anew=True)

    def _take_guild_available(self, guild: discord.Guild) -> None:  # one that came later, or is back
        self._source.begin([guild])
        if self._guilds_until_s:  # else the coming READY begins all of it
            self._catch_up.begin(anew=False)

    # discord.py's name for a guild whose GUILD_CREATE does not say that it is available: one that the bot was just
    # added to, or one that is back and leaves the field out.
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
            is_new_dm = message.guild is None and message.channel.id not in self._dms
            self._dms |= {message.channel.id} if is_new_dm else set()
            self._tasks.create_task(
                self._take_question(message, self._slot(message.channel.id, sent_at_s, unlisted=is_new_dm)),
                name=f"discord-hear-{message.channel.id}",
            )

    def _take_raw_message_edit(self, update: discord.RawMessageUpdateEvent) -> None:
        check(update.message)
        if is_question(update.message) and self._is_edit(update.message):
            self._in_turn(update.channel_id, update.message_id, partial(self._edit, update.message))

    def _take_raw_message_delete(self, gone: discord.RawMessageDeleteEvent) -> None:
        self._queue_deleted(gone.guild_id, gone.channel_id, gone.message_id)

    def _take_raw_bulk_message_delete(self, gone: discord.RawBulkMessageDeleteEvent) -> None:
        for message in sorted(gone.message_ids):
            self._queue_deleted(gone.guild_id, gone.channel_id, message)

    def _take_interaction(self, interaction: discord.Interaction) -> None:
        pressed = press(interaction)
        if pressed is not None:
            self._press(pressed, partial(answer, interaction, pressed, self._door.handle, self._others))

    def _take_raw_reaction_add(self, reaction: discord.RawReactionActionEvent) -> None:
        pressed = cross(reaction, self)
        if pressed is not None:
            self._press(pressed, partial(self._door.handle, pressed))

    def _press(self, pressed: Pressed, handle: Callable[[], Awaitable[object]]) -> None:
        self._tasks.create_task(_safely(pressed.message, handle), name=f"discord-press-{pressed.message.message}")

    def _is_edit(self, message: discord.Message) -> bool:
        """Return whether a person changed a message.

        Discord sends the same event for its own changes, such as a link's preview or a thread on the message. The time
        of the last edit is then missing or unchanged (docs, events/gateway-events).
        """
        edited_at = message.edited_at
        if edited_at is None or self._edited.get(message.id) == edited_at:
            return False
        self._edited[message.id] = edited_at
        self._edited.move_to_end(message.id)
        if len(self._edited) > _MOST_EDITED:
            self._edited.popitem(last=False)
        return True

    def _in_turn(self, channel: int, message: int, translate: Translate) -> None:
        """Hand in a change to a message after all earlier events of its channel. If that fails, the event is lost."""
        slot = self._slot(channel, time.time())
        self._tasks.create_task(self._door.take(slot, translate, (channel, message)), name=f"discord-hear-{channel}")

    def _slot(self, channel: int, said_s: float, *, unlisted: bool = False) -> Slot:
        """Join a channel's line: Discord sends its events in order, except those that were missed."""
        settle = partial(self._catch_up.first, ChannelRef(str(channel)), unlisted=unlisted)
        return self._door.slot(str(channel), settle=settle, said_s=said_s)

    async def _take_question(self, message: discord.Message, slot: Slot) -> None:
        """Hand in a message; one that cannot be taken is read again later."""
        channel = message.channel.id
        if not await self._door.take(slot, partial(self._question, message), (channel, message.id)):
            self._catch_up.not_taken(ChannelRef(str(channel)), message.created_at.timestamp())

    async def _question(self, message: discord.Message) -> Sequence[Event]:
        question = await question_in(self, message)
        return () if question is None else (question,)

    async def _edit(self, message: discord.Message) -> Sequence[Event]:
        question = await question_in(self, message)
        return () if question is None else (Edited(question),)

    def _queue_deleted(self, guild: int | None, channel: int, message: int) -> None:
        key = MessageKey("discord", str(guild or "@me"), str(channel), str(message))
        self._in_turn(channel, message, partial(_just, Deleted(key)))


async def _just(event: Event) -> Sequence[Event]:
    return (event,)


async def _safely(about: MessageKey | int, handle: Callable[[], Awaitable[object]]) -> None:
    """Handle an event that waits for no turn. If that fails, the event is lost."""
    try:
        await handle()
    except Stopping:
        log.info("discord_event_came_too_late", message=str(about))
    except Exception:
        log.exception("discord_event_not_heard", about=str(about))
