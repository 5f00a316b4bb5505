"""What a bot does in a thread besides writing: a status, an agent session, a reaction.

Slack docs, reference/methods/assistant.threads.setStatus, agents.sessions.setStatus, reactions.add.
"""

from typing import Any

from bot.simulator.slack import chat
from bot.simulator.slack.calls import Args
from bot.simulator.slack.errors import SlackError
from bot.simulator.slack.records import Channel, Message
from bot.simulator.slack.workspace import Workspace

_SESSION_STATUSES = frozenset({"active", "processing", "suspended", "closed"})


def set_status(workspace: Workspace, args: Args) -> dict[str, Any]:
    """assistant.threads.setStatus: shown for two minutes, or until the bot posts there."""
    channel = _channel(workspace, args)
    thread_ts = args.needed("thread_ts", "invalid_thread_ts")
    if "status" not in args.values:
        raise SlackError("invalid_arguments")
    if not channel.thread(thread_ts):
        raise SlackError("invalid_thread_ts")
    loading = args.nested("loading_messages", "invalid_arguments") or []
    if len(loading) > 10:
        raise SlackError("invalid_arguments")
    workspace.set_status(channel, thread_ts, args.text("status"))
    return {}


def set_session(workspace: Workspace, args: Args) -> dict[str, Any]:
    """agents.sessions.setStatus: makes the session if there is none; a title counts only then."""
    channel = _channel(workspace, args)
    status = args.needed("status")
    if status not in _SESSION_STATUSES or len(args.text("title")) > 200:
        raise SlackError("invalid_arguments")
    key = (channel.id, args.text("thread_ts"))
    session = workspace.sessions.setdefault(key, {"title": args.text("title")})
    session["status"] = status
    return {"session": {"channel_id": key[0], "thread_ts": key[1], **session}}


def rename_session(workspace: Workspace, args: Args) -> dict[str, Any]:
    """agents.sessions.rename."""
    channel = _channel(workspace, args)
    session = workspace.sessions.get((channel.id, args.text("thread_ts")))
    if session is None:
        raise SlackError("session_not_found")
    title = args.needed("title")
    if len(title) > 200:
        raise SlackError("invalid_arguments")
    session["title"] = title
    return {}


def add_reaction(workspace: Workspace, args: Args) -> dict[str, Any]:
    """reactions.add."""
    message, name = _reacted(workspace, args)
    users = message.reactions.setdefault(name, [])
    if workspace.bot.id in users:
        raise SlackError("already_reacted")
    users.append(workspace.bot.id)
    return {}


def remove_reaction(workspace: Workspace, args: Args) -> dict[str, Any]:
    """reactions.remove."""
    message, name = _reacted(workspace, args)
    users = message.reactions.get(name, [])
    if workspace.bot.id not in users:
        raise SlackError("no_reaction")
    users.remove(workspace.bot.id)
    if not users:
        del message.reactions[name]
    return {}


def _reacted(workspace: Workspace, args: Args) -> tuple[Message, str]:
    name = args.needed("name", "invalid_name").strip(":")
    channel = workspace.channel(args.needed("channel", "channel_not_found"))
    return workspace.message(chat.writable(channel), args.needed("timestamp", "bad_timestamp")), name


def _channel(workspace: Workspace, args: Args) -> Channel:
    return chat.writable(workspace.channel(args.needed("channel_id", "channel_not_found")))
