"""What the app must be allowed and must hear; `docs/slack-manifest.yaml` asks for exactly this."""

BOT_SCOPES = frozenset({
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "users:read",
})  # fmt: skip
"""Slack docs, reference/scopes. The history scopes are also what lets `message.*` events in and threads be read; those
of the same kind that end in `:read` let the channels be listed in which something may have been said meanwhile."""

AGENT_SCOPES = frozenset({"assistant:write"})
"""What an app has that is declared an agent (Slack docs, ai/agent-sessions). It works without: then a streamed answer
has no Stop button, and answers are edited."""

BOT_EVENTS = frozenset({
    "agent_session_stopped",
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
})  # fmt: skip
"""Slack docs, reference/events."""
