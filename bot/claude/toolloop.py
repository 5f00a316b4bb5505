"""The tool loop: one turn of the chat, with requests until Claude asks for no more tools."""

import contextlib
import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.claude.api.call import StreamItem, StreamProgress
from bot.claude.events import End
from bot.claude.messages.blocks import answers_tools, mk_blocks, tool_uses
from bot.claude.messages.history import continued, opening
from bot.claude.messages.records import Json, Message

Step = Callable[[list[Json], Mapping[str, Any], StreamProgress], AsyncGenerator[StreamItem, None]]
"""Makes one request with these messages and options and runs the tools; their results are added to the messages."""

MOST_CUT_INPUTS = 2
"""What did not fit into an answer twice will not fit the third time, and each attempt costs a whole answer."""
CUT_OFF = "[The use of the tool {name} was given up: its input does not fit into one answer.]"
FINAL_PROMPT = "No more tools can be used now. Answer with what you have found out so far, and say what is still open."


@dataclass(frozen=True, slots=True)
class Loop:
    """The arguments of `AsyncChat.toolloop`, and whether there are any tools. Raise `ValueError`."""

    prompt: list[Json]
    max_steps: int
    cont_func: Callable[[Message], Any] | None
    final_prompt: str
    options: Mapping[str, Any]
    has_tools: bool

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise ValueError(f"max_steps is how many requests may use tools, at least 1, not {self.max_steps}")

    async def goes_on(self, number: int, message: Message) -> bool:
        """Return whether request `number`, which ended with `message`, may be followed by another one with tools."""
        if number >= self.max_steps:
            return False
        told = True if self.cont_func is None else self.cont_func(message)
        return bool(await told if inspect.isawaitable(told) else told)


async def steps(
    sent: list[Json], loop: Loop, progress: StreamProgress, *, step: Step, commit: Callable[[Sequence[Json]], None]
) -> AsyncGenerator[StreamItem, None]:
    """Yield the answers to the messages `sent`, with an `End` after each request; the last one follows the commit."""
    options: Mapping[str, Any] = loop.options
    number, cut, last, over = 0, 0, False, False
    while not over:
        number += 1
        async with contextlib.aclosing(step(sent, options, progress)) as items:
            async for item in items:
                if isinstance(item, End):
                    over = last or not _unfinished(sent, item.message)
                    cut += is_cut(item.message)
                    if cut == MOST_CUT_INPUTS and not over:
                        over = True
                        _give_up(sent, item.message)
                    if not over and not await loop.goes_on(number, item.message):
                        last, over = True, not loop.final_prompt
                    if over:
                        commit(sent)
                yield item
        if progress.value is None:  # stopped
            return
        options = {**loop.options, "tool_choice": "none" if last and loop.has_tools else None, "prefill": ""}
        if last and not over:
            sent[:] = opening(sent, mk_blocks(loop.final_prompt), None)


def is_cut(message: Message) -> bool:
    """Return whether the input of a tool use did not fit into the answer."""
    return message.get("stop_reason") == "max_tokens" and bool(message.bad_inputs)


def _give_up(sent: list[Json], message: Message) -> None:
    """End a turn whose last answer asked for tools: nothing waits for their results any more."""
    said = [block for block in message["content"] if block["type"] != "tool_use"]
    notes = [mk_blocks(CUT_OFF.format(name=use["name"]))[0] for use in tool_uses(message)]
    sent[:] = continued(sent[:-2], Message({**message, "content": [*said, *notes]}), [])


def _unfinished(sent: list[Json], message: Message) -> bool:
    """Return whether tool results are waiting for an answer, or a paused turn for its continuation."""
    reason = message.get("stop_reason")
    return reason == "pause_turn" or (reason != "refusal" and answers_tools(sent[-1]))
