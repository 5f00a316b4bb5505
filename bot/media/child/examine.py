"""Examines a PDF: its pages, and contents that a document for reading does not need. Runs in the process of `main.py`.

Every object that the file's tables list counts, including those in compressed object streams, whether or not anything
refers to it. PDF 2.0 (ISO 32000-2): 12.6.4 action types, 7.11.4 embedded files, 7.6 encryption. pypdf does the reading:
the syntax has many forms for one thing (`/JS`, `/#4a#53`), and its reader knows them all and has limits of its own.
"""

import io
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject, StreamObject


def prepare(_order: dict[str, Any]) -> None:
    """Load what pypdf would otherwise load on demand."""
    import_module("pypdf.filters")
    import_module("pypdf._codecs._codecs")


def work(data: bytes, _order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return how many `pages` a PDF has and which of "script", "launch" and "file" it `holds`.

    The result is `error` "locked" if the file is encrypted, with whatever password. No page is read.
    """
    try:
        reader = PdfReader(io.BytesIO(data))
    except (
        DependencyError,
        NotImplementedError,
    ):  # a cipher that pypdf leaves to other libraries: it cannot be read here
        return {"error": "locked"}, b""
    if reader.is_encrypted:
        return {"error": "locked"}, b""
    suspect = any(_NAMES.search(text) for text in (data, *_packed(reader)))
    holds = {found for holder in _dictionaries(reader) for found in _harm(holder)} if suspect else set()
    return {"pages": len(reader.pages), "holds": sorted(holds)}, b""


def _spelled(name: bytes) -> bytes:
    """Return the pattern of a name, whose letters may each be written as a number (7.3.5)."""
    return b"".join(b"(?:%c|(?i:#%02x))" % (letter, letter) for letter in name)


_NAMES = re.compile(
    b"/(?:"
    + b"|".join(map(_spelled, (b"JS", b"JavaScript", b"Launch", b"EF", b"EmbeddedFile")))
    + rb")(?=[\0\t\n\f\r ()<>\[\]{}/%]|\Z)"
)
"""A file without any of these need not be read object by object, which takes a second for ten thousand."""


def _packed(reader: PdfReader) -> Iterator[bytes]:
    """Yield the decompressed object streams."""
    for number in {stream for stream, _ in reader.xref_objStm.values()}:
        stream = reader.get_object(number)
        if isinstance(stream, StreamObject):
            yield stream.get_data()


def _dictionaries(reader: PdfReader) -> Iterator[DictionaryObject]:
    listed = [(number, generation) for generation, table in reader.xref.items() for number in table]
    listed += [(number, 0) for number in reader.xref_objStm]
    for number, generation in listed:
        if number:
            yield from _inside(reader.get_object(IndirectObject(number, generation, reader)))


def _inside(found: PdfObject | None) -> Iterator[DictionaryObject]:
    """Yield the dictionaries inside one object, not those that it refers to."""
    left: list[Any] = [found]
    while left:
        inner = left.pop()
        if isinstance(inner, DictionaryObject):
            yield inner
            left += dict.values(inner)
        elif isinstance(inner, ArrayObject):
            left += list.__iter__(inner)


def _harm(holder: DictionaryObject) -> Iterator[str]:
    action, kind = _at(holder, "/S"), _at(holder, "/Type")
    if "/JS" in holder or action == "/JavaScript":
        yield "script"
    if action == "/Launch":
        yield "launch"
    if "/EF" in holder or kind == "/EmbeddedFile":
        yield "file"


def _at(holder: DictionaryObject, key: str) -> object:
    """Return the value, also where there is a reference to it; pypdf's `get` would return the reference."""
    value = holder.get(key)
    return value.get_object() if isinstance(value, PdfObject) else value
