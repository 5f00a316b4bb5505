"""The check whether Claude accepts a PDF and nobody need fear it: `examine.py` reads it in a separate process."""

from bot.media.decode.worker import ProcessLimits, run
from bot.media.formats.kinds import DAMAGED, Unreadable

_REFUSED = {
    "script": "has scripts in it",
    "launch": "would start a program",
    "file": "has other files in it",
}


async def check_pdf(data: bytes, max_bytes: int, max_pages: int, bounds: ProcessLimits) -> int:
    """Return how many pages a PDF has.

    Raise `Unreadable` if it is too large, incomplete, encrypted or too long, or contains what is not for reading.
    """
    if len(data) > max_bytes:
        raise Unreadable(f"the PDF is larger than {max_bytes / 1_000_000:g} MB; send the part that matters")
    if data.rfind(b"%%EOF") < 0:
        raise Unreadable(DAMAGED)
    found, _ = await run("examine", data, {}, bounds)
    if found.get("error") == "locked":
        raise Unreadable("the PDF is protected by a password or against copying; print it to a new PDF and send that")
    if found["holds"]:
        holds = " and ".join(_REFUSED[what] for what in found["holds"])
        raise Unreadable(f"the PDF {holds}; print it to a new PDF and send that", f"pdf: {found['holds']}")
    pages: int = found["pages"]
    if not pages:
        raise Unreadable("the PDF has no pages")
    if pages > max_pages:
        raise Unreadable(f"the PDF has {pages} pages, and I read {max_pages} at most; send the part that matters")
    return pages
