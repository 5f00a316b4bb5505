"""What of Slack's events and answers can be read: everything else is logged with its keys and types, and left out."""

from collections.abc import Mapping
from typing import Any

from bot.platforms.kernel.shape import MISREAD, misread

_TEXTS = (
    "ts",
    "thread_ts",
    "text",
    "user",
    "subtype",
    "bot_id",
    "channel",
    "channel_type",
    "client_msg_id",
    "username",
)
_LISTS = ("blocks", "files", "attachments")
_OBJECTS = ("metadata", "bot_profile")
_TIMES = ("ts", "thread_ts", "latest_reply")


def check(message: Mapping[str, Any]) -> None:
    """Raise one of `MISREAD` for a message in which something we read is of another type than Slack documents
    (reference/events/message).
    """
    if not all(isinstance(message.get(name) or "", str) for name in _TEXTS):
        raise TypeError("a text of another type")
    lists = [message.get(name) or [] for name in _LISTS]
    objects = [item for one in lists for item in one] + [message.get(name) or {} for name in _OBJECTS]
    if not all(isinstance(one, list) for one in lists) or not all(isinstance(one, dict) for one in objects):
        raise TypeError("a list of another type")
    for name in _TIMES:
        float(message.get(name) or 0.0)


def messages_in(answer: Mapping[str, Any], method: str) -> list[Mapping[str, Any]]:
    """Return the messages that an answer lists, without those that cannot be read."""
    found = answer.get("messages") or []
    if not isinstance(found, list):
        misread("slack_answer_unreadable", answer, TypeError(), method=method)
        return []
    return [message for message in found if _is_readable(message, method)]


def next_cursor(answer: Mapping[str, Any]) -> str:
    """Return where an answer's next page begins; "" if there is none, or if that cannot be read."""
    more = answer.get("response_metadata")
    return str(more.get("next_cursor") or "") if isinstance(more, dict) else ""


def _is_readable(message: Any, method: str) -> bool:
    try:
        check(message)
        if not message.get("ts"):
            raise KeyError("ts")
    except MISREAD as error:
        misread("slack_message_unreadable", message, error, method=method)
        return False
    return True
