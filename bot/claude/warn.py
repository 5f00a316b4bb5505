"""Warnings, once and not at every call, that something was replaced because the model does not accept it."""

import warnings


class ClaudeWarning(UserWarning):
    """The request was changed so that the model accepts it; the text says what was changed."""


class Warned:
    """Issues each warning once; the sentences name the model."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, sentence: str) -> None:
        """Warn, unless this warning was issued before."""
        if sentence not in self._told:
            self._told.add(sentence)
            warnings.warn(sentence, ClaudeWarning, stacklevel=5)
