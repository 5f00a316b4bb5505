"""What happens while Claude answers, for whoever wants more than the text (`Stream.events`)."""

from dataclasses import dataclass
from typing import Any

from bot.claude.errors import ClaudeError
from bot.claude.messages.records import Message, Usage


@dataclass(frozen=True, slots=True)
class Text:
    """Some more text; never empty. All of them together are the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """Some more of Claude's thinking, if the request asked to see it."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """Claude uses a tool; the input is complete. `server`: the tool runs at the API, not here."""

    id: str
    name: str
    input: dict[str, Any]
    server: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back, as Claude will be told. `content`: a text or a list of content blocks."""

    id: str
    name: str
    content: Any
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class UsageSoFar:
    """What the call costs so far, in tokens: the input with the first of them, the output with the last."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class End:
    """One message is complete; a tool loop has several."""

    message: Message


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """An attempt failed before Claude began to write, and another one is made after `pause_s` seconds.

    `tried`: how many attempts have failed by now.
    """

    why: ClaudeError
    tried: int
    pause_s: float


Event = Text | Thinking | ToolUse | ToolResult | UsageSoFar | End | AskedAgain
