"""Extracts what a reader sees of a stranger's HTML page. Runs in the process of `main.py`.

One pass, linear in the page's length whatever is in it: Python's own parser looks for the end of a tag or comment
again and again, which costs the square (CVE-2025-6069). Broken HTML is read as browsers read it (WHATWG, 13.2.5), but
that an attribute whose quote is never closed ends with its tag.
"""

import html
import re
from typing import Any

_BEFORE = {"br": "\n", "li": "\n- ", "td": " | ", "th": " | ", "tr": "\n", "pre": "\n```\n", "hr": "\n\n---\n\n"} | {
    f"h{level}": "\n\n" + "#" * level + " " for level in range(1, 7)
}
_AFTER = {"pre": "\n```\n"} | dict.fromkeys(("p", "div", "ul", "ol", "table", "blockquote"), "\n")
_AFTER |= {f"h{level}": "\n\n" for level in range(1, 7)}
_UNSEEN = frozenset({"script", "style", "template", "title"})
_RAW = frozenset({"script", "style", "title", "textarea"})
"""Their content is not HTML, up to their end."""
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]{0,20})")
_TAG_STOP = re.compile(r"=\s*[\"']|>")
_CHECKED = re.compile(r"\bclass\s?=\s?[\"']?[^\"'>]{0,200}\bchecked\b")
_SPACES = re.compile(r"\s+")


def prepare(_order: dict[str, Any]) -> None:
    """Do nothing: everything is loaded."""


def work(data: bytes, _order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the text of a page, in UTF-8."""
    return {}, text_of_html(data.decode(errors="replace")).encode(errors="replace")


def text_of_html(page: str) -> str:
    """Return what a reader sees of a page, with Markdown's signs for headings, items and preformatted text."""
    reader = _PageReader(page)
    reader.read()
    return _without_gaps("".join(reader.words))


def _without_gaps(text: str) -> str:
    """Return the text with runs of empty lines reduced to one."""
    kept: list[str] = []
    for line in text.split("\n"):
        bare = line.rstrip()
        if bare or (kept and kept[-1]):
            kept.append(bare)
    return "\n".join(kept).strip()


class _PageReader:
    """Goes through a page once. `words`: the visible text so far."""

    def __init__(self, page: str) -> None:
        self.words: list[str] = []
        self._page = page
        self._unseen = 0
        self._preformatted = 0
        self._unclosed: set[str] = set()
        """The quotes that do not occur in the rest of the page."""

    def read(self) -> None:
        """Read to the end."""
        page, at = self._page, 0
        while at < len(page):
            tag = page.find("<", at)
            if tag < 0:
                tag = len(page)
            self._data(page[at:tag])
            at = self._markup(tag) if tag < len(page) else tag

    def _markup(self, at: int) -> int:
        """Read what begins with a `<`; return where it ends."""
        page = self._page
        if page.startswith("<!--", at):
            return self._after("-->", at + 4)
        if page.startswith(("<!", "<?"), at):
            return self._after(">", at)
        name = _NAME.match(page, at)
        if name is None:
            self._data("<")
            return at + 1
        end = self._tag_end(name.end())
        tag = name[1].lower()
        if page[at + 1] == "/":
            self._close(tag)
            return end
        self._open(tag, page[at:end])
        return self._raw_end(tag, end) if tag in _RAW else end

    def _after(self, mark: str, at: int) -> int:
        found = self._page.find(mark, at)
        return len(self._page) if found < 0 else found + len(mark)

    def _tag_end(self, at: int) -> int:
        """Return where a tag ends: after the first `>` outside of quotes."""
        while (stop := _TAG_STOP.search(self._page, at)) is not None:
            quote = stop[0][-1]
            if quote == ">":
                return stop.end()
            closed = -1 if quote in self._unclosed else self._page.find(quote, stop.end())
            if closed < 0:
                self._unclosed.add(quote)
            at = stop.end() if closed < 0 else closed + 1
        return len(self._page)

    def _raw_end(self, tag: str, at: int) -> int:
        """Return where the end of non-HTML content begins; only a text field's content is visible."""
        end = re.compile(f"</{tag}", re.IGNORECASE).search(self._page, at)
        stop = len(self._page) if end is None else end.start()
        self._data(self._page[at:stop])
        return stop

    def _open(self, tag: str, text: str) -> None:
        self._unseen += tag in _UNSEEN
        self._preformatted += tag == "pre"
        self._sign(_BEFORE.get(tag, ""))
        if tag == "li" and _CHECKED.search(text[:1000]):
            self.words.append("[x] ")

    def _close(self, tag: str) -> None:
        if tag == "pre" and not self._preformatted:
            return
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._preformatted -= tag == "pre"
        self._sign(_AFTER.get(tag, ""))

    def _sign(self, sign: str) -> None:
        if sign:
            self.words.append(sign)

    def _data(self, data: str) -> None:
        if data and not self._unseen:
            text = _unescaped(data)
            if not self._preformatted:
                text = _SPACES.sub(" ", text)
                text = text.lstrip() if self._at_line_start() else text
            self.words.append(text)

    def _at_line_start(self) -> bool:
        return not self.words or self.words[-1].endswith("\n")


def _unescaped(data: str) -> str:
    try:
        return html.unescape(data)
    except ValueError:  # a number with more digits than Python reads
        return data
