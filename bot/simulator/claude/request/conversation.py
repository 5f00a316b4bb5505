"""The messages of a request as a whole: roles, and tool results that answer the tool uses right before them.

Sources: Claude docs (api/messages, agents-and-tools/tool-use), with the API's own sentences.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.claude.request.blocks import BlockReader
from bot.simulator.claude.request.fields import Json, required, typed
from bot.simulator.claude.request.models import Model
from bot.simulator.claude.request.refusal import Refused


def read_messages(body: Mapping[str, Any], model: Model, blocks: BlockReader) -> list[Json]:
    """Return the messages with their content as lists of blocks, each checked. Raise `Refused`."""
    given = required(body, "messages", list)
    if not given:
        raise Refused("messages: at least one message is required")
    messages = [_read(message, index, index == len(given) - 1, model, blocks) for index, message in enumerate(given)]
    if messages[0]["role"] != "user":
        raise Refused('messages: first message must use the "user" role')
    check_tool_pairs(messages)
    return messages


def _read(message: object, index: int, final: bool, model: Model, blocks: BlockReader) -> Json:  # noqa: FBT001
    where = f"messages.{index}"
    given = typed(message, dict, where)
    role = required(given, "role", str, where)
    if role == "system" and not model.system_messages:
        raise Refused(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not '
            '"system" as an input message role.'
        )
    if role not in ("user", "assistant", "system"):
        raise Refused(f'messages: Unexpected role "{role}". Allowed roles are "user" or "assistant"')
    content = required(given, "content", object, where)
    if not content and (isinstance(content, str | list)) and not (final and role == "assistant"):
        raise Refused(f"{where}: {_empty(role)}")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    content = typed(content, list, f"{where}.content")
    for number, block in enumerate(content):
        blocks.check(block, role, f"{where}.content.{number}")
    return {"role": role, "content": content}


def _empty(role: str) -> str:
    if role == "user":
        return "user messages must have non-empty content"
    return "all messages must have non-empty content except for the optional final assistant message"


def check_tool_pairs(messages: Sequence[Json]) -> None:
    """Raise `Refused` unless each tool use is answered once, at the start of the very next message, and no other is."""
    seen: set[str] = set()
    asked: list[str] = []
    for index, message in enumerate(messages):
        _check_results(message, index, asked)
        asked = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        if len(set(asked)) < len(asked) or seen & set(asked):
            raise Refused(f"messages.{index}: `tool_use` ids must be unique")
        seen |= set(asked)
    if asked:
        raise Refused(_unanswered(len(messages) - 1, asked))


def _check_results(message: Json, index: int, asked: Sequence[str]) -> None:
    content = message["content"]
    for number, block in enumerate(content):
        if block["type"] == "tool_result" and block["tool_use_id"] not in asked:
            raise Refused(
                f"messages.{index}.content.{number}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
    leading = 0
    while leading < len(content) and content[leading]["type"] == "tool_result":
        leading += 1
    answered = [block["tool_use_id"] for block in content[:leading]]
    missing = [identity for identity in asked if identity not in answered]
    if missing:
        raise Refused(_unanswered(index - 1, missing))
    double = [identity for identity, count in Counter(answered).items() if count > 1]
    if double:
        raise Refused(
            f"messages.{index}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
            f"{double[0]}"
        )


def _unanswered(index: int, ids: Sequence[str]) -> str:
    return (
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def check_ending(messages: Sequence[Json], model: Model) -> None:
    """Raise `Refused` if the conversation ends with an assistant message that this model does not continue.

    A turn that was paused in the middle of a server tool's work is sent back unchanged and is always continued.
    """
    if messages[-1]["role"] != "assistant":
        return
    content = messages[-1]["content"]
    last = content[-1] if content else {"type": "text", "text": ""}
    if last["type"] == "server_tool_use" or last["type"].endswith("_tool_result"):
        return
    if not model.prefill:
        raise Refused(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    if last["type"] == "text" and last["text"] != last["text"].rstrip():
        raise Refused("messages: final assistant content cannot end with trailing whitespace")
