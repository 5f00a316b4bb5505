"""Claude for asyncio: a client, a chat that keeps its history, tools, streams, prices. Usable on its own.

    from bot.claude import *

    chat = AsyncChat("claude-sonnet-5-5", sp="Be brief.")
    async with await chat("Hi", stream=True) as stream:
        async for piece in stream:
            print(piece, end="")
    print(chat.use, chat.cost, chat.h)

docs/claude.md walks through it. The SDK is imported when the first request is made, or by `mk_sdk`. The
rooms: `messages` is what is read and written, `catalog` what models can do and cost, `tools` Python as Claude's tools,
and `api` one request.
"""

from bot.claude.api.request import mk_tool_choice
from bot.claude.api.transport import AsyncAnthropic, close_sdk, mk_sdk
from bot.claude.catalog.models import Abilities, model_types, models
from bot.claude.catalog.prices import PRICES_AS_OF, Price, cost_of, price_of, pricing
from bot.claude.chat import AsyncChat
from bot.claude.client import AsyncClient
from bot.claude.errors import (
    AuthenticationRefused,
    ClaudeError,
    ContextFull,
    InvalidRequest,
    ModelNotFound,
    NoConnection,
    NoStructure,
    OutputLimit,
    Overloaded,
    RateLimited,
    Refusal,
    RequestTooLarge,
    SchemaError,
    SpendLimitReached,
    Stalled,
    StreamCut,
    TurnPaused,
    Unavailable,
    raise_for_stop,
    stopped,
)
from bot.claude.events import AskedAgain, End, Event, Text, Thinking, ToolResult, ToolUse, UsageSoFar
from bot.claude.messages.blocks import doc_msg, img_msg, mk_msg, mk_msgs, pdf_msg, text_msg
from bot.claude.messages.records import Block, Message, Usage, contents, find_block, sources, usage
from bot.claude.stream import Stream
from bot.claude.tools.run import mk_funcres, mk_toolres, mk_toolres_async
from bot.claude.tools.schema import get_schema
from bot.claude.warn import ClaudeWarning

__all__ = [
    "PRICES_AS_OF", "Abilities", "AskedAgain", "AsyncAnthropic", "AsyncChat", "AsyncClient", "AuthenticationRefused",
    "Block", "ClaudeError", "ClaudeWarning", "ContextFull", "End", "Event", "InvalidRequest", "Message",
    "ModelNotFound", "NoConnection", "NoStructure", "OutputLimit", "Overloaded", "Price", "RateLimited", "Refusal",
    "RequestTooLarge", "SchemaError", "SpendLimitReached", "Stalled", "Stream", "StreamCut", "Text", "Thinking",
    "ToolResult", "ToolUse", "TurnPaused", "Unavailable", "Usage", "UsageSoFar", "close_sdk", "contents", "cost_of",
    "doc_msg", "find_block", "get_schema", "img_msg", "mk_funcres", "mk_msg", "mk_msgs", "mk_sdk", "mk_tool_choice",
    "mk_toolres", "mk_toolres_async", "model_types", "models", "pdf_msg", "price_of", "pricing", "raise_for_stop",
    "sources", "stopped", "text_msg", "usage",
]  # fmt: skip
