"""What is written in Slack itself and shared like a file: canvases, posts, e-mails. Their text, for who reads Markdown.

Slack docs, reference/objects/file-object, and how they come in practice (rusq/slackdump#401, stablyai/agent-slack#19):
a canvas is of mode `quip` and its `url_private` gives HTML; an e-mail has its `plain_text`, a short post its `preview`.
"""

from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/vnd.slack-docs"
"""What such an upload is called, whatever Slack says of it: so that `download` knows it."""
_MODES = frozenset({"canvas", "docs", "email", "post", "quip", "space"})


def is_document(file: Mapping[str, Any]) -> bool:
    """Return whether a file object is of something written in Slack."""
    return file.get("mode") in _MODES


def text_in(file: Mapping[str, Any]) -> str:
    """Return the whole text that a file object has in it; "" if it has none, or only the beginning."""
    if file.get("plain_text"):
        return str(file["plain_text"])
    is_whole = not file.get("preview_is_truncated") and not file.get("lines_more") and file.get("mode") != "quip"
    return str(file.get("preview") or "") if is_whole else ""
