"""What stays whole in a text, whatever stands in it: web addresses, mentions, times, custom emoji, and one shrug.

CommonMark would take the `_` of `…/json/__init__.py` for bold. So the markers inside are put out of the parser's sight,
as noncharacters (which no text has), and are back before anything is written.
"""

import re

from bot.reply.markdown.addresses import ADDRESS, ends

_MENTION = r"<(?:@[!&]?\d+|#\d+|a?:\w{2,32}:\d{15,21}|t:-?\d+(?::[tTdDfFsSR])?|/[^<>\n:]{1,99}:\d{15,21}|id:[a-z-]+)>"
"""A mention of anybody or anything, a custom emoji or a time (Discord docs, reference/message formatting)."""
SHRUG = "¯\\_(ツ)_/¯"
"""Discord's one emoticon: shown with its arm, though a backslash is an escape."""
_KEPT = re.compile(f"(?P<atom>{_MENTION}|{re.escape(SHRUG)})|(?P<address>{ADDRESS})")
_SHOWN, _HIDDEN = "*_~\\", "\ufdd0\ufdd1\ufdd2\ufdd3"
PLAIN_LESS_THAN = "\ufdd4"
"""A `<` that was written as an escape or an entity: it begins nothing."""
_FOREIGN = re.compile("[\ufdd0-\ufdef]")
_HIDE = str.maketrans(_SHOWN, _HIDDEN)
_REVEAL = str.maketrans(_HIDDEN, _SHOWN)


def hidden(text: str) -> str:
    """Return a text of the same length in which no marker inside an address, a mention or a shrug is one."""
    pieces = kept(_FOREIGN.sub("\ufffd", text))
    return "".join(_without_markers(piece) if kind else piece for kind, piece in pieces)


def _without_markers(piece: str) -> str:
    inside = piece.rstrip("*_~")  # at its end, emphasis around it may end
    return inside.translate(_HIDE) + piece[len(inside) :]


def revealed(text: str) -> str:
    """Return a text with the markers that `hidden` has put away."""
    return text.translate(_REVEAL) if _FOREIGN.search(text) else text


def kept(text: str) -> list[tuple[str, str]]:
    """Return a text in pieces (kind, piece): kind is "atom" (goes out as it is), "address", or "" for anything else."""
    pieces: list[tuple[str, str]] = []
    at = 0
    for match in _KEPT.finditer(text):
        kind, end = str(match.lastgroup), match.end()
        if kind == "address":
            end = match.start() + ends(match[0])[0]
            if end <= text.index("://", match.start()) + 2:
                continue  # nothing is left of it
        pieces += [("", text[at : match.start()]), (kind, text[match.start() : end])]
        at = end
    return [(kind, piece) for kind, piece in [*pieces, ("", text[at:])] if piece]


def is_atom(text: str) -> bool:
    """Return whether a text is one mention, emoji or time."""
    match = _KEPT.fullmatch(text)
    return match is not None and match.lastgroup == "atom"


def is_web(url: str) -> bool:
    """Return whether Discord makes a link of an address: only of http and https (reference/message formatting)."""
    return url.lower().startswith(("http://", "https://"))


def sendable(url: str) -> str:
    """Return a web address without what would end it: spaces, angle brackets and backslashes are percent-encoded."""
    return re.sub(r"[ \t\n<>\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)
