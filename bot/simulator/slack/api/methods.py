"""The Web API methods the simulation has, with the limit and the scope of each.

Tiers: Slack docs, each method's page, and the measured table of `chat.*`. Scopes: the same pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.simulator.slack.api import chat, conversations, directory, reactions, streams, threads
from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.api.files import Files
from bot.simulator.slack.api.limits import POST, T1, T2, T3, T4, Tier
from bot.simulator.slack.workspace.workspace import Workspace

Answer = Callable[[Workspace, Args], dict[str, Any]]
STATUS = Tier(600)
"""`assistant.threads.setStatus` has a limit of its own, which Slack does not state; this one only stops a flood."""
CONNECT = T3
"""`apps.connections.open`, the one method that wants the app's token."""
SLOW_HISTORY = {"conversations.history": T1, "conversations.replies": T1}
"""The limits of apps that are sold outside of the Marketplace."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method: what answers it, how often it may be called (None: as often as you like), and what it needs."""

    answer: Answer
    tier: Tier | None
    needs: str = ""


def methods(files: Files) -> dict[str, Method]:
    """Return every method that wants the bot's token, by name."""
    return {
        "auth.test": Method(directory.auth_test, None),
        "users.info": Method(directory.user_info, T4, "users"),
        "bots.info": Method(directory.bot_info, T3, "users"),
        "team.info": Method(directory.team_info, T3, "team"),
        "conversations.info": Method(conversations.info, T3, "channels"),
        "users.conversations": Method(conversations.mine, T3, "channels"),
        "conversations.open": Method(conversations.open_, T3, "dms"),
        "conversations.members": Method(conversations.members, T4, "channels"),
        "conversations.history": Method(conversations.history, T3, "history"),
        "conversations.replies": Method(conversations.replies, T3, "history"),
        "chat.postMessage": Method(chat.post_message, POST, "chat"),
        "chat.postEphemeral": Method(chat.post_ephemeral, T4, "chat"),
        "chat.update": Method(chat.update, T3, "chat"),
        "chat.delete": Method(chat.delete, T3, "chat"),
        "chat.startStream": Method(streams.start, T2, "chat"),
        "chat.appendStream": Method(streams.append, T4, "chat"),
        "chat.stopStream": Method(streams.stop, T2, "chat"),
        "assistant.threads.setStatus": Method(threads.set_status, STATUS, "chat"),
        "agents.sessions.setStatus": Method(threads.set_session, T3, "chat"),
        "agents.sessions.rename": Method(threads.rename_session, T3, "chat"),
        "reactions.add": Method(reactions.add, T3, "reactions"),
        "reactions.remove": Method(reactions.remove, T2, "reactions"),
        "reactions.get": Method(reactions.get, T3, "reactions_read"),
        "files.info": Method(files.info, T4, "files"),
        "files.getUploadURLExternal": Method(files.announce, T4, "uploads"),
        "files.completeUploadExternal": Method(files.complete, T4, "uploads"),
    }
