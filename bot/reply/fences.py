"""Code blocks in code blocks: Claude shows a Markdown file between three backticks, and that has code blocks itself.

For CommonMark the first inner fence that ends a block ends the outer one, and the one that was meant to opens a block
that swallows the rest of the answer.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([^`]*?)[ \t]*\Z")
_HOLDS_FENCES = frozenset({"md", "markdown", "mdx"})
_MOST_INNER = 200
"""No block is looked through for more fences than these."""


class _Fence(NamedTuple):
    line: int
    mark: str
    info: str

    def closes(self, opening: str) -> bool:
        return not self.info and self.mark.startswith(opening)


def apart(text: str) -> str:
    """Return a text in which the fences of each Markdown block are longer than those in it; otherwise it is the same.

    Only a block that says it is Markdown is taken to hold blocks, and only if all of them end in it. An opening fence
    without anything behind it, which a block that was read otherwise may have left at the very end, is dropped.
    """
    if "```" not in text and "~~~" not in text:
        return text
    lines = text.split("\n")
    found = ((number, _FENCE.match(line)) for number, line in enumerate(lines) if "```" in line or "~~~" in line)
    fences = [_Fence(number, match[1], match[2]) for number, match in found if match]
    at, changed = 0, False
    while at < len(fences):
        opening = fences[at]
        end, longest = _nested_end(fences, at) if opening.info.lower() in _HOLDS_FENCES else (0, 0)
        if longest:
            for number in (opening.line, fences[end].line):
                lines[number] = lines[number].replace(opening.mark, opening.mark[0] * (longest + 1), 1)
            changed = True
        else:
            end = next((n for n in range(at + 1, len(fences)) if fences[n].closes(opening.mark)), len(fences))
        if changed and opening.line == len(lines) - 1 and not opening.info:
            lines[opening.line] = ""
        at = end + 1
    return "\n".join(lines) if changed else text


def _nested_end(fences: Sequence[_Fence], start: int) -> tuple[int, int]:
    """Return which fence ends the block that begins at one, and how long the longest of its kind is in it.

    The length is 0 if no fence in it could be taken for its end, or if not all blocks in it end.
    """
    outer = fences[start].mark
    opened, longest = [outer], 0
    for number in range(start + 1, min(start + _MOST_INNER, len(fences))):
        fence = fences[number]
        if fence.mark[0] != outer[0]:
            continue
        if fence.info:
            opened.append(fence.mark)
            longest = max(longest, len(fence.mark))
        elif fence.closes(opened[-1]):
            opened.pop()
        if not opened:
            return number, longest if longest >= len(outer) else 0
    return start, 0
