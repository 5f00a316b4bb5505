"""Where a web address in a text begins and ends. A marker that belongs to one is no marker."""

_INSIDE = r"[^\s<>`\\\[|()\u3000-\u303f\uff00-\uffef\ufdd4]"
"""No CJK punctuation: people who write it leave no space after an address."""
_PARENTHESES = rf"\((?:{_INSIDE}|\({_INSIDE}*+\))*+\)"
ADDRESS = rf"(?:https?|HTTPS?)://(?:(?!\*\*|~~|\]\(){_INSIDE}|{_PARENTHESES})++"
"""An address ends before what ends its surroundings: bold or struck text, a link's label, an outer parenthesis."""
_FALLEN = "?!.,:;\"'*~]"
"""What cannot be the end of an address (GitHub Flavored Markdown, 6.9, and `]`). A `_` can: `…html#coef_`."""


def ends(address: str) -> tuple[int, int]:
    """Return the length of the address in what `ADDRESS` matched, and its length without the markers at its end, which
    may belong to the text around it. The length is below that of the scheme if nothing is left of the address.
    """
    kept = address.rstrip(_FALLEN)
    return len(kept), len(kept.rstrip("*_~"))
