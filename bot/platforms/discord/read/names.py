"""Ids in a message's text → the names that people see in their place. No I/O: what discord.py does not know stays."""

import re
from datetime import UTC, datetime
from typing import Any

import discord

_REFERENCE = re.compile(
    r"<(?P<kind>@[!&]?|\#)(?P<id>\d{1,20})>"
    r"|<a?(?P<emoji>:\w+:)\d{1,20}>"
    r"|<t:(?P<time>-?\d{1,13})(?::[tTdDfFR])?>"
    r"|</(?P<command>[^<>:]{1,100}):\d{1,20}>",
)
"""Discord docs, reference, "Message Formatting"."""
_LINK = re.compile(
    r"(?<!\]\()(?P<open><?)https://(?:\w+\.)?discord(?:app)?\.com/channels/"
    r"(?P<guild>\d{1,20}|@me)/(?P<channel>\d{1,20})(?:/(?P<message>\d{1,20}))?/?(?P<close>>?)"
)


def named(message: discord.Message, text: str, *, without: int | None = None) -> str:
    """Return text with names for ids, and links to channels and messages with the channel's name.

    `without`: id of a user whose mentions are left out, and those of the role that Discord made for it. Users are known
    only if Discord counts them as mentioned.
    """
    users = {user.id: user for user in message.mentions}
    left_out = [f"@!?{without}"] if without in users else []
    left_out += [f"@&{role.id}" for role in message.role_mentions if without and is_role_of(role, without)]
    if left_out:
        text = re.sub(rf"<(?:{'|'.join(left_out)})>[ \t]?", "", text)

    def reference(match: re.Match[str]) -> str:
        if match["emoji"] or match["command"]:
            return str(match["emoji"] or f"/{match['command']}")
        if match["time"]:
            return _time(int(match["time"])) or match.group()
        name = _name(message, users, match["kind"], int(match["id"]))
        return f"{match['kind'][0]}{name}" if name else match.group()

    return _LINK.sub(lambda match: _link(message, match), _REFERENCE.sub(reference, text)).strip()


def is_role_of(role: discord.Role, me: int) -> bool:
    """Return whether Discord made a role for an application, whose name it has."""
    return role.tags is not None and role.tags.bot_id == me


def linked(text: str) -> list[tuple[str, int, int]]:
    """Return the messages that a text links to: guild (`@me`: a DM), channel and message, each once."""
    found = re.finditer(_LINK.pattern.replace(r"(?<!\]\()", ""), text)
    links = [(match["guild"], int(match["channel"]), int(match["message"])) for match in found if match["message"]]
    return list(dict.fromkeys(links))


def _link(message: discord.Message, match: re.Match[str]) -> str:
    guild = message.guild
    found = _channel(message, int(match["channel"])) if guild and str(guild.id) == match["guild"] else None
    if found is None:
        return match.group()
    url = match.group().strip("<>")
    return f"[{'message in ' if match['message'] else ''}#{found.name}]({url})"


def _channel(message: discord.Message, number: int) -> discord.abc.GuildChannel | discord.Thread | None:
    return message.guild.get_channel_or_thread(number) if message.guild else None


def _name(message: discord.Message, users: dict[int, Any], kind: str, number: int) -> str:
    """Return the name behind a mention, or "" if it is not known."""
    if kind == "#":
        channel = _channel(message, number)
        return channel.name if channel else ""
    if kind == "@&":
        role = message.guild.get_role(number) if message.guild else None
        return role.name if role else ""
    user = users.get(number)
    return str(user.display_name) if user else ""


def _time(unix_s: int) -> str:
    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return ""
