"""The bot's own sentences below an answer: why it broke off, which upload was left out, what is going on. They are not
Claude's text, and their small print shows it.
"""

import re
from collections.abc import Sequence

from bot.ports import Dialect
from bot.reply.paging.pages import pages

NO_TEXT = "Claude returned no text."
WAITING = "…"
WHOLE = "answer.md"
"""The file that holds the whole of an answer too long for the chat."""
IN_FILE = f"This answer is too long to read here; the whole of it is in the file {WHOLE}."
GOES_ON = "The answer goes on; the whole of it will come as a file."

_MARKUP = re.compile(r"([\\`*_~\[\]<>|#])")


def not_attached(name: str) -> str:
    """Return the sentence for a file that could not be posted."""
    return f"The file {name} could not be attached here."


def small_print(note: str, dialect: Dialect, size: int) -> list[str]:
    """Return a note as rendered messages of at most `size`, every line in italics with its own markup escaped."""
    lines = (_MARKUP.sub(r"\\\1", " ".join(line.split())) for line in note.splitlines())
    markdown = "\n\n".join(f"*{line}*" for line in lines if line)
    return [page.text for page in pages(markdown, dialect, size) if page.text.strip()]


def noted(texts: Sequence[str], note: str, dialect: Dialect, size: int) -> list[str]:
    """Return an answer's rendered messages with the note as the last paragraph, in a message of its own if necessary.

    An answer without any text says so, unless there is a note.
    """
    if not texts and not note.strip():
        note = NO_TEXT
    below = small_print(note, dialect, size)
    if not texts or not below:
        return [*texts, *below]
    together = _below(texts[-1], below[0])
    if dialect.size(together) <= size:
        return [*texts[:-1], together, *below[1:]]
    return [*texts, *below]


def with_line(texts: list[str], line: str, dialect: Dialect, size: int) -> list[str]:
    """Return rendered messages with a line of small print below the last, or alone; unchanged if it does not fit."""
    below = small_print(line, dialect, size)
    together = [*texts[:-1], _below(texts[-1], below[0]) if texts else below[0]] if below else texts
    return together if not together or dialect.size(together[-1]) <= size else texts


def room_for(note: str, dialect: Dialect) -> int:
    """Return the size that a short note takes below a text."""
    return dialect.size(_below("", *small_print(note, dialect, 1000)))


def _below(text: str, line: str) -> str:
    return f"{text}\n\n{line}"
