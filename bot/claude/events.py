"""What happens while Claude answers, for those who need more than the text (`Stream.events`)."""

from dataclasses import dataclass
from typing import Any

from bot.claude.errors import ClaudeError
from bot.claude.messages.records import Json, Message, Usage


@dataclass(frozen=True, slots=True)
class Text:
    """The next piece of text; never empty. All pieces together are the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """The next piece of Claude's thinking, if the request asked for it."""

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
    """What a tool returned, as Claude will receive it. `content`: a text or a list of content blocks."""

    id: str
    name: str
    content: Any
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class UsageSoFar:
    """What the call has cost so far, in tokens: the first such event has the input, the last one the output."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class End:
    """One message is complete; a tool loop has several.

    `added`: what the conversation has gained by the request, the message and the results of its tools: a chat whose
    history ends with them goes on where this one was. Nothing after a refusal.
    """

    message: Message
    added: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """An attempt failed before Claude began to write; another one is made after `pause_s` seconds.

    `tried`: how many attempts have failed so far.
    """

    why: ClaudeError
    tried: int
    pause_s: float


Event = Text | Thinking | ToolUse | ToolResult | UsageSoFar | End | AskedAgain
