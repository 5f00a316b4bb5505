"""Short texts that are hard for a dialect: markers, escapes, words, addresses and mentions, glued in every way.

Made from numbers, the same ones on every run; and all sequences of a few pieces, which need no shrinking.
"""

import itertools
import random
from collections.abc import Iterator

_MARKERS = [
    "*", "**", "***", "****", "_", "__", "~", "~~", "|", "||", "`", "``", "\\", "[", "]", "(", ")", "<", ">", ":",
    "!",
]  # fmt: skip
_ESCAPES = ["\\*", "\\_", "\\`", "\\\\", "\\<", "\\[", "\\é", "&lt;", "&amp;", "&copy;", "&#42;"]
WORDS = [
    "a", "b", "I", "foo", "snake_case", "__init__", "2 ** 3", "x*y", "é", "日本", "，", "：", "λ_max", "שלום", "ไทย",
    "🥺", "C:\\dir", "1.", "10", "f**k", "don't", "a.b", "**kw", "_x", "x_",
]  # fmt: skip
_ADDRESSES = [
    "https://e.co", "https://e.co/a_b_c", "https://e.co/x*y", "https://e.co/w_(f)?q=1&r=2", "http://e.co/a.",
    "https://e.co/__init__.py", "<https://e.co/a_b>", "[l](https://e.co)", "[a_b_](https://e.co/x)",
    "[**b** c](https://e.co/q_r_)", "[`c_d`](https://e.co)", "![i](https://e.co/i.png)", "[x](y.md)",
    "<@123456789012345678>", "<:a_b:123456789012345678>", "<t:1:R>", "`code`", "`a*b`", "`` a`b ``",
]  # fmt: skip
_GLUE = ["", "", "", " ", " ", " ", "\n", "\n\n"]
BLOCK_MARKS = [
    "", "", "", "# ", "## ", "#### ", "- ", "* ", "1. ", "2. ", "> ", ">>> ", "-# ", ">", "+ ", "1) ", "  ", "  - ",
    "   ", "0. ",
]  # fmt: skip
_LINES = [
    "a", "b **c** d", "`x`", "e_f_", "text *it* more", "# h", "## h *i*", "#### deep", "#", "- a", "- b", "* c",
    "+ d", "-", "1. one", "2. two", "7) x", "10. ten", "1.", "0. z", "> q", "> > qq", ">>> t", ">", "-# s", "```py",
    "```", "~~~", "````", "    code", "---", "***", "===", "| a | b |", "|---|---|", "| c | d |", "", "", "  - n",
    "   1. m", "    - deep", "  x", "   y", "- [ ] t", "- [x] u", "- # h", "- > q", "> - l", "> 1. n", "> ```",
    "- ```", "  ```", "   ```", "1. - x", "<div>", "</div>", "a | b", "https://e.co/a_b_", "x__y__",
]  # fmt: skip
PIECES = [
    "*", "**", "_", "__", "~~", "||", "`", "\\", " ", "\n", "a", "é", "https://e.co/", "[a](https://e.co)", "> ",
]  # fmt: skip


def texts(seed: int, count: int) -> list[str]:
    """Return texts of a few words, markers and addresses, over a few lines."""
    chance = random.Random(seed)
    return [_text(chance) for _ in range(count)]


def blocks(seed: int, count: int) -> list[str]:
    """Return texts of up to a dozen lines, of which many are marks of blocks."""
    chance = random.Random(seed)
    return ["\n".join(chance.choice(_LINES) for _ in range(chance.randint(1, 12))) for _ in range(count)]


def sequences(longest: int) -> Iterator[str]:
    """Yield all sequences of up to so many of the pieces."""
    for length in range(1, longest + 1):
        yield from map("".join, itertools.product(PIECES, repeat=length))


def _text(chance: random.Random) -> str:
    words = [chance.choice(BLOCK_MARKS)]
    for _ in range(chance.randint(1, 14)):
        glue = chance.choice(_GLUE)
        kind = chance.choice([_MARKERS, _MARKERS, _ESCAPES, WORDS, WORDS, WORDS, _ADDRESSES])
        words += [chance.choice(kind), glue, chance.choice(BLOCK_MARKS) if "\n" in glue else ""]
    return "".join(words)
