"""Plain text: a marker that means nothing is escaped where Discord could pair it with another, and only there.

Of a run of markers all are escaped or none. Both ends of a possible pair are: an escape costs one character, and what
Discord pairs is lost.
"""

import re
from collections.abc import Set as AbstractSet

from bot.platforms.discord.markup.addresses import PLAIN_LESS_THAN
from bot.platforms.discord.markup.reader import BLOCK_START, UNDERSCORE_END
from bot.platforms.discord.markup.tail import Seen, Tail

_MARKERS = "*_~|`"
_SPECIAL = re.compile(rf"\*+|_+|~+|\|+|`+|\]\(|[\[<\\{PLAIN_LESS_THAN}]|(?:https?|steam)(?=://)")
_RUN = re.compile(r"\*+|_+|~+|.", re.DOTALL)
_KEPT_BACKSLASH = re.compile(r"(?!https?://)[A-Za-z0-9 \n]|\Z")
_EMOJI_NAME = re.compile(r":\w*\Z")
_PAIR_IN_ITSELF = 4
"""A run of so many markers can be one."""
_FENCE = 3


class Before:
    """Which markers stand, as plain text, before a place of the message. Grows as the message is read."""

    def __init__(self) -> None:
        self._seen: frozenset[str] = frozenset()

    def note(self, text: str) -> frozenset[str]:
        """Return what stood before this text, and count it in."""
        before = self._seen
        if found := [marker for marker in _MARKERS if marker in text and marker not in before]:
            self._seen = before.union(found)
        return before


def write_literal(text: str, tail: Tail, before: AbstractSet[str], *, line_start: bool, after_style: bool) -> None:
    """Write plain text so that Discord shows it as plain text.

    `before`: the markers that stand as plain text before it. `line_start`: nothing but the marks of styles stands
    before it in its line. `after_style`: a style ends before it.
    """
    if tail.seen.head.startswith(("_", "http")) and (name := _EMOJI_NAME.search(text)):
        _write_runs(text[name.start() + 1 :], tail, before | set(text[: name.start()]))
        tail.put("\\:")  # or `:_a_:` and `:https:` would be names of emoji
        text = text[: name.start()]
    block = BLOCK_START.match(text + tail.seen.head) if line_start else None
    at = block.end() if block else 0 if after_style and text[:1] in {"*", "_", "~"} else len(text)
    if run := _RUN.match(text, at):
        _write_runs(text[run.end() :], tail, before | {text[at]})
        tail.put_escaped(run[0])
    _write_runs(text[:at], tail, before)


def _write_runs(text: str, tail: Tail, before: AbstractSet[str]) -> None:
    first = {marker: text.find(marker) for marker in _MARKERS}
    end = len(text)
    for match in reversed(list(_SPECIAL.finditer(text))):
        tail.put(text[match.end() : end])
        run, end = match[0], match.start()
        if run[0] not in _MARKERS:
            tail.put(_written(run, tail.seen))
        elif _pairs(run, tail.seen, earlier=run[0] in before or first[run[0]] < end):
            tail.put_escaped(run)
        else:
            tail.put(run)
    tail.put(text[:end])


def _written(special: str, seen: Seen) -> str:
    if special == "](":
        return "]\\("
    if special == PLAIN_LESS_THAN:
        return "\\<"
    if special == "\\":
        return special if _KEPT_BACKSLASH.match(seen.head) else "\\\\"
    if special == "<":
        return "\\<" if seen.scheme else "<"
    if special == "[":
        opens = seen.link_end if seen.opens_next else seen.link_end_is_near
        return "\\[" if opens else "["
    return f"{special}\\"  # a scheme: what follows would be a part of the address


def _pairs(run: str, seen: Seen, *, earlier: bool) -> bool:
    """Return whether a run of markers could be one end of a pair, or both."""
    several = len(run) > 1
    if len(run) >= (_FENCE if run[0] == "`" else _PAIR_IN_ITSELF):
        return True
    if run[0] == "*":
        return seen.star or earlier
    if run[0] == "_":
        ends = several or UNDERSCORE_END.match(run[-1] + seen.head) is not None
        return seen.underscore_end or (several and seen.underscores) or (earlier and ends)
    if run[0] == "~":
        return seen.head.startswith("~") or (several and (seen.tildes or earlier))
    if run[0] == "|":
        return several and (seen.bars or earlier)
    return seen.tick or earlier
