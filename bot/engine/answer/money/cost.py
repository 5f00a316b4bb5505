"""What a request to Claude costs, estimated on the high side: before it is made, and if nobody reports it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from bot.claude import Usage
from bot.engine.answer.prompt.trim import tokens_of
from bot.media import estimate_tokens

ENOUGH_TOKENS = 1_000
"""The least that an answer needs: with less, Claude is not asked."""
LIKELY_TOKENS = 2_000
"""What most answers cost at most, thinking included."""
_MESSAGE_TOKENS = 8
_TOOLS_TOKENS = 500
"""What tools add to a request beside their own text (Claude docs, agents-and-tools/tool-use, pricing): 250 to 500."""
_MARGIN = 1.25
_MARGIN_TOKENS = 64
"""The estimate of a cut-off output is a mean, but the count must not be below the bill. Claude also writes on until it
notices that nobody reads: half a second's tokens."""


def request_tokens(body: Mapping[str, Any]) -> int:
    """Return an estimate of what a request's input costs, never too low."""
    messages = sum(tokens_of(message["content"]) + _MESSAGE_TOKENS for message in body["messages"])
    tools = body.get("tools") or ()
    told = sum(estimate_tokens({"text": json.dumps(tool, ensure_ascii=False)}) for tool in tools)
    return messages + tokens_of(body.get("system") or "") + told + (_TOOLS_TOKENS if tools else 0)


def about_spent(used: Usage) -> int:
    """Return what a usage counts as: what was reported, plus a little more than what was estimated."""
    estimated = used.estimated_output_tokens
    return used.total + (int(estimated * (_MARGIN - 1)) + _MARGIN_TOKENS if estimated else 0)
