"""What can be done in Discord, by a person or by the application: it changes the state, and everyone is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.simulator.changes import Change, Changes
from bot.simulator.discord.gateway import intents
from bot.simulator.discord.gateway.gateway import Gateway
from bot.simulator.discord.world.cdn import Cdn
from bot.simulator.discord.world.mentions import evaluate
from bot.simulator.discord.world.model import (
    DEFAULT,
    DM,
    EPHEMERAL,
    HAS_THREAD,
    PUBLIC_THREAD,
    REPLY,
    THREAD_CREATED,
    THREAD_STARTER,
    Attachment,
    Channel,
    Message,
    Person,
    iso,
)
from bot.simulator.discord.world.wire import Json, Wire
from bot.simulator.discord.world.world import World


@dataclass(frozen=True, slots=True)
class Draft:
    """A message about to be posted. `allowed` is its `allowed_mentions`, None if the call had none. `id`: "" for a new
    one; the first message of a forum's post has the post's.
    """

    content: str
    attachments: Sequence[Attachment] = ()
    stickers: Sequence[Json] = ()
    embeds: Sequence[Json] = ()
    components: Sequence[Json] = ()
    reference: str | None = None
    forwarded: Message | None = None
    nonce: str | None = None
    flags: int = 0
    allowed: dict[str, Any] | None = None
    type: int | None = None
    poll: Json | None = None
    more: Json = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """An edit: only what is not None changes."""

    content: str | None = None
    attachments: Sequence[Attachment] | None = None
    embeds: Sequence[Json] | None = None
    components: Sequence[Json] | None = None
    flags: int | None = None
    allowed: dict[str, Any] | None = field(default=None)


class Actions:
    """Every visible action. Each takes effect at once and as a whole, and tells the gateway and `changes`."""

    def __init__(self, world: World, wire: Wire, cdn: Cdn, gateway: Gateway, changes: Changes) -> None:
        self._world = world
        self._wire = wire
        self._cdn = cdn
        self._gateway = gateway
        self._changes = changes

    def post(self, author: Person, channel: Channel, draft: Draft) -> Message:
        """Post a message. Posting into an archived thread opens it again; its author joins a thread."""
        message = self._write(author, channel, draft)
        self._world.keep(message)
        if channel.is_thread:
            self._written_in(channel, author)
        self.deliver(message)
        if message.type in (DEFAULT, REPLY):
            self._change("posted", message)
        return message

    def whisper(self, channel: Channel, draft: Draft) -> Message:
        """Return a message of the application's that only one person sees: it is in no history and no event."""
        return self._write(self._world.bot, channel, replace(draft, flags=draft.flags | EPHEMERAL))

    def _write(self, author: Person, channel: Channel, draft: Draft) -> Message:
        kind = REPLY if draft.reference else DEFAULT
        message = Message(
            id=draft.id or self._world.ids.new(),
            channel=channel.id,
            author=author,
            content=draft.content,
            created_at_s=_now_s(),
            type=kind if draft.type is None else draft.type,
            attachments=list(draft.attachments),
            stickers=list(draft.stickers),
            embeds=list(draft.embeds),
            components=list(draft.components),
            reference=draft.reference,
            forwarded=draft.forwarded,
            nonce=draft.nonce,
            flags=draft.flags,
            poll=draft.poll,
            more=draft.more,
        )
        self._ping(message, draft.allowed)
        message.shown()
        return message

    def deliver(self, message: Message) -> None:
        """Tell MESSAGE_CREATE for a message, which may have been told before."""
        self._tell_message("MESSAGE_CREATE", message, nonce=message.author is self._world.bot)

    def edit(self, message: Message, revision: Revision, *, edited: bool = True) -> None:
        """Edit a message. Without `edited` it is Discord's own change: no `edited_timestamp`, as after an unfurl."""
        if revision.content is not None:
            message.content = revision.content
        if revision.attachments is not None:
            message.attachments = list(revision.attachments)
        if revision.embeds is not None:
            message.embeds = list(revision.embeds)
        if revision.components is not None:
            message.components = list(revision.components)
        if revision.flags is not None:
            message.flags = revision.flags
        if edited:
            message.edited_at, message.edited_at_s = iso(self._world.ids.now_s()), _now_s()
            self._ping(message, revision.allowed)
            message.shown()
        if message.ephemeral:
            return
        if edited:
            self._change("edited", message)
        self._tell_message("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        """Delete a message and its files. Its thread stays, as at Discord."""
        if message.ephemeral:
            message.deleted = True
            return
        channel = self._world.channels[message.channel]
        self._drop(message)
        gone = {"id": message.id, "channel_id": channel.id, **self._guild_of(channel)}
        self._gateway.dispatch("MESSAGE_DELETE", _messages_intent(channel), lambda _: gone)
        self._change("deleted", message)

    def delete_many(self, messages: Sequence[Message]) -> None:
        """Delete messages of one channel at once: one MESSAGE_DELETE_BULK."""
        channel = self._world.channels[messages[0].channel]
        for one in messages:
            self._drop(one)
        gone = {"ids": [one.id for one in messages], "channel_id": channel.id, **self._guild_of(channel)}
        self._gateway.dispatch("MESSAGE_DELETE_BULK", _messages_intent(channel), lambda _: gone)
        for one in messages:
            self._change("deleted", one)

    def _drop(self, message: Message) -> None:
        for one in message.attachments:
            self._cdn.forget(message.channel, one)
        self._world.drop(message)

    def open_thread(
        self,
        owner: Person,
        parent: Channel,
        name: str,
        *,
        on: Message | None,
        kind: int = PUBLIC_THREAD,
        archive_after_min: int = 1440,
    ) -> Channel:
        """Open a thread, on a message (whose id it takes) or by itself."""
        thread_id = on.id if on is not None else self._world.ids.new()
        thread = self._world.add_thread(parent, owner, name, kind=kind, thread_id=thread_id)
        thread.archive_after_min = archive_after_min
        self.tell_thread(thread)
        if on is not None:
            self.edit(on, Revision(flags=on.flags | HAS_THREAD), edited=False)
            self.post(owner, thread, Draft("", reference=on.id, type=THREAD_STARTER, allowed={"parse": []}))
        elif kind == PUBLIC_THREAD:
            self.post(owner, parent, Draft(name, reference=thread.id, type=THREAD_CREATED, allowed={"parse": []}))
        self._changes.add(Change("thread", parent.id, thread.id, owner.name, name, owner.bot, at_s=_now_s()))
        return thread

    def tell_thread(self, thread: Channel) -> None:
        """Tell THREAD_CREATE for a thread that was opened just now."""
        thread.changed_at = iso(self._world.ids.now_s())
        created = {**self._wire.channel(thread), "newly_created": True}
        self._gateway.dispatch("THREAD_CREATE", intents.GUILDS, lambda _: created)

    def change_thread(
        self, thread: Channel, *, name: str | None = None, archived: bool | None = None, locked: bool | None = None
    ) -> None:
        """Rename, archive or lock a thread."""
        thread.name = thread.name if name is None else name
        thread.archived = thread.archived if archived is None else archived
        thread.locked = thread.locked if locked is None else locked
        thread.changed_at = iso(self._world.ids.now_s())
        self._gateway.dispatch("THREAD_UPDATE", intents.GUILDS, lambda _: self._wire.channel(thread))

    def delete_thread(self, thread: Channel) -> None:
        """Delete a thread with all that was said in it."""
        self._world.drop_thread(thread)
        gone = {"id": thread.id, "guild_id": thread.guild, "parent_id": thread.parent, "type": thread.type}
        self._gateway.dispatch("THREAD_DELETE", intents.GUILDS, lambda _: gone)

    def type(self, person: Person, channel: Channel) -> None:
        """Show that someone is typing."""
        self._changes.add(Change("status", channel.id, "", person.name, "typing…", person.bot, at_s=_now_s()))

    def react(self, person: Person, message: Message, emoji: str, *, take_back: bool = False) -> None:
        """Put a reaction on a message or take it back; doing either twice changes nothing."""
        by = message.reactions.setdefault(emoji, [])
        if (person.id in by) != take_back:
            return
        if take_back:
            by.remove(person.id)
        else:
            by.append(person.id)
        if not by:
            del message.reactions[emoji]
        channel = self._world.channels[message.channel]
        about = {"user_id": person.id, "channel_id": channel.id, "message_id": message.id, "burst": False, "type": 0}
        about |= {"emoji": {"id": None, "name": emoji}, **self._guild_of(channel)}
        if not take_back:
            about["message_author_id"] = message.author.id
            guild = self._world.guilds.get(channel.guild)
            if guild is not None and person.id in guild.members:
                about["member"] = self._wire.member(guild, person)
        event = "MESSAGE_REACTION_REMOVE" if take_back else "MESSAGE_REACTION_ADD"
        bit = intents.DIRECT_REACTIONS if channel.type == DM else intents.GUILD_REACTIONS
        self._gateway.dispatch(event, bit, lambda _: about)

    def _written_in(self, thread: Channel, author: Person) -> None:
        if thread.archived:
            self.change_thread(thread, archived=False)
        if author.id not in thread.members:
            thread.members.append(author.id)

    def _ping(self, message: Message, allowed: dict[str, Any] | None) -> None:
        channel = self._world.channels[message.channel]
        guild = self._world.guilds.get(channel.guild)
        replied = self._world.find(message.reference) if message.type == REPLY and message.reference else None
        pings = evaluate(
            message.content,
            allowed,
            users=self._world.people,
            roles=guild.roles if guild else (),
            replied_to=replied.author.id if replied else "",
        )
        message.allowed_mentions = allowed
        message.mentions, message.mention_roles = list(pings.users), list(pings.roles)
        message.mention_everyone = pings.everyone and guild is not None
        everyone = {"everyone"} if message.mention_everyone else set()
        message.pinged |= ({*pings.users, *pings.roles} - {message.author.id}) | everyone

    def _tell_message(self, event: str, message: Message, *, nonce: bool = False) -> None:
        channel = self._world.channels[message.channel]

        def build(asked: int) -> Json:
            granted = bool(asked & intents.MESSAGE_CONTENT)
            return self._wire.message(message, content_granted=granted, event=True, nonce=nonce)

        self._gateway.dispatch(event, _messages_intent(channel), build)

    def _change(self, kind: Any, message: Message) -> None:
        files = tuple(one.name for one in message.attachments)
        author = message.author
        change = Change(
            kind, message.channel, message.id, author.name, message.content, author.bot, files=files, at_s=_now_s()
        )
        self._changes.add(change)

    def _guild_of(self, channel: Channel) -> Json:
        return {"guild_id": channel.guild} if channel.guild else {}


def _messages_intent(channel: Channel) -> int:
    return intents.DIRECT_MESSAGES if channel.type == DM else intents.GUILD_MESSAGES


def _now_s() -> float:
    return asyncio.get_running_loop().time()
