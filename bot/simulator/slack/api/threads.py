"""What a bot does in a thread besides writing: a status, an agent session.

Slack docs, reference/methods/assistant.threads.setStatus, agents.sessions.setStatus and agents.sessions.rename,
reference/events/agent_session_stopped.
"""

from typing import Any

from bot.simulator.slack.api import chat
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.records import Channel
from bot.simulator.slack.workspace.workspace import Workspace

SESSION_STATUSES = frozenset({"active", "processing", "suspended", "closed"})
STOPPED = "agent_session_stopped"
"""The event of Slack's own Stop button."""
_NO_BUTTON = "missing_agent_session_stopped_event_subscription"


def set_status(workspace: Workspace, args: Args) -> dict[str, Any]:
    """assistant.threads.setStatus: shown for two minutes, or until the bot posts there."""
    channel = _channel(workspace, args)
    thread_ts = _root(channel, args)
    if "status" not in args.values:
        raise SlackError("invalid_arguments")
    loading = args.nested("loading_messages", "invalid_arguments") or []
    if len(loading) > 10:
        raise SlackError("invalid_arguments")
    workspace.set_status(channel, thread_ts, args.text("status"))
    return {}


def set_session(workspace: Workspace, args: Args) -> dict[str, Any]:
    """agents.sessions.setStatus: makes the session if there is none; a title counts only then.

    While it is `processing`, people see a Stop button, or a bare sign of work if the app does not hear of presses.
    """
    channel = _channel(workspace, args)
    thread_ts = _root(channel, args)
    status = args.needed("status")
    if status not in SESSION_STATUSES or len(args.text("title")) > 200:
        raise SlackError("invalid_arguments")
    session = workspace.sessions.setdefault((channel.id, thread_ts), {"title": args.text("title")})
    session["status"] = status
    answer: dict[str, Any] = {"status": status, "agent_status": status, "title": session["title"]}
    if STOPPED in workspace.app.unsubscribed:
        answer |= {"warning": _NO_BUTTON, "response_metadata": {"warnings": [_NO_BUTTON]}}
    return answer


def rename_session(workspace: Workspace, args: Args) -> dict[str, Any]:
    """agents.sessions.rename."""
    channel = _channel(workspace, args)
    session = workspace.sessions.get((channel.id, _root(channel, args)))
    if session is None:
        raise SlackError("session_not_found")
    title = args.needed("title")
    if len(title) > 200:
        raise SlackError("invalid_arguments")
    session["title"] = title
    return {"title": title}


def _root(channel: Channel, args: Args) -> str:
    thread_ts = args.needed("thread_ts", "invalid_thread_ts")
    if not channel.thread(thread_ts):
        raise SlackError("invalid_thread_ts")
    return thread_ts


def _channel(workspace: Workspace, args: Args) -> Channel:
    return chat.writable(workspace.channel(args.needed("channel_id", "channel_not_found")))
