"""Block Kit as far as a chat bot needs it: what Slack refuses, what people read, whom it notifies. Pure.

Limits: Slack docs, reference/block-kit/blocks (section 3,000, header 150, context 10 elements, actions 25, 50 blocks,
markdown 12,000 for all markdown blocks of one message together) and block-elements/button-element (text 75, `action_id`
255 and unique in its block, `value` 2,000, `url` 3,000).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.simulator.slack.workspace import mrkdwn
from bot.simulator.slack.workspace.errors import SlackError

Block = Mapping[str, Any]
MARKDOWN_SIZE = 12_000
ALL_TEXT_SIZE = 13_200
"""Measured, not documented: slackapi/bolt-js#2509."""
_TEXT_SIZES = {"section": 3_000, "header": 150}
_MOST_ELEMENTS = {"context": 10, "actions": 25, "context_actions": 5}
_WORDS = {"image": "alt_text", "task_card": "title"}
_PINGED = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}
_SIGNS = {
    "user": ("user_id", "@"),
    "usergroup": ("usergroup_id", "@"),
    "channel": ("channel_id", "#"),
    "broadcast": ("range", "@"),
    "emoji": ("name", ":"),
}
_KNOWN = frozenset({
    "actions", "alert", "call", "card", "carousel", "container", "context", "context_actions", "divider", "file",
    "header", "image", "input", "markdown", "plan", "rich_text", "section", "table", "task_card", "video",
})  # fmt: skip


def check(blocks: object) -> list[dict[str, Any]]:
    """Return the blocks of a call; those with buttons have their ids. Raise `SlackError` as Slack refuses them."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > 50:
        raise _invalid("no more than 50 items allowed [json-pointer:/blocks]")
    for index, block in enumerate(blocks):
        _check_block(block, f"/blocks/{index}")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MARKDOWN_SIZE:
        raise SlackError("msg_blocks_too_long")
    if _size(blocks) > ALL_TEXT_SIZE:
        raise SlackError("msg_blocks_too_long")
    _check_unique([block.get("block_id") for block in blocks], "block_id", "/blocks")
    return [_named(block, index) for index, block in enumerate(blocks)]


def _named(block: dict[str, Any], index: int) -> dict[str, Any]:
    """Return a block with the ids that Slack gives if the app gave none."""
    if block["type"] != "actions":
        return block
    elements = [{"action_id": f"action-{n}"} | element for n, element in enumerate(block["elements"])]
    return {"block_id": f"block-{index}"} | block | {"elements": elements}


def _size(node: object) -> int:
    if isinstance(node, list):
        return sum(_size(child) for child in node)
    if not isinstance(node, dict):
        return 0
    return sum(
        len(value) if name == "text" and isinstance(value, str) else _size(value) for name, value in node.items()
    )


def _check_block(block: Block, where: str) -> None:
    kind = block.get("type")
    if kind not in _KNOWN:
        raise _invalid(f"unsupported type: {kind} [json-pointer:{where}/type]")
    if kind == "markdown" and (not isinstance(block.get("text"), str) or not block["text"]):
        raise _invalid(f"must be more than 0 characters [json-pointer:{where}/text]")
    if kind == "section" and not (block.get("text") or block.get("fields")):
        raise _invalid(f"missing required field: text or fields [json-pointer:{where}]")
    if kind == "header" or (kind == "section" and block.get("text")):
        _check_text(block.get("text"), _TEXT_SIZES[str(kind)], f"{where}/text")
    for field in block.get("fields") or ():
        _check_text(field, 2_000, f"{where}/fields")
    if kind in _MOST_ELEMENTS:
        elements = block.get("elements")
        if not isinstance(elements, list) or not 0 < len(elements) <= _MOST_ELEMENTS[str(kind)]:
            raise _invalid(f"must have 1 to {_MOST_ELEMENTS[str(kind)]} items [json-pointer:{where}/elements]")
    _check_length(block, "block_id", 255, where)
    _check_elements(_interactive(block), f"{where}/elements")


def _interactive(block: Block) -> Sequence[Any]:
    """Return what people can press or choose in a block."""
    if block["type"] == "actions":
        elements: Sequence[Any] = block["elements"]
        return elements
    return [block["accessory"]] if block.get("accessory") else []


def _check_elements(elements: Sequence[Any], where: str) -> None:
    for index, element in enumerate(elements):
        if not isinstance(element, dict) or not isinstance(element.get("type"), str):
            raise _invalid(f"must be an element with a type [json-pointer:{where}/{index}]")
        _check_length(element, "action_id", 255, f"{where}/{index}")
        if element["type"] == "button":
            _check_button(element, f"{where}/{index}")
    _check_unique([element.get("action_id") for element in elements], "action_id", where)


def _check_button(button: Block, where: str) -> None:
    _check_text(button.get("text"), 75, f"{where}/text")
    if button["text"]["type"] != "plain_text":
        raise _invalid(f"must be a plain_text object [json-pointer:{where}/text/type]")
    _check_length(button, "value", 2_000, where)
    _check_length(button, "url", 3_000, where)
    if button.get("style") not in (None, "primary", "danger"):
        raise _invalid(f"must be a valid enum value [json-pointer:{where}/style]")


def _check_length(element: Block, name: str, size: int, where: str) -> None:
    value = element.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > size):
        raise _invalid(f"must be a text of less than {size + 1} characters [json-pointer:{where}/{name}]")


def _check_unique(ids: Sequence[str | None], name: str, where: str) -> None:
    given = [value for value in ids if value]
    if len(set(given)) < len(given):
        raise _invalid(f"`{name}` already exists [json-pointer:{where}]")


def _check_text(text: object, size: int, where: str) -> None:
    if not isinstance(text, dict) or text.get("type") not in {"mrkdwn", "plain_text"}:
        raise _invalid(f"must be a text object [json-pointer:{where}]")
    words = text.get("text")
    if not isinstance(words, str) or not words:
        raise _invalid(f"must be more than 0 characters [json-pointer:{where}/text]")
    if len(words) > size:
        raise _invalid(f"must be less than {size + 1} characters [json-pointer:{where}/text]")


def _invalid(message: str) -> SlackError:
    return SlackError("invalid_blocks", errors=[message], response_metadata={"messages": [f"[ERROR] {message}"]})


def shown(blocks: Sequence[Block], names: Mapping[str, str]) -> str:
    """Return what people read in the blocks, a line break between two of them. Buttons are not for reading."""
    return "\n".join(words for block in blocks if (words := _shown_block(block, names)))


def _shown_block(block: Block, names: Mapping[str, str]) -> str:
    kind = block["type"]
    if kind == "markdown":
        return mrkdwn.shown_markdown(block["text"], names)
    if kind == "rich_text":
        return "".join(_shown_rich(element, names) for element in block.get("elements", ()))
    if kind in _WORDS:
        return str(block.get(_WORDS[kind], ""))
    if kind in {"actions", "context_actions"}:
        return ""
    if kind == "context":
        return " ".join(words for e in block["elements"] if (words := _shown_text(e.get("text", e), names)))
    parts = [block.get("text"), *(block.get("fields") or ())]
    return "\n".join(words for part in parts if part and (words := _shown_text(part, names)))


def _shown_text(text: object, names: Mapping[str, str]) -> str:
    if isinstance(text, str):
        return mrkdwn.shown(text, names)
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return ""
    return str(text["text"]) if text.get("type") == "plain_text" else mrkdwn.shown(text["text"], names)


def _shown_rich(element: Block, names: Mapping[str, str]) -> str:
    kind = element.get("type")
    if kind in _SIGNS:
        field, sign = _SIGNS[kind]
        target = str(element[field])
        return f"{sign}{names.get(target, target)}" + (":" if kind == "emoji" else "")
    if kind == "link":
        return str(element.get("text") or element["url"])
    if "elements" in element:
        inner = [_shown_rich(child, names) for child in element["elements"]]
        return "\n".join(inner) if kind == "rich_text_list" else "".join(inner)
    return str(element.get("text", ""))


def buttons(blocks: Sequence[Block]) -> Iterator[tuple[Block, Block]]:
    """Yield each button with the block it is in, in the order people see them."""
    for block in blocks:
        yield from ((block, element) for element in _interactive(block) if element["type"] == "button")


def pings(blocks: Sequence[Block], people: Mapping[str, str]) -> set[str]:
    """Return whom the blocks notify, in the words of `mrkdwn.pings`."""
    found: set[str] = set()
    for block in blocks:
        found |= _pings(block, people)
    return found


def _pings(node: object, people: Mapping[str, str]) -> set[str]:
    if isinstance(node, list):
        return set().union(*(_pings(child, people) for child in node))
    if not isinstance(node, dict):
        return set()
    kind, words = node.get("type"), node.get("text")
    if kind in {"mrkdwn", "markdown"} and isinstance(words, str):
        return mrkdwn.pings(mrkdwn.sent(words), people)
    if kind in _PINGED:
        target = str(node[_PINGED[kind]])
        return {target} if kind != "user" or target in people else set()
    return set().union(*(_pings(child, people) for child in node.values()))
