"""What a file is, by its bytes alone: its name and declared type are mere claims of the sender."""


class Unreadable(Exception):  # noqa: N818 - said of a file
    """A file that cannot be shown to Claude. `reason` follows a colon: "it is a video". `detail` is for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


DAMAGED = "it is damaged or incomplete; send it again"
"""The reason for a file that does not follow its format."""

PDF = "application/pdf"
TEXT = "text/plain"
TAKEN = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The image types that Claude accepts (platform.claude.com, build-with-claude/vision)."""

PILLOW_NAMES = {
    "image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP",
    "image/bmp": "BMP", "image/tiff": "TIFF", "image/avif": "AVIF", "image/heic": "HEIF",
}  # fmt: skip
"""Every image type that we read, with the one decoder that may open it."""

_VIDEO = "it is a video, and I see still pictures only; send screenshots of the moments that matter"
_AUDIO = "it is a recording, and I cannot listen; write me what it says"
_ARCHIVE = "it is an archive; send the files in it one by one"
_PROGRAM = "it is a program; send its source, or a screenshot of what it does"
_OFFICE = "it is an Office document; save it as PDF and send that"
_OTHER_PICTURE = "it is a kind of picture that I cannot open; send it as PNG or JPEG"
_UNKNOWN = "it is not an image, a PDF or a text that I know how to read"
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", PDF),
    (b"8BPS", _OTHER_PICTURE),
    (b"\xff\x0a", _OTHER_PICTURE),  # JPEG XL
    (b"\0\0\0\x0cJXL ", _OTHER_PICTURE),
    (b"\0\0\0\x0cjP  ", _OTHER_PICTURE),  # JPEG 2000
    (b"PK\x05\x06", _ARCHIVE),
    (b"\x1f\x8b", _ARCHIVE),
    (b"BZh91AY&SY", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"\xfd7zXZ\0", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"{\\rtf", _OFFICE),
    (b"\x7fELF", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\0asm", _PROGRAM),
    (b"\x1aE\xdf\xa3", _VIDEO),
    (b"FLV\x01", _VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _VIDEO),  # Windows Media
    (b"\0\0\x01\xba", _VIDEO),  # MPEG
    (b"OggS", _AUDIO),
    (b"ID3\x02", _AUDIO),
    (b"ID3\x03", _AUDIO),
    (b"ID3\x04", _AUDIO),
    (b"fLaC", _AUDIO),
    (b"MThd\0", _AUDIO),
    (b"caff\0", _AUDIO),
    (b"\xff\xfb", _AUDIO),
    (b"\xff\xf3", _AUDIO),
    (b"\xff\xf1", _AUDIO),
    (b"#!AMR", _AUDIO),
)
"""How files begin, with their media type or the reason why they cannot be shown to Claude."""
_RIFF = {b"WEBP": "image/webp", b"AVI ": _VIDEO, b"WAVE": _AUDIO}
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
_IN_ZIP = (
    (b"word/document", _OFFICE),
    (b"ppt/presentation", _OFFICE),
    (b"xl/workbook", "it is a spreadsheet; save it as CSV or PDF and send that"),
    (b"opendocument.spreadsheet", "it is a spreadsheet; save it as CSV or PDF and send that"),
    (b"opendocument.", _OFFICE),
    (b"epub+zip", "it is a book; send the part that matters as PDF or text"),
)
"""What a ZIP file with such an entry is; without any of them it is an archive."""


def kind_of(data: bytes) -> str:
    """Return a file's media type: an image's (a key of `PILLOW_NAMES`), `PDF`, or `TEXT` if it may be text.

    Raise `Unreadable`, with what it is, for any other file.
    """
    if not data:
        raise Unreadable("it is empty")
    found = next((found for signature, found in _SIGNATURES if data.startswith(signature)), "") or _by_inner_mark(data)
    if found in PILLOW_NAMES or found == PDF:
        return found
    if found:
        raise Unreadable(found)
    return TEXT


def _by_inner_mark(data: bytes) -> str:
    """Return what only the bytes after the first ones tell; "" if nothing."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "")
    if data[:4] == b"PK\x03\x04":
        return next((kind for name, kind in _IN_ZIP if name in data[:200] or name in data[-_ZIP_LIST_BYTES:]), _ARCHIVE)
    if data[257:262] == b"ustar":
        return _ARCHIVE
    if data[4:8] == b"ftyp" and data[0] == 0:  # "the ftyp box" is text
        return _of_brands(data)
    if data[:2] == b"BM" and data[14:18] in _BMP_HEADER_SIZES:
        return "image/bmp"
    return _PROGRAM if data[:2] == b"MZ" and b"\0" in data[:64] else ""


_ZIP_LIST_BYTES = 65536
"""How much of a ZIP file is searched: the list of names is at its end; an OpenDocument or EPUB names its type at the
beginning.
"""
_BMP_HEADER_SIZES = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}
"""A text may also begin with "BM", but a bitmap has one of these numbers at byte 14."""


def _of_brands(data: bytes) -> str:
    """ISO base media: photos, videos and audio in one container, told apart by brands."""
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[at : at + 4] for at in (8, *range(16, size, 4))}
    if brands & _AVIF_BRANDS:
        return "image/avif"
    if brands & _HEIC_BRANDS:
        return "image/heic"
    return _AUDIO if brands & _AUDIO_BRANDS else _VIDEO


def text_of(data: bytes, max_bytes: int) -> tuple[str, str]:
    """Return the text of a file, and its encoding if that had to be guessed, otherwise "".

    It is UTF-8, or UTF-16 if the first two bytes say so; otherwise Windows-1252 (all visible characters of Latin-1), if
    few letters are beyond ASCII, as in the languages it was made for. Raise `Unreadable` if it is not text, longer than
    `max_bytes`, or blank.
    """
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide and _is_binary(data[:4096]):
        raise Unreadable(_UNKNOWN)
    if len(data) > max_bytes:
        raise Unreadable(f"it is text of more than {max_bytes // 1000:,} kB; send the part that matters")
    guessed = ""
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text, guessed = _western(data), "Windows-1252"
    if not _CONTROLS.isdisjoint(text):
        raise Unreadable(_UNKNOWN)
    if not text.strip():
        raise Unreadable("it is empty")
    return text, guessed


def _western(data: bytes) -> str:
    if _is_binary(data):
        raise Unreadable(_UNKNOWN)
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if sum(char > "\x7f" for char in text) * _WESTERN_ONE_IN >= len(text):
        raise Unreadable("it is not text in UTF-8; save it in that encoding and send it again")
    return text


_WESTERN_ONE_IN = 3
"""One letter in ten of French and German is beyond ASCII; in Russian or Japanese in their own encodings most are."""
_CONTROLS = frozenset(map(chr, range(32))) - frozenset("\t\n\r\f\v\b\x1b")
"""Characters that no text has. Logs may have escape sequences, and man pages backspaces."""
_CONTROL_BYTES = frozenset(map(ord, _CONTROLS))


def _is_binary(data: bytes) -> bool:
    return not _CONTROL_BYTES.isdisjoint(data)
