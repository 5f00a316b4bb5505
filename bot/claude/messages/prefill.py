"""The beginning of an answer that was given in advance, joined with Claude's text whether or not Claude repeats it."""

from bot.claude.messages.records import Json, Message


class PrefillJoiner:
    """Text in pieces → the same text after the prefill, with the prefill once, whether Claude repeats it or not.

    `feed` may hold text back as long as it could still be a repetition; `rest` returns what is still held.
    """

    def __init__(self, prefill: str, *, may_repeat: bool) -> None:
        self._wanted = prefill.strip() if may_repeat else ""
        self._trim = prefill != prefill.rstrip()
        self._held = ""

    def feed(self, text: str) -> str:
        """Return the part of the text that certainly follows the prefill; "" while it may still be the prefill."""
        if not self._wanted:
            return self._trimmed(text)
        self._held += text
        begun = self._held.lstrip()
        if begun.startswith(self._wanted):
            rest, self._held = begun[len(self._wanted) :], ""
            self._wanted = ""
            self._trim_next = self._trim
            return self._trimmed(rest)
        if self._wanted.startswith(begun):
            return ""
        return self.rest()

    _trim_next = False

    def _trimmed(self, text: str) -> str:
        """After a repeated prefill that ends in white space, drop the white space that Claude put there as well."""
        if not self._trim_next:
            return text
        text = text.lstrip(" \t")
        self._trim_next = not text
        return text

    def rest(self) -> str:
        """Return what is held back: it was not a repetition after all."""
        self._wanted, held = "", self._held
        self._held = ""
        return held


def join_prefill(message: Message, prefill: str, *, may_repeat: bool) -> Message:
    """Put the prefill before the first text block, in place, and return the message; without text it stays as it is."""
    for block in message["content"]:
        if block["type"] == "text":
            joiner = PrefillJoiner(prefill, may_repeat=may_repeat)
            block["text"] = prefill + joiner.feed(block["text"]) + joiner.rest()
            break
    return message


def without_thinking(content: list[Json]) -> list[Json]:
    """Return content blocks without Claude's thinking."""
    return [block for block in content if block["type"] not in ("thinking", "redacted_thinking")]
