"""How a file is named in a sentence: names come from strangers."""

_LONGEST = 80


def called(name: str) -> str:
    """Return a file's name on one line, without invisible characters, shortened in the middle if it is very long."""
    seen = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if len(seen) > _LONGEST:
        seen = f"{seen[: _LONGEST - 20]}…{seen[-19:]}"
    return seen or "the file"
