"""What the app must be allowed and must hear; `docs/slack-manifest.yaml` asks for exactly this."""

BOT_SCOPES = frozenset({
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "files:read",
    "groups:history",
    "im:history",
    "mpim:history",
    "users:read",
})  # fmt: skip
"""Slack docs, reference/scopes. The history scopes are also what lets `message.*` events in and threads be read."""

BOT_EVENTS = frozenset({"app_mention", "message.channels", "message.groups", "message.im", "message.mpim"})
"""Slack docs, reference/events."""
