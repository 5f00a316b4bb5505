"""Where a table of settings holds."""

from dataclasses import dataclass, fields

from bot.events import Incoming


@dataclass(frozen=True, slots=True)
class Where:
    """The ids that a question must have; "" is any. With none at all it holds everywhere.

    `guild` and `workspace` are two platforms' words for one thing. A thread counts as its channel, and where a thread
    is a channel of its own, it may be named as `channel`, too.
    """

    guild: str = ""
    workspace: str = ""
    channel: str = ""
    thread: str = ""
    person: str = ""

    def holds(self, question: Incoming) -> bool:
        """Return whether a question was asked here, by this person."""
        return self.holds_for_somebody(question) and self.person in {"", question.author.id}

    def holds_for_somebody(self, question: Incoming) -> bool:
        """Return whether a question was asked here, by anybody."""
        there = question.thread
        return (
            all(named in {"", there.workspace} for named in (self.guild, self.workspace))
            and self.channel in {"", there.channel, there.thread, question.key.channel}
            and self.thread in {"", there.thread}
        )

    def __str__(self) -> str:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return " ".join(f"{name}={value}" for name, value in named.items() if value)

    @property
    def rank(self) -> tuple[bool, bool, bool, bool]:
        """How specific it is: of two that hold, the one with the greater rank wins."""
        return bool(self.person), bool(self.thread), bool(self.channel), bool(self.guild or self.workspace)
