"""Whose database a file is, read from its bytes: opening it with SQLite would already leave files beside it.

Sources: sqlite.org/fileformat2.html, "The Database Header" and "The WAL File Format".
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bot.errors import StoreError
from bot.store.sqlite.file.schema import APPLICATION_ID

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24


def refuse_foreign(file: Path) -> None:
    """Raise `StoreError` if a file is there that is another program's database or no database; nothing is changed.

    A file without a byte in it is nobody's yet. Raise `OSError` if it cannot be read.
    """
    if not file.exists() or file.stat().st_size == 0:
        return
    with file.open("rb") as opened:
        header = opened.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreError("The database is damaged or is no database; move it away or restore a copy.")
    # A process that was killed may have left its first page, where the id stands, in the write-ahead log alone.
    logged = list(_first_pages(Path(f"{file}-wal")))
    if any(_owner(page) == APPLICATION_ID for page in (header, *logged)):
        return
    if logged or _owner(header) or _version(header) or _pages(header) > 1:
        raise StoreError("The database is another program's; name a file of its own under [store] path.")


def _owner(page: bytes) -> int:
    return int(struct.unpack_from(">I", page, 68)[0])


def _version(page: bytes) -> int:
    return int(struct.unpack_from(">I", page, 60)[0])


def _pages(page: bytes) -> int:
    return int(struct.unpack_from(">I", page, 28)[0])


def _first_pages(wal: Path) -> Iterator[bytes]:
    """Yield the header of the database as each frame of its log that holds page 1 has it."""
    if not wal.exists():
        return
    with wal.open("rb") as opened:
        log_header = opened.read(_WAL_HEADER_BYTES)
        if len(log_header) == _WAL_HEADER_BYTES:
            yield from _of_page_1(
                opened, page_bytes=struct.unpack_from(">I", log_header, 8)[0], salts=log_header[16:24]
            )


def _of_page_1(opened: BinaryIO, page_bytes: int, salts: bytes) -> Iterator[bytes]:
    while len(frame := opened.read(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES and frame[8:16] == salts:
        page = opened.read(page_bytes)
        if struct.unpack_from(">I", frame)[0] == 1 and len(page) == page_bytes:
            yield page
