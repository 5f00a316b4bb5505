"""Text that is too long for its place, cut with a word about it. Pure."""


def shortened(text: str, most: int) -> str:
    """Return a text of at most about `most` characters; if it is cut, its end says how much is left out."""
    if len(text) <= most:
        return text
    head = text[:most].rsplit("\n", 1)[0] if "\n" in text[most // 2 : most] else text[:most]
    return f"{head}\n[{len(text) - len(head)} more characters are left out]"
