"""What people see of a message beside its own words: embeds, polls, stickers, text in components, Discord's notices.

Its words are cut where they become too long for context: an alert may hold ten embeds of 6,000 characters.
"""

from collections.abc import Iterator
from typing import Any

import discord

SPOKEN = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""The types of message that people write; the others are notices of Discord (docs, resources/message)."""

_ANSWERS = frozenset({discord.MessageType.chat_input_command, discord.MessageType.context_menu_command})
_TOLD_BELOW = frozenset({discord.MessageType.poll_result, discord.MessageType.thread_starter_message})
_RESULT = "poll_result"
_PREVIEWS = frozenset({"article", "gifv", "image", "link", "video"})

Shows = discord.Message | discord.MessageSnapshot


def besides(message: Shows) -> list[str]:
    """Return what a message, or the copy of a forwarded one, shows beside its own words, in Discord's own text."""
    poll = getattr(message, "poll", None)
    parts = [*stickers(message), _poll(poll) if poll else ""]
    parts += [_embed(embed) for embed in message.embeds]
    parts += ["\n".join(_words(part)) for part in message.components]
    return [part for part in parts if part]


def stickers(message: Shows) -> list[str]:
    """Return a message's stickers, by their names."""
    return [f"[Sticker: {sticker.name}]" for sticker in message.stickers]


def poll_of(message: discord.Message) -> str:
    """Return a message's poll with its counts, "" if it has none."""
    return _poll(message.poll) if message.poll else ""


def notice_of(message: discord.Message) -> str:
    """Return the notice that a message is, in Discord's words; "" for what somebody said."""
    if message.type in SPOKEN | _ANSWERS | _TOLD_BELOW:
        return ""
    try:
        words = message.system_content
    except (AttributeError, IndexError, TypeError):  # discord.py 2.7.1 takes it for granted that such a notice is whole
        words = message.content
    return f"[Discord: {words}]" if words else ""


def _poll(poll: discord.Poll) -> str:
    head = f"[Poll{', closed' if poll.is_finalised() else ''}] {poll.question}"
    counted = ((answer, answer.vote_count) for answer in poll.answers)
    return "\n".join([head, *(f"- {answer.media.text or answer.media.emoji}: {_votes(n)}" for answer, n in counted)])


def _votes(number: int | str) -> str:
    return f"{number} vote{'' if str(number) == '1' else 's'}"


def _embed(embed: discord.Embed) -> str:
    if embed.type == _RESULT:
        return _result(embed)
    author, provider, footer = embed.author.name, embed.provider.name, embed.footer.text
    title = " ".join(filter(None, (embed.title, f"<{embed.url}>" if embed.url else "")))
    fields = [f"{field.name}: {field.value}" for field in embed.fields]
    image = "(an image)" if embed.image.url or embed.type in {"gifv", "image"} else ""
    words = [provider, author, title, embed.description, *fields, footer, image]
    label = "[Link preview]" if embed.type in _PREVIEWS else "[Embed]"
    body = "\n".join(str(part) for part in words if part)
    return f"{label}\n{body}" if body else ""


def _result(embed: discord.Embed) -> str:
    """Return the end of a poll (Discord docs, resources/message, "Embed Fields by Embed Type")."""
    known = {field.name: field.value for field in embed.fields}
    winner, votes = known.get("victor_answer_text"), known.get("victor_answer_votes", "0")
    end = f"{winner} won with {_votes(votes or '0')} of {known.get('total_votes', '0')}" if winner else "nobody won"
    return f"[Poll closed] {known.get('poll_question_text', '')}: {end}"


def _words(component: Any) -> Iterator[str]:
    """Yield the texts in a component: `TextDisplay`s, wherever they stand (Discord docs, components/reference)."""
    content = getattr(component, "content", None)
    if isinstance(content, str) and content:
        yield content
    for child in getattr(component, "children", None) or ():
        yield from _words(child)
