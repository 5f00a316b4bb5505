"""Discord's reader, as far as what is written depends on it: what makes a style, a block or a link of plain characters.

Where two independent readers of Discord's messages differ, both must agree to a style; either is enough for an escape.
"""

import re

_STRONG = re.compile(r"\*\*(?:\\.|[^\\])+?\*\*(?!\*)", re.DOTALL)
_STAR = re.compile(r"\*(?=\S)(?:\*\*|\\.|\s+(?:\\.|[^\s*\\]|\*\*)|[^\s*\\])+?\*(?!\*)", re.DOTALL)
_STAR_TOO = re.compile(r"\*(?!\s)(?:\\.|\*\*|[^*\\])+?(?<!\s) {0,2}\*(?!\*)", re.DOTALL)
_UNDERSCORE = re.compile(r"_(?:__|\\.|[^\\_])+?_(?![A-Za-z0-9_])", re.DOTALL)
_STRUCK = re.compile(r"~~.+?~~(?!_)", re.DOTALL)
_PATTERNS = {"**": (_STRONG,), "*": (_STAR, _STAR_TOO), "_": (_UNDERSCORE,), "~~": (_STRUCK,)}
_CANNOT_FOLLOW = {
    "**": re.compile(r"\*"),
    "*": re.compile(r"\*"),
    "_": re.compile("[A-Za-z0-9_]"),
    "~~": re.compile("[_~]"),
}

UNDERSCORE_END = re.compile("_(?![A-Za-z0-9_])")
"""Where an italic text between underscores may end: also within a word, if its next letter is not ASCII."""
BLOCK_START = re.compile(r"[^\S\n]*(?:\d+(?=\. )|(?=#{1,3}\s|-# |>(?:>>)? |[-*] ))")
"""What begins a heading, small text, a quote or a list at a line's start; the match ends before what to escape. Spaces
of all kinds may stand before it: at a message's start they are taken away."""
LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.]+(?=[:,{\s]|\Z)")
"""What may stand behind an opening fence; `#`, too, for one of the readers."""


def ends_there(marker: str, inner: str, after: str) -> bool:
    """Return whether Discord takes `marker` + `inner` + `marker`, with `after` behind it, for just that style."""
    if not inner or inner[0] == marker[0]:  # a longer run would be a choice of two styles
        return False
    text = marker + inner + marker + after
    size = len(text) - len(after)
    return all((match := pattern.match(text)) and match.end() == size for pattern in _PATTERNS[marker])


def may_follow(marker: str, after: str) -> bool:
    """Return whether a style may end with this marker where `after` goes on."""
    return not _CANNOT_FOLLOW[marker].match(after)
