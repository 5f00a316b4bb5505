"""Where a web address in a text begins and ends. A marker that belongs to one is no marker."""

_INSIDE = r"[^\s<>`\\\[|()\u3000-\u303f\uff00-\uffef\ufdd4]"
"""No CJK punctuation: those who write it leave no space behind an address."""
_PARENTHESES = rf"\((?:{_INSIDE}|\({_INSIDE}*+\))*+\)"
ADDRESS = rf"(?:https?|HTTPS?)://(?:(?!\*\*|~~|\]\(){_INSIDE}|{_PARENTHESES})++"
"""It ends before what ends its surroundings: bold or struck text, a link's label, an outer parenthesis."""
_FALLEN = "?!.,:;\"'*~]"
"""What is no part of an address at its end (GitHub Flavored Markdown, 6.9, and `]`). A `_` may be: `…html#coef_`."""


def ends(address: str) -> tuple[int, int]:
    """Return how long what `ADDRESS` found is as an address, and how long without the markers at its end, which may be
    those of what is around it. It is shorter than its scheme if nothing is left of it.
    """
    kept = address.rstrip(_FALLEN)
    return len(kept), len(kept.rstrip("*_~"))
