"""The journal of a turn: each finished request is on disk before the next one is made, and none is made twice."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bot.claude import End, Event, Text, cost_of
from bot.engine.answer.prompt.history import embedded, without_bytes
from bot.engine.patience import patiently
from bot.events import MessageKey, Step
from bot.ports import History, Steps


class Journal:
    """What the finished requests of one turn brought, in any process and attempt."""

    def __init__(self, turn: MessageKey, steps: Steps, history: History, done: Sequence[Step]) -> None:
        self._turn = turn
        self._steps = steps
        self._history = history
        self._done = list(done)

    @property
    def count(self) -> int:
        """How many requests are finished."""
        return len(self._done)

    @property
    def text(self) -> str:
        """All the text that readers were shown of them."""
        return text_of([message for step in self._done for message in step.messages])

    async def messages(self) -> list[dict[str, Any]]:
        """Return the messages that they added to the conversation, for Claude."""
        return await embedded([message for step in self._done for message in step.messages], self._history)

    def uses(self) -> list[dict[str, Any]]:
        """Return the tool uses whose results are known."""
        blocks = [block for step in self._done for message in step.messages for block in _blocks(message)]
        return [dict(block) for block in blocks if block.get("type") == "tool_use"]

    async def add(self, end: End) -> None:
        """Record a request that another one follows; the last one of a turn is recorded with the outcome, and is no
        step.
        """
        if not end.added or not _goes_on(end):
            return
        message = end.message
        step = Step(
            number=len(self._done),
            messages=tuple(await without_bytes(end.added, self._history)),
            usage=dict(message["usage"]),
            model=str(message["model"]),
            cost_usd=cost_of(str(message["model"]), message["usage"]) or 0.0,
        )
        await patiently(self._steps.add, self._turn, step)
        self._done.append(step)


def text_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of Claude's messages as it came; text that follows anything else begins a new paragraph."""
    text = ""
    for message in messages:
        apart = True
        for block in _blocks(message) if message["role"] == "assistant" else ():
            if block.get("text"):
                text, apart = (joined(text, block["text"]) if apart else text + block["text"]), False
            else:
                apart = True
    return text


def joined(before: str, text: str) -> str:
    """Return what was written before and what follows, set apart as the texts of one stream's requests are."""
    return f"{before}\n\n{text}" if before and text else before + text


async def set_apart(before: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """Yield the events of a stream, with the first text set apart from what was written before."""
    async for event in events:
        if isinstance(event, Text) and before:
            yield Text(joined(before, event.text)[len(before) :])
            before = ""
        else:
            yield event


def _goes_on(end: End) -> bool:
    """Return whether tool results wait for an answer, or a paused turn for its continuation."""
    return end.added[-1]["role"] == "user" or end.message.get("stop_reason") == "pause_turn"


def _blocks(message: Any) -> list[Any]:
    content = message["content"]
    return content if isinstance(content, list) else []
