"""discord.py's messages → the words of `bot.events`. No I/O."""

import re

import discord

from bot.events import Incoming, MessageKey, Person, Said, ThreadKey, Upload

FORWARDED = "[Forwarded message, author unknown]"
SPOKEN = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""The types of message that people write; the others are notices of Discord (docs, resources/message)."""

_REFERENCE = re.compile(r"<(@[!&]?|#)(\d{1,20})>|<a?(:\w+:)\d{1,20}>")


def incoming(message: discord.Message, me: int, thread: ThreadKey, *, author: discord.Member | None = None) -> Incoming:
    """Return a person's message. `me`: the bot's user id. `thread`: its conversation.

    `author`: who wrote it, as a member, for a message that was read and so tells only the user.
    """
    direct = message.guild is None and thread.workspace == "@me"
    by = author or message.author
    return Incoming(
        key=MessageKey("discord", thread.workspace, str(message.channel.id), str(message.id)),
        thread=thread,
        author=person(by, moderator=direct or moderates(message.channel, by)),
        text=text_of(message, without=me),
        uploads=uploads_of(message),
        direct=direct,
        mentions_bot=mentions_bot(message, me),
        mentions_others=_mentions_others(message, me),
        in_thread=not direct and thread.thread == str(message.channel.id),
        reply_to=_replied_to(message),
        sent_at_s=message.created_at.timestamp(),
    )


def said(message: discord.Message, me: int) -> Said:
    """Return a message as context."""
    by_bot = message.author.id == me
    return Said(person(message.author), text_of(message), uploads_of(message), by_bot, str(message.id))


def person(author: discord.User | discord.Member, *, moderator: bool = False) -> Person:
    """Return who wrote. Roles are known only of messages from the gateway, and of members in the cache."""
    roles = author.roles if isinstance(author, discord.Member) else []
    return Person(str(author.id), author.display_name, frozenset(str(role.id) for role in roles), moderator)


def moderates(place: object, author: discord.User | discord.Member) -> bool:
    """Say whether a member may manage others' messages in a place: by its own rules where discord.py knows it, else by
    those of the guild. Of a user who is no member it says no.
    """
    if not isinstance(author, discord.Member):
        return False
    if isinstance(place, discord.abc.GuildChannel) or (isinstance(place, discord.Thread) and place.parent):
        return place.permissions_for(author).manage_messages
    return author.guild_permissions.manage_messages


def is_question(message: discord.Message) -> bool:
    """Say whether a person wrote this: no bot (ourselves included), no webhook, no notice of Discord."""
    return not message.author.bot and message.webhook_id is None and message.type in SPOKEN


def text_of(message: discord.Message, *, without: int | None = None) -> str:
    """Return a message's text with names for ids, and the text of what it forwards, quoted and labelled.

    `without`: id of a user whose mentions are left out.
    """
    users = {user.id: user for user in message.mentions}
    text = message.content
    if without in users:
        text = re.sub(rf"<@!?{without}>[ \t]?", "", text)

    def named(match: re.Match[str]) -> str:
        kind, number, emoji = match.groups()
        if emoji:
            return str(emoji)
        name = _name(message, users, kind, int(number))
        return f"{kind[0]}{name}" if name else match.group()

    parts = [_REFERENCE.sub(named, text).strip()]
    parts += [_quoted(snapshot.content) for snapshot in message.message_snapshots]
    return "\n\n".join(part for part in parts if part)


def _quoted(forwarded: str) -> str:
    return "\n".join([FORWARDED, *(f"> {line}" for line in forwarded.splitlines())])


def _name(message: discord.Message, users: dict[int, discord.User | discord.Member], kind: str, number: int) -> str:
    """Return the name behind a mention, or "" if it is not known. Users: only whom Discord counts as mentioned."""
    found: discord.abc.User | discord.Role | discord.abc.GuildChannel | discord.Thread | None = None
    if kind == "#":
        found = message.guild.get_channel_or_thread(number) if message.guild else None
    elif kind == "@&":
        found = message.guild.get_role(number) if message.guild else None
    else:
        found = users.get(number)
    if found is None:
        return ""
    return found.display_name if isinstance(found, discord.abc.User) else found.name


def uploads_of(message: discord.Message) -> tuple[Upload, ...]:
    """Return the files on a message and on what it forwards. The ids say where to find a fresh address."""
    attachments = [*message.attachments, *(file for shot in message.message_snapshots for file in shot.attachments)]
    return tuple(
        Upload(
            id=f"{message.channel.id}/{message.id}/{attachment.id}",
            name=attachment.filename,
            url=attachment.url,
            media_type=attachment.content_type or "",
            size_bytes=attachment.size,
            spoiler=attachment.is_spoiler(),
        )
        for attachment in attachments
    )


def replied_message(message: discord.Message) -> discord.Message | None:
    """Return the message this one replies to, if Discord sent it along."""
    resolved = message.reference.resolved if message.reference and _replied_to(message) else None
    return resolved if isinstance(resolved, discord.Message) else None


def _replied_to(message: discord.Message) -> str:
    reference = message.reference
    if reference is None or reference.message_id is None or reference.type is not discord.MessageReferenceType.reply:
        return ""
    return str(reference.message_id)


def mentions_bot(message: discord.Message, me: int) -> bool:
    """Say whether a message addresses the bot (`me`: its user id): by name, by the role Discord made for it (which has
    the same name), or by a reply, pinging or not.
    """
    replied = replied_message(message)
    return (
        any(user.id == me for user in message.mentions)
        or any(role.tags is not None and role.tags.bot_id == me for role in message.role_mentions)
        or (replied is not None and replied.author.id == me)
    )


def _mentions_others(message: discord.Message, me: int) -> bool:
    return (
        message.mention_everyone
        or any(user.id not in {me, message.author.id} for user in message.mentions)
        or any(role.tags is None or role.tags.bot_id != me for role in message.role_mentions)
    )
