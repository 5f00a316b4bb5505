"""The words in a message's blocks and attachments. Pure.

Alerts of other apps often have no `text` at all, and our own is only the beginning of what we said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_SIGNS = {"user": ("user_id", "<@{}>"), "channel": ("channel_id", "<#{}>"), "broadcast": ("range", "<!{}>"),
          "usergroup": ("usergroup_id", "<!subteam^{}>"), "emoji": ("name", ":{}:")}  # fmt: skip
"""Elements of rich text that stand for something else (Slack docs, reference/block-kit/blocks/rich-text-block)."""
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def words_of(message: Mapping[str, Any]) -> str:
    """Return what a message says itself, in Slack's own escaped text: its text, or else its blocks; its attachments.

    Of an app's message with blocks people see the blocks: `text` is only what notifications show (Slack docs,
    reference/methods/chat.postMessage). Left out are attachments that say what others said: forwarded messages, and the
    previews Slack makes of links.
    """
    said, blocks = str(message.get("text") or ""), words_of_blocks(message.get("blocks") or ())
    text = (blocks or said) if message.get("bot_id") else (said or blocks)
    own = [one for one in message.get("attachments") or () if not _is_of_others(one)]
    return "\n".join(part for part in (text, words_of_attachments(own)) if part)


def _is_of_others(attachment: Mapping[str, Any]) -> bool:
    preview = attachment.get("from_url") and not attachment.get("is_app_unfurl")  # an app's card is its own words
    return bool(attachment.get("is_share") or attachment.get("is_msg_unfurl") or preview)


def words_of_attachments(attachments: Sequence[Mapping[str, Any]]) -> str:
    """Return the words of attachments, in Slack's escaped text, one after the other."""
    return "\n".join(words for attachment in attachments if (words := _words_of_attachment(attachment)))


def words_of_blocks(blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return the words of blocks, in Slack's escaped text, one block after the other."""
    return "\n".join(words for block in blocks if (words := _words(block)))


def _words_of_attachment(attachment: Mapping[str, Any]) -> str:
    fields = [f"{field.get('title', '')}: {field.get('value', '')}" for field in attachment.get("fields") or ()]
    title, link = attachment.get("title"), attachment.get("title_link")
    head = [attachment.get("pretext"), attachment.get("author_name"), f"<{link}|{title}>" if title and link else title]
    text = attachment.get("text") or _words_shared(attachment)
    parts = [*head, text, words_of_blocks(attachment.get("blocks") or ()), *fields, attachment.get("footer")]
    found = "\n".join(str(part) for part in parts if part)
    return found or str(attachment.get("fallback") or "")


def _words_shared(attachment: Mapping[str, Any]) -> str:
    """Return the words of the messages that an attachment shares, if they are only in blocks: another app's alert."""
    shared = [one.get("message") or {} for one in attachment.get("message_blocks") or ()]
    return "\n".join(words for message in shared if (words := words_of_blocks(message.get("blocks") or ())))


def _words(block: Mapping[str, Any]) -> str:
    kind = block.get("type", "")
    if str(kind).startswith("rich_text"):
        return _rich(block)
    if kind == "table":
        return "\n".join(" | ".join(_words(cell) for cell in row) for row in block.get("rows") or ())
    if kind == "image":
        return _escaped(str(block.get("alt_text") or ""))
    inner = [block.get("text"), *(block.get("fields") or ()), *(block.get("elements") or ())]
    return "\n".join(words for part in inner if part and (words := _text(part)))


def _text(part: Any) -> str:
    """Return the words of a text object, of an element that has one, or of a markdown block's plain string."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return ""
    if part.get("type") == "plain_text":
        return _escaped(str(part.get("text") or ""))
    if part.get("type") == "image":
        return _escaped(str(part.get("alt_text") or ""))
    return _text(part.get("text"))


def _rich(element: Mapping[str, Any]) -> str:
    kind = str(element.get("type", ""))
    if kind in _SIGNS:
        field, shape = _SIGNS[kind]
        return shape.format(element.get(field, ""))
    if kind == "link":
        label = _escaped(str(element.get("text") or ""))
        return f"<{element.get('url', '')}|{label}>" if label else f"<{element.get('url', '')}>"
    if "elements" not in element:
        return _escaped(str(element.get("text") or ""))
    mark = "• " if kind == "rich_text_list" else ""
    inner = ("\n" if kind in {"rich_text", "rich_text_list"} else "").join(
        f"{mark}{_rich(child)}" for child in element["elements"]
    )
    return f"```\n{inner}\n```" if kind == "rich_text_preformatted" else inner


def _escaped(text: str) -> str:
    for character, entity in _ESCAPES:
        text = text.replace(character, entity)
    return text
