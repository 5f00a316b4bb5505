"""How a file is called in a sentence: names come from strangers."""

_LONGEST = 80


def called(name: str) -> str:
    """Return a file's name on one line, without what cannot be seen, cut in the middle if it is very long."""
    seen = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if len(seen) > _LONGEST:
        seen = f"{seen[: _LONGEST - 20]}…{seen[-19:]}"
    return seen or "the file"
