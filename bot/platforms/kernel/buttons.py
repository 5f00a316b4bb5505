"""The buttons below an answer: what is written on them, and the ids by which a press is known. Pure.

An id says what its button does and nothing else: it works after a restart, and whether this person may is for the
engine to say.
"""

from bot.events import Button

LABELS = {Button.STOP: "Stop", Button.RETRY: "Retry", Button.CONTINUE: "Continue"}

NOT_HEARD = "That did not work just now; please press again in a moment."
"""What a presser is told of a press that failed. No platform sends a press again."""

_PREFIX = "parley:"
_BUTTONS = {f"{_PREFIX}{button}": button for button in Button}


def id_of(button: Button) -> str:
    """Return the id that a button has on a platform."""
    return f"{_PREFIX}{button}"


def button_of(button_id: object) -> Button | None:
    """Return the button that has this id; None for what is none of ours, of whatever type."""
    return _BUTTONS.get(button_id) if isinstance(button_id, str) else None
