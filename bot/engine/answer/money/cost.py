"""What a request to Claude costs, before it is made and if nobody tells it: on the high side. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.claude import Usage
from bot.engine.answer.prompt.trim import tokens_of
from bot.media import estimate_tokens

ENOUGH_TOKENS = 1_000
"""What an answer needs at least: with less, a question is not asked."""
LIKELY_TOKENS = 2_000
"""What an answer mostly costs, thinking included; few take more."""
_MESSAGE_TOKENS = 8
_TOOLS_TOKENS = 500
"""What Claude is told besides if there are tools (Claude docs, agents-and-tools/tool-use, pricing): 250 to 500."""
_MARGIN = 1.25
_MARGIN_TOKENS = 64
"""An output that was cut off is estimated in the middle; what is counted is to be no less than what is billed. Until
Claude hears that nobody reads, it writes on: half a second's tokens."""


def request_tokens(body: Mapping[str, Any]) -> int:
    """Return about what a request's input costs, never less than it will."""
    messages = sum(tokens_of(message["content"]) + _MESSAGE_TOKENS for message in body["messages"])
    tools = body.get("tools") or ()
    told = sum(estimate_tokens({"text": json.dumps(tool, ensure_ascii=False)}) for tool in tools)
    return messages + tokens_of(body.get("system") or "") + told + (_TOOLS_TOKENS if tools else 0)


def about_spent(used: Usage) -> int:
    """Return what a usage counts as: what was told, and a little more than what was estimated."""
    estimated = used.estimated_output_tokens
    return used.total + (int(estimated * (_MARGIN - 1)) + _MARGIN_TOKENS if estimated else 0)
