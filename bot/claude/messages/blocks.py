"""What is sent to Claude: messages and their content blocks, made from strings, bytes, answers and JSON.

A history is a list of plain JSON dicts with explicit roles. `outgoing` prepares it for a request.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bot.claude.messages.records import Json, plain

EMPTY_REPLY = "(no text)"
"""What a history holds in place of an answer without content: the API refuses empty messages."""
NOT_RUN = "This tool was not run."
MAX_BREAKPOINTS = 4  # Claude docs, build-with-claude/prompt-caching
_THINKING = frozenset({"thinking", "redacted_thinking"})
_OF_A_RUNNING_TURN = _THINKING | {"server_tool_use"}
_RESULT = frozenset({"tool_result"})
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def _cached(block: Json, cache: bool | str) -> Json:  # noqa: FBT001 - as the public functions have it
    return {**block, "cache_control": cache_control(cache)} if cache else block


def cache_control(cache: bool | str) -> Json:  # noqa: FBT001
    """Return a cache breakpoint: True for the API's own lifetime (5 minutes), or "5m" or "1h". Raise `ValueError`."""
    if cache is True:
        return {"type": "ephemeral"}
    if cache in ("5m", "1h"):
        return {"type": "ephemeral", "ttl": cache}
    raise ValueError(f'cache={cache!r}: give True, "5m" or "1h"')


def text_msg(s: str, cache: bool | str = False) -> Json:  # noqa: FBT001, FBT002 - the seed's signature
    """Return a text block; `cache` makes it a cache breakpoint."""
    return _cached({"type": "text", "text": s}, cache)


def img_msg(data: bytes, cache: bool | str = False) -> Json:  # noqa: FBT001, FBT002
    """Return an image block for the bytes of a PNG, JPEG, GIF or WebP. Raise `ValueError` for anything else.

    Source for the formats: Claude docs, build-with-claude/vision.
    """
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    if kind is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise ValueError("img_msg: this is no PNG, JPEG, GIF or WebP image; convert it first")
    return _cached({"type": "image", "source": _base64(data, kind)}, cache)


def pdf_msg(
    data: bytes,
    cache: bool | str = False,  # noqa: FBT001, FBT002
    *,
    title: str | None = None,
    citations: bool = False,
) -> Json:
    """Return a document block for the bytes of a PDF. `citations`: the answer may cite it. Raise `ValueError`."""
    if not data.startswith(b"%PDF"):
        raise ValueError("pdf_msg: this is no PDF")
    return _cached(_document(_base64(data, "application/pdf"), title=title, citations=citations), cache)


def doc_msg(
    text: str,
    cache: bool | str = False,  # noqa: FBT001, FBT002
    *,
    title: str | None = None,
    citations: bool = False,
) -> Json:
    """Return a document block for plain text. `citations`: the answer may cite it."""
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return _cached(_document(source, title=title, citations=citations), cache)


def _base64(data: bytes, media_type: str) -> Json:
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode("ascii")}


def _document(source: Json, *, title: str | None, citations: bool) -> Json:
    block: Json = {"type": "document", "source": source}
    if title:
        block["title"] = title
    if citations:
        block["citations"] = {"enabled": True}
    return block


def mk_block(part: Any) -> Json:
    """Return one part of a message as a block: text, the bytes of an image or a PDF, or a block as it is.

    Raise `ValueError` for bytes of another kind, `TypeError` for another type.
    """
    if isinstance(part, str):
        return text_msg(part)
    if isinstance(part, bytes | bytearray):
        return pdf_msg(bytes(part)) if part.startswith(b"%PDF") else img_msg(bytes(part))
    return plain(part)


def mk_blocks(content: Any) -> list[Json]:
    """Return content as blocks, without blank texts: the API refuses those."""
    parts = content if isinstance(content, list | tuple) else [content]
    return [block for block in map(mk_block, parts) if _says(block)]


def _says(block: Mapping[str, Any]) -> bool:
    return block["type"] != "text" or bool(block["text"].strip())


def mk_msg(content: Any, role: str = "user", cache: bool | str = False, **kw: Any) -> Json:  # noqa: FBT001, FBT002
    """Return one message, `{"role": …, "content": [blocks]}`, as a plain dict.

    `content`: a text, the bytes of an image or PDF, a block, a list of these, or a whole message or answer, which keeps
    its role. `cache`: its last block becomes a cache breakpoint. `kw`: more fields of the message. Raise `ValueError`
    if it holds nothing that Claude could read, `TypeError` for what is not content.
    """
    if not isinstance(content, str | bytes | bytearray | list | tuple):
        whole = plain(content)
        if "content" in whole and whole.get("type", "message") == "message":
            role, content = whole.get("role", role), whole["content"]
    blocks = mk_blocks(content)
    if not blocks:
        raise ValueError("mk_msg: a message needs some text, an image or another block")
    if cache:
        blocks[-1] = _cached(blocks[-1], cache)
    return {"role": role, "content": blocks, **kw}


def mk_msgs(msgs: Any, **kw: Any) -> list[Json]:
    """Return a dialog as a list of messages. `msgs`: one message, or a list of them.

    A message with a role keeps it; the others alternate, the user first. A dict with a role is taken as it is, so that
    a stored history comes through unchanged. `kw` as for `mk_msg`, for the last message.
    """
    given = list(msgs) if isinstance(msgs, list | tuple) else [msgs]
    made: list[Json] = []
    for position, one in enumerate(given):
        last = kw if position == len(given) - 1 else {}
        if type(one) is dict and "role" in one and "content" in one and "type" not in one and not last:
            made.append(one)
            continue
        role = "assistant" if made and made[-1]["role"] == "user" else "user"
        made.append(mk_msg(one, role, **last))
    return made


def blocks_of(message: Mapping[str, Any]) -> list[Json]:
    """Return a message's content as a list of blocks, even if it is a string."""
    content = message["content"]
    return [text_msg(content)] if isinstance(content, str) else content


def tool_uses(message: Mapping[str, Any]) -> list[Json]:
    """Return the blocks by which an answer asks for tools that run here."""
    content = message.get("content")
    return [] if isinstance(content, str) else [block for block in content or [] if block["type"] == "tool_use"]


def result_block(tool_use_id: str, content: Any, *, is_error: bool = False) -> Json:
    """Return a tool_result block."""
    block: Json = {"type": "tool_result", "tool_use_id": tool_use_id, "content": content}
    return {**block, "is_error": True} if is_error else block


def answers_tools(message: Mapping[str, Any]) -> bool:
    """Return whether a user message has tool results, so that it continues the turn before it."""
    content = message["content"]
    return message["role"] == "user" and not isinstance(content, str) and _has(content, _RESULT)


def _has(content: Sequence[Mapping[str, Any]], kinds: frozenset[str]) -> bool:
    return not kinds.isdisjoint([block["type"] for block in content])


def paused(message: Mapping[str, Any]) -> bool:
    """Return whether an answer ends inside a server tool's work, so that it can be sent back as the last message."""
    content = message["content"]
    if message["role"] != "assistant" or isinstance(content, str) or not content:
        return False
    kind = content[-1]["type"]
    return bool(kind == "server_tool_use" or kind.endswith("_tool_result"))


def kept(content: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return an answer's blocks as a history keeps them: plain dicts, no empty texts, and at least one block."""
    blocks = [dict(block) for block in content if _says(block)]
    if not any(block["type"] not in _THINKING for block in blocks):
        blocks.append(text_msg(EMPTY_REPLY))
    return blocks


def outgoing(history: Sequence[Json], breakpoints: int = MAX_BREAKPOINTS) -> list[Json]:
    """Return a history in the form that a request accepts; the history itself is not changed.

    Thinking is left out of finished turns and kept unchanged inside the running one: the API accepts replayed thinking
    only if everything before it is unchanged, and needs it only inside a tool loop (Claude docs,
    build-with-claude/extended-thinking). Unfinished work of a server tool is left out, too. If there are more cache
    breakpoints than `breakpoints`, the last ones are kept.
    """
    running = running_from(history)
    messages = [*drop_thinking(history[:running]), *history[running:]]
    return _limit_breakpoints(messages, breakpoints)


def running_from(history: Sequence[Json]) -> int:
    """Return the index of the message that began the running turn: the last user message that is no tool result."""
    for index in range(len(history) - 1, -1, -1):
        if history[index]["role"] == "user" and not answers_tools(history[index]):
            return index
    return 0


def drop_thinking(messages: Sequence[Json]) -> list[Json]:
    """Return the messages of finished turns without Claude's thinking and without a server tool's unfinished work."""
    contents = [message["content"] for message in messages if not isinstance(message["content"], str)]
    done = {block["tool_use_id"] for content in contents for block in content if "tool_use_id" in block}
    return [_finished(message, done) if message["role"] == "assistant" else message for message in messages]


def _finished(message: Json, done: set[str]) -> Json:
    content = message["content"]
    if isinstance(content, str) or not _has(content, _OF_A_RUNNING_TURN):
        return message
    blocks = [
        block
        for block in content
        if block["type"] not in _THINKING and (block["type"] != "server_tool_use" or block["id"] in done)
    ]
    return {**message, "content": blocks or [text_msg(EMPTY_REPLY)]}


def _limit_breakpoints(messages: list[Json], most: int) -> list[Json]:
    marked = [
        (index, number)
        for index, message in enumerate(messages)
        if not isinstance(message["content"], str)
        for number, block in enumerate(message["content"])
        if "cache_control" in block
    ]
    for index, number in marked[: max(0, len(marked) - most)]:
        blocks = list(messages[index]["content"])
        blocks[number] = {name: value for name, value in blocks[number].items() if name != "cache_control"}
        messages[index] = {**messages[index], "content": blocks}
    return messages


def with_text(messages: list[Json], text: str) -> list[Json]:
    """Return the messages with one more text block at the end of the last user message."""
    last = messages[-1]
    return [*messages[:-1], {**last, "content": [*blocks_of(last), text_msg(text)]}]
