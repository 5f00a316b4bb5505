"""What is already written of a message, which is written from its end to its beginning."""

import re
from typing import NamedTuple

from bot.platforms.discord.markup.reader import UNDERSCORE_END

_ANGLE_STOP = re.compile("[: >]")
_BRACKET = re.compile(r"[\[\]]")
_KNOWN = 12
"""So many of the first characters are kept at hand."""


class Seen(NamedTuple):
    """What stands somewhere in the tail, and could end what begins before it. Discord knows no paragraphs."""

    head: str = ""
    star: bool = False
    underscores: bool = False
    underscore_end: bool = False
    tildes: bool = False
    bars: bool = False
    tick: bool = False
    link_end: bool = False
    """There is a `](`; and the next two: there is one before the next `[`, and the next bracket is a `[`."""
    link_end_is_near: bool = False
    opens_next: bool = False
    scheme: bool = False
    """The next colon, space or `>` is the colon of a `:/`."""


class Tail:
    """The text behind what is written next."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.seen = Seen()

    def put(self, piece: str) -> None:
        """Write a piece before all that was written so far. A marker in it may end what begins before it."""
        if not piece:
            return
        self._pieces.append(piece)
        seen, known = self.seen, piece + self.seen.head[:3]
        stop, bracket = _ANGLE_STOP.search(piece), _BRACKET.search(piece)
        opened, link_end = piece.find("["), known.find("](")
        self.seen = Seen(
            head=(piece[:_KNOWN] + seen.head)[:_KNOWN],
            star=seen.star or "*" in piece,
            underscores=seen.underscores or "__" in known,
            underscore_end=seen.underscore_end or ("_" in piece and UNDERSCORE_END.search(known) is not None),
            tildes=seen.tildes or "~~" in known,
            bars=seen.bars or "||" in known,
            tick=seen.tick or "`" in piece,
            link_end=seen.link_end or link_end >= 0,
            link_end_is_near=(0 <= link_end < opened) if opened >= 0 else link_end >= 0 or seen.link_end_is_near,
            opens_next=bracket[0] == "[" if bracket else seen.opens_next,
            scheme=known.startswith(":/", stop.start()) if stop else seen.scheme,
        )

    def put_line_end(self, piece: str) -> None:
        """Write a line's end, with the marks of the next one. Discord takes those away before it reads the lines."""
        scheme = self.seen.scheme
        self.put(piece)
        self.seen = self.seen._replace(scheme=scheme)

    def put_escaped(self, run: str) -> None:
        """Write a run of one character with a backslash before each. It is remembered as if it could pair."""
        self.put("".join(f"\\{character}" for character in run))
        several = len(run) > 1
        self.seen = self.seen._replace(
            underscores=self.seen.underscores or (several and run[0] == "_"),
            tildes=self.seen.tildes or (several and run[0] == "~"),
            bars=self.seen.bars or (several and run[0] == "|"),
        )

    def mark(self) -> tuple[int, Seen]:
        """Return what to give to `since` and `back`."""
        return len(self._pieces), self.seen

    def since(self, mark: tuple[int, Seen]) -> str:
        """Return what was written since a mark."""
        return "".join(reversed(self._pieces[mark[0] :]))

    def back(self, mark: tuple[int, Seen]) -> None:
        """Forget what was written since a mark."""
        del self._pieces[mark[0] :]
        self.seen = mark[1]

    def text(self) -> str:
        """Return all that was written."""
        return "".join(reversed(self._pieces))
