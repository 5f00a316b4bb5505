"""How a chat's history grows, as functions on values: what the next request contains, and what its answer adds."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.claude.messages.blocks import (
    NOT_RUN,
    blocks_of,
    drop_thinking,
    kept,
    mk_blocks,
    mk_msgs,
    paused,
    result_block,
    running_from,
    tool_uses,
)
from bot.claude.messages.records import Json, Message

NO_PROMPT = "there is nothing to answer: give a prompt, or set `cont_pr`, the prompt for going on"


def prompt_blocks(pr: Any) -> list[Json]:
    """Return a prompt as blocks without blank texts: none for None, and the content of a whole message."""
    if pr is None:
        return []
    if isinstance(pr, Mapping) and "content" in pr and "role" in pr:
        return mk_blocks(blocks_of(pr))
    return mk_blocks(pr)


def checked(history: Sequence[Any]) -> list[Json]:
    """Return a given history as a new list; plain messages are taken as they are. Raise `ValueError`."""
    messages = mk_msgs(history)
    for message in messages:
        content = message["content"]
        if message["role"] not in ("user", "assistant", "system"):
            raise ValueError(f"hist: {message['role']!r} is no role of a message")
        if not isinstance(content, str) and None in [block.get("type") for block in content]:
            raise ValueError("hist: each block of a message's content needs a type")
    return messages


def opening(history: Sequence[Json], prompt: list[Json], cont_pr: str | None) -> list[Json]:
    """Return the history with the prompt, for the next request. Raise `ValueError` if there is nothing to answer.

    A prompt joins a user message that is still waiting for its answer. Tool uses without a result get an error as their
    result, because the API refuses a conversation with an unanswered one.
    """
    last = history[-1] if history else None
    if last is not None and last["role"] == "user":
        joined = {**last, "content": [*blocks_of(last), *prompt]} if prompt else last
        return [*history[:-1], joined]
    unanswered = [result_block(use["id"], NOT_RUN, is_error=True) for use in tool_uses(last or {})]
    if not prompt and not unanswered:
        if last is not None and paused(last):
            return list(history)
        if last is None or cont_pr is None:
            raise ValueError(NO_PROMPT)
        prompt = mk_blocks(cont_pr)
    return [*history, {"role": "user", "content": [*unanswered, *prompt]}]


def continued(sent: Sequence[Json], message: Message, results: Sequence[Json]) -> list[Json]:
    """Return the conversation after an answer and its tool results.

    When no tool use is left to answer and nothing is paused, the turn is finished and its thinking is dropped. The
    continuation of a paused turn is a message of its own: the API reads assistant messages in a row as one (Claude
    docs, api/messages), and thinking in it belongs to exactly what was sent before.
    """
    messages = [*sent, {"role": "assistant", "content": kept(message["content"])}]
    if results:
        return [*messages, {"role": "user", "content": list(results)}]
    if message.get("stop_reason") == "pause_turn":
        return messages
    begun = running_from(messages)
    return [*messages[:begun], *drop_thinking(messages[begun:])]
