"""What a PDF says about itself, without reading it: whether it is whole, locked, and how many pages it has.

PDF 1.7 (ISO 32000-1): 7.5 file structure, 7.5.7 object streams, 7.6 encryption, 7.7.3 page tree.
"""

import re
import zlib
from collections.abc import Iterator

from bot.media.kinds import Unreadable

_PAGE = re.compile(rb"/Type\s{0,8}/Page(?![A-Za-z])")
_COUNT = re.compile(rb"/Count\s{1,8}(\d{1,9})")
_LOCKED = re.compile(rb"/Encrypt\s{0,8}(?:<<|\d{1,9}\s{1,8}\d{1,9}\s{1,8}R)")
_STREAMS = 2000
_STREAM_BYTES = 1_000_000
_ALL_STREAMS_BYTES = 32_000_000
_PIECE_BYTES = 65536
"""What a hostile PDF may cost: so many compressed streams are looked into, and so much of what they unfold to."""


def check_pdf(data: bytes, max_pages: int) -> None:
    """Raise `Unreadable` if a PDF is incomplete, locked by a password, or has more than `max_pages` pages."""
    if data.rfind(b"%%EOF") < 0:
        raise Unreadable("the PDF is damaged or incomplete")
    if _LOCKED.search(data):
        raise Unreadable("the PDF is protected by a password; send it without one")
    pages = page_count(data)
    if pages > max_pages:
        raise Unreadable(f"the PDF has {pages} pages, and I read {max_pages} at most; send the part that matters")


def page_count(data: bytes) -> int:
    """Return how many pages a PDF has, as far as can be told; 0 if that is not at all.

    Pages saved a second time are in the file twice, and other things than the page tree have a count too: the smaller
    of both numbers is the pages'.
    """
    pages = most = 0
    for text in (data, *_object_streams(data)):
        pages += sum(1 for _ in _PAGE.finditer(text))
        most = max(most, max((int(found[1]) for found in _COUNT.finditer(text)), default=0))
    return min(pages, most) or max(pages, most)


def _object_streams(data: bytes) -> Iterator[bytes]:
    """Yield the compressed objects, where newer PDFs keep their page tree."""
    room, at = _ALL_STREAMS_BYTES, -1
    for _ in range(_STREAMS):
        at = data.find(b"/ObjStm", at + 1)
        if at < 0:
            return
        keyword = data.find(b"stream", at, at + 500)  # the dictionary between them is short
        if keyword < 0:
            continue
        begin = keyword + (8 if data[keyword + 6 : keyword + 8] == b"\r\n" else 7)
        text = _unfolded(data, begin, min(_STREAM_BYTES, room))
        room -= len(text)
        yield text


def _unfolded(data: bytes, at: int, max_bytes: int) -> bytes:
    """Return what a stream unfolds to, as far as it is sound; nothing if it is packed in another way."""
    text, unfold = bytearray(), zlib.decompressobj()
    try:
        while len(text) < max_bytes and at < len(data) and not unfold.eof:
            piece = unfold.unconsumed_tail or data[at : at + _PIECE_BYTES]
            at += 0 if unfold.unconsumed_tail else _PIECE_BYTES
            text += unfold.decompress(piece, max_bytes - len(text))
    except zlib.error:
        return bytes(text)
    return bytes(text)
