"""Files as they are remembered and as Slack describes them: uploads, snippets, posts, canvases and clips. Pure.

Slack docs, reference/objects/file-object. Seen in what Slack sends, not documented: a text file is a `snippet` even if
it was uploaded; a canvas is a `quip` and its `url_private` gives HTML; a clip has a `subtype` and a `transcription`.
"""

import html
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

FileKind = Literal["file", "snippet", "post", "canvas", "voice", "video"]
_MEDIA_TYPES = {
    "snippet": "text/plain", "post": "text/plain", "canvas": "application/vnd.slack-docs", "voice": "audio/mp4",
    "video": "video/mp4",
}  # fmt: skip
_FILETYPES = {"post": "post", "canvas": "quip", "voice": "m4a", "video": "mp4"}
_BY_EXTENSION = {
    "c": "c", "cs": "csharp", "htm": "html", "jpeg": "jpg", "js": "javascript", "kt": "kotlin", "md": "markdown",
    "py": "python", "rb": "ruby", "rs": "rust", "sh": "shell", "ts": "typescript", "txt": "text", "yml": "yaml",
}  # fmt: skip
_MORE_MEDIA_TYPES = {
    "webp": "image/webp", "heic": "image/heic", "heif": "image/heif", "avif": "image/avif", "m4a": "audio/mp4",
}  # fmt: skip
_PRETTY = {"post": "Post", "canvas": "Canvas"}
_PREVIEW_LINES = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """What a person shares. `kind`: `canvas` and `post` are made in Slack, `voice` and `video` are recorded clips.

    `data`: what `url_private` gives; of a canvas, its HTML. `transcript`: what Slack understood of a clip ("": it is
    still listening). `duration_s`: how long a clip is.
    """

    name: str
    data: bytes = field(repr=False)
    kind: FileKind = "file"
    title: str = ""
    transcript: str = ""
    duration_s: float = 1.0


@dataclass(frozen=True, slots=True)
class File:
    """A file in the workspace. `url`: `url_private`, which wants the bot's token. `created_s`: since 1970."""

    id: str
    name: str
    media_type: str
    data: bytes = field(repr=False)
    url: str
    user: str
    shared: Shared = field(repr=False)
    created_s: int = 0

    @property
    def size_bytes(self) -> int:
        """How long the data is."""
        return len(self.data)

    @property
    def served_as(self) -> str:
        """The content type of a download."""
        return "text/html" if self.shared.kind == "canvas" else self.media_type


def make(shared: Shared, file_id: str, user: str, *, team_id: str, host: str, created_s: int) -> File:
    """Return the file that a share or an upload becomes."""
    path = "canvas" if shared.kind == "canvas" else quote(shared.name.lower().replace(" ", "_").replace("/", "_"))
    url = f"http://{host}/files-pri/{team_id}-{file_id}/{path}"
    kind = _MEDIA_TYPES.get(shared.kind) or media_type(shared.name)
    return File(file_id, shared.name, kind, shared.data, url, user, shared, created_s)


def media_type(name: str) -> str:
    """Return what Slack takes a file for, by its name alone; all kinds of text are plain text to it."""
    extension = name.lower().rpartition(".")[2]
    known = _MORE_MEDIA_TYPES.get(extension) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "text/plain" if known.startswith("text/") else known


def files_json(files: Sequence[File], team_id: str, *, stub: bool) -> list[dict[str, Any]]:
    """Return file objects; `stub`: as a file of another organisation arrives (Slack docs, reference/objects/file)."""
    if stub:
        return [{"id": file.id, "mode": "file_access", "file_access": "check_file_info"} for file in files]
    return [file_json(file, team_id) for file in files]


def file_json(file: File, team_id: str) -> dict[str, Any]:
    """Return one file object, without where it was shared."""
    folder, _, name = file.url.rpartition("/")
    mode = _mode(file)
    filetype = _filetype(file)
    body: dict[str, Any] = {
        "id": file.id, "created": file.created_s, "timestamp": file.created_s, "name": file.name,
        "title": file.shared.title or file.name, "mimetype": file.media_type, "filetype": filetype,
        "pretty_type": _PRETTY.get(file.shared.kind, filetype.upper()), "mode": mode, "editable": mode != "hosted",
        "is_external": False, "external_type": "", "is_public": False, "user": file.user, "size": file.size_bytes,
        "file_access": "visible", "url_private": file.url, "url_private_download": f"{folder}/download/{name}",
        "permalink": f"https://simulated.slack.com/files/{file.user}/{file.id}/{name}",
        "permalink_public": f"https://slack-files.com/{team_id}-{file.id}", "public_url_shared": False,
        "user_team": team_id, "username": "", "display_as_bot": False, "media_display_type": "unknown",
        "is_starred": False, "has_rich_preview": False,
    }  # fmt: skip
    if mode in {"snippet", "post"}:
        body |= _preview(file.data.decode(errors="replace"))
    if file.shared.kind in {"voice", "video"}:
        body |= _clip(file.shared)
    return body


def _mode(file: File) -> str:
    if file.shared.kind == "canvas":
        return "quip"
    if file.shared.kind == "post":
        return "post"
    return "snippet" if file.media_type == "text/plain" else "hosted"


def _filetype(file: File) -> str:
    if file.shared.kind in _FILETYPES:
        return _FILETYPES[file.shared.kind]
    _, dot, extension = file.name.lower().rpartition(".")
    plain = "text" if file.media_type == "text/plain" else "binary"
    return _BY_EXTENSION.get(extension, extension) if dot else plain


def _preview(text: str) -> dict[str, Any]:
    lines = text.splitlines()
    preview, more = "\n".join(lines[:_PREVIEW_LINES]), max(0, len(lines) - _PREVIEW_LINES)
    highlighted = f'<div class="CodeMirror"><pre>{html.escape(preview)}</pre></div>'
    return {"preview": preview, "preview_highlight": highlighted, "lines": len(lines), "lines_more": more,
            "preview_is_truncated": more > 0}  # fmt: skip


def _clip(shared: Shared) -> dict[str, Any]:
    display = "audio" if shared.kind == "voice" else "video"
    heard: dict[str, Any] = {"status": "processing"}
    if shared.transcript:
        preview = {"content": shared.transcript, "has_more": False}
        heard = {"status": "complete", "locale": "en-US", "preview": preview}
    return {"subtype": f"slack_{display}", "media_display_type": display, "transcription": heard,
            "duration_ms": round(shared.duration_s * 1000)}  # fmt: skip
