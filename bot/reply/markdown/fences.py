"""Code blocks in code blocks: Claude shows a Markdown file between three backticks, and the file has code blocks
itself.

In CommonMark the first inner fence that ends a block ends the outer block, and the fence that was meant to end it opens
a block that swallows the rest of the answer.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([^`]*?)[ \t]*\Z")
_HOLDS_FENCES = frozenset({"md", "markdown", "mdx"})
_MOST_INNER = 200
"""No block is searched for more fences than these."""


class _Fence(NamedTuple):
    line: int
    mark: str
    info: str

    def closes(self, opening: str) -> bool:
        return not self.info and self.mark.startswith(opening)


def apart(text: str, *, growing: bool = False) -> str:
    """Return the text with the fences of each Markdown block longer than those inside it, and otherwise the same. The
    number of lines does not change.

    Only a block that is labelled as Markdown is assumed to contain blocks, and only if all of them end inside it; if
    the text is `growing`, they may still end. An opening fence with nothing after it is dropped: a block that was read
    differently may have left it at the very end.
    """
    if "```" not in text and "~~~" not in text:
        return text
    lines = text.split("\n")
    changed = False
    for block in _blocks(_fences(lines)):
        if block.longest and (block.closing or growing):
            for fence in filter(None, (block.opening, block.closing)):
                lines[fence.line] = lines[fence.line].replace(
                    block.opening.mark, block.opening.mark[0] * (block.longest + 1), 1
                )
            changed = True
            if not block.closing:
                break  # the rest of the text is inside it
        if changed and block.opening.line == len(lines) - 1 and not block.opening.info:
            lines[block.opening.line] = ""
    return "\n".join(lines) if changed else text


def undecided(text: str) -> int | None:
    """Return where the Markdown block begins that contains the last whole line of a text; None if there is none."""
    if "```" not in text and "~~~" not in text:
        return None
    lines = text.split("\n")[:-1]
    for block in _blocks(_fences(lines)):
        if block.opening.info.lower() in _HOLDS_FENCES and not block.closing:
            return sum(len(line) + 1 for line in lines[: block.opening.line])
    return None


def reopened(text: str) -> list[str]:
    """Return the opening fences, outermost first, that reopen the blocks that are open at the end of a text. The text
    begins with a block that may contain blocks; the list is empty if it begins otherwise.
    """
    fences = _fences(text.split("\n"))
    if not fences or fences[0].info.lower() not in _HOLDS_FENCES:
        return []
    block, _ = _nested(fences, 0)
    return [f"{fence.mark}{fence.info}" for fence in (block.open if block.longest else block.open[:1])]


class _FencedBlock(NamedTuple):
    """`closing`: None if the block does not end. `longest`: the longest fence inside it that could be taken for its
    end; else 0. `open`: the fences of the blocks that are open at the text's end, if it contains blocks.
    """

    opening: _Fence
    closing: _Fence | None
    longest: int = 0
    open: tuple[_Fence, ...] = ()


def _fences(lines: Sequence[str]) -> list[_Fence]:
    found = ((number, _FENCE.match(line)) for number, line in enumerate(lines) if "```" in line or "~~~" in line)
    return [_Fence(number, match[1], match[2]) for number, match in found if match]


def _blocks(fences: Sequence[_Fence]) -> Iterator[_FencedBlock]:
    """Yield the blocks of a text in order. A block that may contain blocks and has not ended is followed by those that
    CommonMark reads.
    """
    at = 0
    while at < len(fences):
        opening = fences[at]
        end = len(fences)
        if opening.info.lower() in _HOLDS_FENCES:
            block, end = _nested(fences, at)
            if block.longest:
                yield block
        if end == len(fences):
            end = next((n for n in range(at + 1, len(fences)) if fences[n].closes(opening.mark)), len(fences))
            yield _FencedBlock(opening, fences[end] if end < len(fences) else None)
        at = end + 1


def _nested(fences: Sequence[_Fence], start: int) -> tuple[_FencedBlock, int]:
    """Return the block that begins with a fence, read as one that contains blocks, and the index of the fence that ends
    it, or the number of fences.
    """
    outer = fences[start]
    opened, longest = [outer], 0
    for number in range(start + 1, min(start + _MOST_INNER, len(fences))):
        fence = fences[number]
        if fence.mark[0] != outer.mark[0]:
            continue
        if fence.info:
            opened.append(fence)
            longest = max(longest, len(fence.mark))
        elif fence.closes(opened[-1].mark):
            opened.pop()
        if not opened:
            longest = longest if longest >= len(outer.mark) else 0
            return _FencedBlock(outer, fence, longest), number if longest else len(fences)
    return _FencedBlock(outer, None, longest if longest >= len(outer.mark) else 0, tuple(opened)), len(fences)
