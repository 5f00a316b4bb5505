"""The bot's own sentence below an answer: why it broke off, or which upload was left out. It is not Claude's text."""

import re
from collections.abc import Sequence

from bot.ports import Dialect
from bot.reply.pages import pages

NO_TEXT = "Claude returned no text."

_MARKUP = re.compile(r"([\\`*_~\[\]<>|#])")


def small_print(note: str, dialect: Dialect, size: int) -> list[str]:
    """Return a note as rendered messages of at most `size`: every line of it in italics, its own markup escaped."""
    lines = (_MARKUP.sub(r"\\\1", " ".join(line.split())) for line in note.splitlines())
    markdown = "\n\n".join(f"*{line}*" for line in lines if line)
    return [page.text for page in pages(markdown, dialect, size) if page.text.strip()]


def noted(texts: Sequence[str], note: str, dialect: Dialect, size: int) -> list[str]:
    """Return an answer's rendered messages with the note as the last paragraph, in a message of its own if need be.

    An answer without any text says so, unless the note speaks for it.
    """
    if not texts and not note.strip():
        note = NO_TEXT
    below = small_print(note, dialect, size)
    if not texts or not below:
        return [*texts, *below]
    together = f"{texts[-1]}\n\n{below[0]}"
    if dialect.size(together) <= size:
        return [*texts[:-1], together, *below[1:]]
    return [*texts, *below]
