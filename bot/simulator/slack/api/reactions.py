"""Reactions, people's and the bot's own.

Slack docs, reference/methods/reactions.add and its neighbours, reference/events/reaction_added.
"""

import re
from typing import Any

from bot.simulator.slack.api import chat
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.records import Channel, Message, Person
from bot.simulator.slack.workspace.workspace import Workspace

_NAME = re.compile(r"[a-z0-9_'+-]+(?:::skin-tone-[2-6])?")


def add(workspace: Workspace, args: Args) -> dict[str, Any]:
    """reactions.add."""
    channel, message = _reacted(workspace, args)
    react(workspace, workspace.app.bot, channel, message, args.needed("name", "invalid_name"))
    return {}


def remove(workspace: Workspace, args: Args) -> dict[str, Any]:
    """reactions.remove."""
    channel, message = _reacted(workspace, args)
    unreact(workspace, workspace.app.bot, channel, message, args.needed("name", "invalid_name"))
    return {}


def get(workspace: Workspace, args: Args) -> dict[str, Any]:
    """reactions.get, of a message."""
    channel, message = _reacted(workspace, args)
    return {"type": "message", "channel": channel.id, "message": workspace.json(message)}


def react(workspace: Workspace, who: Person, channel: Channel, message: Message, name: str) -> None:
    """Add a reaction and notify the app. Raise `SlackError` (`invalid_name`, `already_reacted`)."""
    name = name.strip(":")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    users = message.reactions.setdefault(name, [])
    if who.id in users:
        raise SlackError("already_reacted")
    users.append(who.id)
    workspace.notify(channel, "reaction_added", _event(workspace, "reaction_added", who, message, name), message.ts)


def unreact(workspace: Workspace, who: Person, channel: Channel, message: Message, name: str) -> None:
    """Take a reaction away and notify the app. Raise `SlackError` (`no_reaction`)."""
    name = name.strip(":")
    users = message.reactions.get(name, [])
    if who.id not in users:
        raise SlackError("no_reaction")
    users.remove(who.id)
    if not users:
        del message.reactions[name]
    workspace.notify(channel, "reaction_removed", _event(workspace, "reaction_removed", who, message, name), message.ts)


def _event(workspace: Workspace, kind: str, who: Person, message: Message, name: str) -> dict[str, Any]:
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    event = {"type": kind, "user": who.id, "reaction": name, "item": item, "item_user": message.user}
    return event | {"event_ts": workspace.ids.ts()}


def _reacted(workspace: Workspace, args: Args) -> tuple[Channel, Message]:
    channel = chat.writable(workspace.channel(args.needed("channel", "channel_not_found")))
    return channel, workspace.message(channel, args.needed("timestamp", "bad_timestamp"))
