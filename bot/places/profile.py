"""What one turn runs with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from bot.places.access import Access

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Profile:
    """What one turn runs with. The names are those of the settings.

    `effort`: "" leaves it to the model. `system`: what is added to the bot's own system prompt. `context_messages`: how
    many earlier messages of a thread Claude is shown. `tokens_per_person`, `tokens_in_all`: within 24 hours, in and
    out; 0 is without limit. `mention_in_threads`: the bot needs a mention even in a thread that it was asked in before.
    `reads_between`: each question brings along what was written in its thread since the one before, because not every
    line there is admitted.
    """

    model: str
    effort: str = ""
    system: str = ""
    max_tokens: int = 16_000
    context_tokens: int = 150_000
    context_messages: int = 30
    uploads_per_message: int = 10
    upload_mb: int = 25
    answer_pages: int = 8
    tokens_per_person: int = 0
    tokens_in_all: int = 0
    mention_in_threads: bool = False
    access: Access = field(default_factory=Access)
    reads_between: bool = False

    @property
    def upload_bytes(self) -> int:
        """The largest file that is downloaded."""
        return self.upload_mb * MB

    def record(self) -> Mapping[str, Any]:
        """Return what is stored of a turn's profile, as plain JSON: all but who might speak. The system prompt is
        stored as its SHA-256, "" if there was none: it may be long, and every turn has it.
        """
        told = {name: value for name, value in asdict(self).items() if name not in {"access", "system"}}
        digest = sha256(self.system.encode()).hexdigest() if self.system else ""
        return {**told, "system_sha256": digest}
