"""A text of any length in which a lost, doubled or misplaced piece is seen: every sentence has its number."""

_SENTENCES_PER_PARAGRAPH = 5
_WHO = ("A heron", "The baker", "An engineer", "The tide", "A lantern", "The violin", "A glacier")
_DOES = ("crosses", "measures", "remembers", "colours", "repairs", "follows", "describes", "outlasts", "mirrors")
_WHAT = (
    "the harbour", "a quiet garden", "the northern road", "an old map", "the copper bridge", "a paper boat",
    "the morning market", "a field of barley", "the tower clock", "a letter from home", "the last train",
)  # fmt: skip


def sentence(number: int) -> str:
    """Return the sentence with this number; no two are equal."""
    who, does, what = (words[number % len(words)] for words in (_WHO, _DOES, _WHAT))
    return f"Sentence {number}: {who} {does} {what}."


def long_text(n: int) -> str:
    """Return a text of exactly `n` characters: numbered sentences, five to a paragraph.

    It never ends in white space, which chat platforms remove: there, the cut is filled with full stops.
    Raise `ValueError` if `n` is negative.
    """
    if n < 0:
        raise ValueError(f"a text cannot have {n} characters")
    parts: list[str] = []
    length = 0
    number = 0
    while length < n:
        number += 1
        end = "\n\n" if number % _SENTENCES_PER_PARAGRAPH == 0 else " "
        parts.append(sentence(number) + end)
        length += len(parts[-1])
    text = "".join(parts)[:n]
    kept = text.rstrip()
    return kept + "." * (n - len(kept))
