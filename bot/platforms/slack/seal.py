"""The mark of each message the bot posts, as signed message metadata.

Whoever may read a channel can read metadata, and another app can write it. So only metadata signed for this very
thread, with a key from the bot's token, counts as ours.
"""

import hmac
from typing import Any

from bot.platforms.slack.read.translate import Message

_EVENT_TYPE = "parley_part"
_PURPOSE = b"parley message metadata"


def seal_key(bot_token: str) -> bytes:
    """Return the key that signatures are made with; the token cannot be derived from it."""
    return hmac.digest(bot_token.encode(), _PURPOSE, "sha256")


class Seal:
    """Signs and reads the marks of one thread's messages."""

    def __init__(self, key: bytes, channel: str, thread: str) -> None:
        self._key = key
        self._place = f"{channel}|{thread}"

    def on(self, idempotency_key: str) -> dict[str, Any]:
        """Return the metadata of a message with a key (Slack docs, messaging/message-metadata)."""
        return {
            "event_type": _EVENT_TYPE,
            "event_payload": {"mark": idempotency_key, "sig": self._signature(idempotency_key)},
        }

    def idempotency_key_of(self, message: Message) -> str:
        """Return the key of a message from conversations.replies; "" if it has none that we signed."""
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload")
        if metadata.get("event_type") != _EVENT_TYPE or not isinstance(payload, dict):
            return ""
        idempotency_key = str(payload.get("mark") or "")
        signed = hmac.compare_digest(str(payload.get("sig") or "").encode(), self._signature(idempotency_key).encode())
        return idempotency_key if signed else ""

    def _signature(self, idempotency_key: str) -> str:
        return hmac.new(self._key, f"{idempotency_key}|{self._place}".encode(), "sha256").hexdigest()
