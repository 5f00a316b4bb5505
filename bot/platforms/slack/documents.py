"""What is written in Slack itself and shared like a file: canvases, posts, e-mails. Their text, for who reads Markdown.

Slack docs, reference/objects/file-object, and how they come in practice (rusq/slackdump#401, stablyai/agent-slack#19):
a canvas is of mode `quip` and its `url_private` gives HTML; an e-mail has its `plain_text`, a short post its `preview`.
"""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

MEDIA_TYPE = "application/vnd.slack-docs"
"""What such an upload is called, whatever Slack says of it: so that `download` knows it."""
_MODES = frozenset({"canvas", "docs", "email", "post", "quip", "space"})
_BEFORE = {"br": "\n", "li": "\n- ", "td": " | ", "th": " | ", "tr": "\n", "pre": "\n```\n", "hr": "\n\n---\n\n"} | {
    f"h{level}": "\n\n" + "#" * level + " " for level in range(1, 7)
}
_AFTER = {"pre": "\n```\n"} | dict.fromkeys(("p", "div", "ul", "ol", "table", "blockquote"), "\n")
_AFTER |= {f"h{level}": "\n\n" for level in range(1, 7)}
_UNSEEN = frozenset({"head", "script", "style", "template", "title"})
_GAPS = re.compile(r"[ \t]*\n[ \t]*\n\s*\n?")


def is_document(file: Mapping[str, Any]) -> bool:
    """Say whether a file object is of something written in Slack."""
    return file.get("mode") in _MODES


def text_in(file: Mapping[str, Any]) -> str:
    """Return the whole text that a file object has in it; "" if it has none, or only the beginning."""
    if file.get("plain_text"):
        return str(file["plain_text"])
    is_whole = not file.get("preview_is_truncated") and not file.get("lines_more") and file.get("mode") != "quip"
    return str(file.get("preview") or "") if is_whole else ""


def text_of_html(page: str) -> str:
    """Return what a reader sees of a page, with Markdown's signs for headings, items and preformatted text."""
    reader = _Reader()
    reader.feed(page.replace("<![", "<!-["))  # html.parser fails on marked sections that it does not know
    reader.close()
    return _GAPS.sub("\n\n", "".join(reader.words)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen = 0
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self._preformatted += tag == "pre"
        self.words.append(_BEFORE.get(tag, ""))
        if tag == "li" and "checked" in str(dict(attrs).get("class") or "").split():
            self.words.append("[x] ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre" and not self._preformatted:
            return
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._preformatted -= tag == "pre"
        self.words.append(_AFTER.get(tag, ""))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data if self._preformatted else re.sub(r"\s+", " ", data))
