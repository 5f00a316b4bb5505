"""An answer as a Python value: the types are offered as tools, and what Claude passes to one of them is the answer."""

import inspect
from collections.abc import Sequence
from typing import Any

from bot.claude.errors import NoStructure
from bot.claude.messages.blocks import tool_uses
from bot.claude.messages.records import Message
from bot.claude.tools.schema import BadArguments, tool_of


async def values_of(message: Message, kinds: Sequence[Any]) -> list[Any]:
    """Return a value for each tool use of an answer: an instance of a type, or what a function returns.

    Raise `NoStructure` if there is none, or one does not fit its type.
    """
    known = {tool_of(kind).schema["name"]: kind for kind in kinds}
    values = [await _value(message, use, known.get(use["name"])) for use in tool_uses(message)]
    if not values:
        raise NoStructure("Claude answered in words instead of a structure", text_so_far=message.text)
    return values


async def _value(message: Message, use: Any, kind: Any) -> Any:
    if kind is None:
        raise NoStructure(f"Claude named a type that was not offered: {use['name']}", text_so_far=message.text)
    if use["id"] in message.bad_inputs:
        raise NoStructure(f"{use['name']}: {message.bad_inputs[use['id']]}", text_so_far=message.text)
    tool = tool_of(kind)
    try:
        if tool.model is None:
            return tool.value(use["input"])
        arguments = tool.arguments(use["input"])
    except BadArguments as error:
        raise NoStructure(f"{use['name']}: {error}", text_so_far=message.text) from error
    value = kind(**arguments)
    return await value if inspect.isawaitable(value) else value
