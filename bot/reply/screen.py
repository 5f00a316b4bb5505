"""What is on the reader's screen, and the one next call that brings it closer to what should be there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

EMPTIED = "–"
"""What a message shows that an earlier process posted and a shorter answer no longer needs."""
LATE_AFTER_S = 0.3
"""So long after its first character a beginning is shown even if it is short."""


@dataclass(slots=True)
class Shown:
    """One message as the platform confirmed it.

    `message_id`: "" until confirmed. `text`: what it shows; None when that is not known. `logged`: its part row is on
    disk. `again`: a post was tried and may have landed.
    """

    mark: str
    message_id: str = ""
    text: str | None = None
    logged: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One call: post (the message has no id yet) or edit message `index` so that it shows `text`.

    `newest`: after it, all of the text is seen.
    """

    index: int
    text: str
    post: bool
    newest: bool = True


def next_step(wanted: Sequence[str], screen: Sequence[Shown], *, done: bool) -> Step | None:
    """Return the call to make, in reading order, or None if the screen shows what is wanted.

    `done`: the answer is whole, so messages beyond it are emptied.
    """
    for index, text in enumerate(wanted):
        newest = index == len(wanted) - 1
        if index >= len(screen) or not screen[index].message_id:
            return Step(index, text, post=True, newest=newest)
        if screen[index].text != text:
            return Step(index, text, post=False, newest=newest)
    if done:
        for index in range(len(wanted), len(screen)):
            if not screen[index].message_id:
                return Step(index, EMPTIED, post=True)
            if screen[index].text != EMPTIED:
                return Step(index, EMPTIED, post=False)
    return None


def readable(text: str, *, late: bool) -> bool:
    """Say whether a beginning is worth showing: a few words, or when it is `late` anything but one letter.

    The first post is also what a phone's notification shows.
    """
    beginning = text.strip()
    if late:
        return len(beginning) > 1
    words = beginning.split(maxsplit=3)
    return len(words) > 3 or len(beginning) >= 16
