"""The content blocks of a request, one by one: which are allowed where, and whether what they hold can be used."""

from collections.abc import Callable, Iterator
from typing import Any

from bot.simulator.claude.request.fields import Json, join, one_of, optional, required, typed
from bot.simulator.claude.request.pictures import MEDIA_TYPES, Picture, PictureReader, decode_base64
from bot.simulator.claude.request.refusal import Refused

USER_BLOCKS = ("text", "image", "document", "search_result", "tool_result", "container_upload")
ASSISTANT_BLOCKS = (
    "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result",
    "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result", "tool_search_tool_result", "mcp_tool_use", "mcp_tool_result",
)  # fmt: skip
_RESULT_BLOCKS = ("text", "image", "document", "search_result", "tool_reference")
_ID = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
MAX_PDF_PAGES = 600
MAX_PDF_PAGES_SMALL_CONTEXT = 100


class BlockReader:
    """Checks blocks and collects the images and PDF pages they hold, in the order they were sent."""

    def __init__(self, reader: PictureReader, *, strict_2026: bool) -> None:
        self.pictures: list[tuple[str, Picture]] = []
        self.pdf_pages = 0
        self._reader = reader
        self._strict_2026 = strict_2026  # rules that came with API version 2026-10-21
        self._checks: dict[str, Callable[[Json, str, str], None]] = {
            "text": self._text,
            "image": self._image,
            "document": self._document,
            "search_result": self._search_result,
            "tool_result": self._tool_result,
            "tool_use": self._tool_use,
            "thinking": self._thinking,
            "redacted_thinking": self._redacted,
        }

    def check(self, block: object, role: str, where: str) -> None:
        """Check one block of a message. Raise `Refused` naming `where`."""
        allowed = ASSISTANT_BLOCKS if role == "assistant" else ("text",) if role == "system" else USER_BLOCKS
        self._check(typed(block, dict, where), role, where, allowed)

    def _check(self, block: Json, role: str, where: str, allowed: tuple[str, ...]) -> None:
        kind = required(block, "type", str, where)
        if kind == "document" and role == "assistant":
            raise Refused(f"{where}: `document` blocks are not allowed in assistant messages")
        if kind not in allowed:
            tags = ", ".join(f"'{tag}'" for tag in allowed)
            raise Refused(
                f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"
            )
        check = self._checks.get(kind)
        if check is not None:
            check(block, role, where)

    def _text(self, block: Json, role: str, where: str) -> None:
        check_text(required(block, "text", str, f"{where}.text"), "messages")
        citations = optional(block, "citations", list, f"{where}.text")
        if citations and role == "user" and self._strict_2026:
            raise Refused(f"{where}.text.citations: citations are not allowed on text blocks of user messages")

    def _image(self, block: Json, _role: str, where: str) -> None:
        source = required(block, "source", dict, f"{where}.image")
        kind = one_of(source.get("type"), ("base64", "url", "file"), f"{where}.image.source.type")
        if kind != "base64":
            _refuse_remote(source, kind)
        at = f"{where}.image.source.base64"
        claimed = one_of(source.get("media_type"), tuple(MEDIA_TYPES.values()), f"{at}.media_type")
        picture = self._reader.read(required(source, "data", str, at), at)
        actual = MEDIA_TYPES[picture.format]
        if claimed != actual:
            raise Refused(
                f"{at}: The image was specified using the {claimed} media type, but the image appears to be a "
                f"{actual} image"
            )
        self.pictures.append((where, picture))

    def _document(self, block: Json, _role: str, where: str) -> None:
        source = required(block, "source", dict, f"{where}.document")
        at = f"{where}.document.source"
        kind = one_of(source.get("type"), ("base64", "text", "content", "url", "file"), f"{at}.type")
        if kind == "base64":
            one_of(source.get("media_type"), ("application/pdf",), f"{at}.base64.media_type")
            self.pdf_pages += pdf_pages(required(source, "data", str, f"{at}.base64"), f"{at}.base64")
        elif kind == "text":
            one_of(source.get("media_type"), ("text/plain",), f"{at}.text.media_type")
            check_text(required(source, "data", str, f"{at}.text"), f"{at}.text.data")
        elif kind == "content":
            self._nested(source.get("content"), f"{at}.content", ("text", "image"))
        else:
            _refuse_remote(source, kind)

    def _search_result(self, block: Json, _role: str, where: str) -> None:
        for name in ("source", "title"):
            required(block, name, str, f"{where}.search_result")
        self._nested(required(block, "content", list, f"{where}.search_result"), f"{where}.content", ("text",))

    def _tool_result(self, block: Json, _role: str, where: str) -> None:
        required(block, "tool_use_id", str, f"{where}.tool_result")
        if block.get("content") is not None:
            self._nested(block["content"], f"{where}.content", _RESULT_BLOCKS)

    def _nested(self, content: object, where: str, allowed: tuple[str, ...]) -> None:
        if isinstance(content, str):
            return
        for index, inner in enumerate(typed(content, list, where)):
            at = join(where, index)
            self._check(typed(inner, dict, at), "user", at, allowed)

    def _tool_use(self, block: Json, _role: str, where: str) -> None:
        at = f"{where}.tool_use"
        identity = required(block, "id", str, at)
        if not identity or not set(identity) <= _ID:
            raise Refused(f"{at}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        required(block, "name", str, at)
        if not isinstance(required(block, "input", object, at), dict):
            raise Refused(f"{at}.input: Input should be an object")

    def _thinking(self, block: Json, _role: str, where: str) -> None:
        required(block, "thinking", str, f"{where}.thinking")
        required(block, "signature", str, f"{where}.thinking")

    def _redacted(self, block: Json, _role: str, where: str) -> None:
        required(block, "data", str, f"{where}.redacted_thinking")


def check_text(text: str, where: str) -> None:
    """Raise `Refused` if a text block holds nothing to read."""
    if not text:
        raise Refused(f"{where}: text content blocks must be non-empty")
    if not text.strip():
        raise Refused(f"{where}: text content blocks must contain non-whitespace text")


def pdf_pages(data: str, where: str) -> int:
    """Return the pages of a base64 PDF (at least one; pages inside compressed object streams are not counted)."""
    raw = decode_base64(data, f"{where}.data")
    if not raw.startswith(b"%PDF"):
        raise Refused(f"{where}: The PDF specified was not valid.")
    if b"/Encrypt" in raw:
        raise Refused(f"{where}: The PDF specified is password protected.")
    pages = (
        raw.count(b"/Type /Page") + raw.count(b"/Type/Page") - raw.count(b"/Type /Pages") - raw.count(b"/Type/Pages")
    )
    return max(1, pages)


def _refuse_remote(source: Json, kind: str) -> None:
    """Refuse what the simulation cannot fetch, as the API refuses what it cannot fetch."""
    if kind == "file":
        raise Refused(f"File not found: {source.get('file_id')}", "not_found_error")
    raise Refused("Unable to download the file. Please verify the URL and try again.")


def walk(content: list[Json]) -> Iterator[Json]:
    """Yield every block, those inside tool results and documents right after the block that holds them."""
    for block in content:
        yield block
        inner: Any = block.get("content")
        if block.get("type") == "document":
            inner = block["source"].get("content")
        if isinstance(inner, list):
            yield from walk([part for part in inner if isinstance(part, dict)])
