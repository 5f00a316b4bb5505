"""discord.py's messages → the words of `bot.events`. No I/O."""

from collections.abc import Sequence

import discord

from bot.events import Incoming, MessageKey, Person, Said, ThreadKey, Upload
from bot.platforms.discord.read.names import is_role_of, named
from bot.platforms.discord.read.shown import SPOKEN, besides, notice_of, poll_of, stickers
from bot.platforms.kernel.cut import shortened

FORWARDED = "[Forwarded message, author unknown]"
_MOST_CHARACTERS = 8000
"""Of one message in the context, or forwarded: an alert may hold ten embeds of 6,000 characters."""


def incoming(message: discord.Message, me: int, thread: ThreadKey, *, author: discord.Member | None = None) -> Incoming:
    """Return a person's message. `me`: the bot's user id. `thread`: its conversation.

    `author`: its author as a member, for a message that was fetched and so has only the user.
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
    return Said(
        person(message.author),
        shown_of(message),
        uploads_of(message),
        by_bot,
        str(message.id),
        sent_at_s=message.created_at.timestamp(),
    )


def person(author: discord.User | discord.Member, *, moderator: bool = False) -> Person:
    """Return an author. Roles are known only of messages from the gateway, and of members in the cache."""
    roles = author.roles if isinstance(author, discord.Member) else []
    return Person(str(author.id), author.display_name, frozenset(str(role.id) for role in roles), moderator)


def moderates(place: object, author: discord.User | discord.Member) -> bool:
    """Return whether a member may manage others' messages in a place: by its own rules where discord.py knows it, else
    by those of the guild; False of a user who is no member.
    """
    if not isinstance(author, discord.Member):
        return False
    if isinstance(place, discord.abc.GuildChannel) or (isinstance(place, discord.Thread) and place.parent):
        return place.permissions_for(author).manage_messages
    return author.guild_permissions.manage_messages


def is_question(message: discord.Message) -> bool:
    """Return whether a person wrote this: no bot (ourselves included), no webhook, no notice of Discord."""
    return not message.author.bot and message.webhook_id is None and message.type in SPOKEN


def says_something(question: Incoming) -> bool:
    """Return whether a question has any content. Without the Message Content intent most messages come empty."""
    return bool(question.text or question.uploads or question.mentions_bot or question.direct)


def text_of(message: discord.Message, *, without: int | None = None) -> str:
    """Return what a person wrote, with names for ids: the text, a poll, stickers, and what is forwarded, labelled.

    `without`: id of a user whose mentions are left out.
    """
    return _joined([_own_words(message, without), poll_of(message), *stickers(message), *_forwarded(message)])


def shown_of(message: discord.Message) -> str:
    """Return all that people see of a message, whoever or whatever wrote it, with names for ids; cut if it is long."""
    notice = notice_of(message)
    words = notice or _own_words(message, None)
    parts = [words, *(named(message, part) for part in besides(message)), *_forwarded(message)]
    return shortened(_joined(parts), _MOST_CHARACTERS)


def _own_words(message: discord.Message, without: int | None) -> str:
    return named(message, message.content, without=without)


def _forwarded(message: discord.Message) -> list[str]:
    shown = (_joined([shot.content, *besides(shot)]) for shot in message.message_snapshots)
    return [_quoted(shortened(named(message, words), _MOST_CHARACTERS)) for words in shown]


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _quoted(forwarded: str) -> str:
    return "\n".join([FORWARDED, *(f"> {line}" for line in forwarded.splitlines())])


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
            title=attachment.description or attachment.title or "",
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
    """Return whether a message addresses the bot (`me`: its user id): by name, by the role Discord made for it (which
    has the same name), or by a reply, pinging or not.
    """
    replied = replied_message(message)
    return (
        any(user.id == me for user in message.mentions)
        or any(is_role_of(role, me) for role in message.role_mentions)
        or (replied is not None and replied.author.id == me)
    )


def _mentions_others(message: discord.Message, me: int) -> bool:
    """Return whether a message is for somebody else: it names them, or it replies to them, pinging or not."""
    ours = {me, message.author.id}
    replied = replied_message(message)
    return (
        message.mention_everyone
        or any(user.id not in ours for user in message.mentions)
        or any(not is_role_of(role, me) for role in message.role_mentions)
        or (replied is not None and replied.author.id not in ours)
    )
