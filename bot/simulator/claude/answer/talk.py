"""What a conversation says: who asked what, what was shown as earlier talk, which images came with it.

People's words may stand in `<message from="NAME">…</message>`; earlier talk in `<context>…</context>` around them, and
what a question is about in `<about>…</about>`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.simulator.claude.request.blocks import walk
from bot.simulator.claude.request.fields import Json

_CONTEXT = re.compile(r"<(context|about)\b[^>]*>(.*?)</\1\s*>", re.DOTALL)
_MESSAGE = re.compile(r"<message\b([^>]*)>\n?(.*?)\n?</message\s*>", re.DOTALL)
_FROM = re.compile(r"""(?<![\w-])from\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&"))


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody said."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation as the answer sees it. `turns`: user messages that are not only tool results.

    `asked`: the questions of the last turn; `first`: the very first question. `results`: the tool results that the
    last message brings, if it brings nothing else.
    """

    turns: int
    asked: Sequence[Line]
    first: Line | None
    context: Sequence[Line]
    images: Sequence[Json]
    images_so_far: int
    results: Sequence[Json]

    @property
    def question(self) -> str:
        """The words of the last turn, without those of earlier talk."""
        return "\n".join(line.text for line in self.asked)


def read_talk(messages: Sequence[Json]) -> Talk:
    """Return what a checked conversation says."""
    users = [message["content"] for message in messages if message["role"] == "user"]
    turns = [content for content in users if any(block["type"] != "tool_result" for block in content)]
    latest = turns[-1] if turns else []
    asked, context = _lines(latest)
    firsts = [line for content in turns[:1] for line in _lines(content)[0]]
    final = users[-1] if users else []
    results = [block for block in final if block["type"] == "tool_result"]
    return Talk(
        turns=len(turns),
        asked=asked,
        first=next(iter(firsts), None),
        context=context,
        images=_images(final),
        images_so_far=sum(len(_images(content)) for content in users),
        results=results if len(results) == len(final) else [],
    )


def _images(content: list[Json]) -> list[Json]:
    return [block for block in walk(content) if block["type"] == "image"]


def _lines(content: Sequence[Json]) -> tuple[list[Line], list[Line]]:
    """Return what is asked in one message, and what it shows as earlier talk."""
    text = "\n".join(block["text"] for block in content if block["type"] == "text")
    context = [line for _, shown in _CONTEXT.findall(text) for line in _tagged(shown)]
    rest = _CONTEXT.sub("", text)
    asked = _tagged(rest)
    if not asked and rest.strip():
        asked = [Line("someone", rest.strip())]
    return asked, context


def _tagged(text: str) -> list[Line]:
    return [Line(_name(attributes), unescape(body)) for attributes, body in _MESSAGE.findall(text)]


def _name(attributes: str) -> str:
    found = _FROM.search(attributes)
    return (unescape(found[1] if found[1] is not None else found[2]) if found else "") or "someone"


def unescape(text: str) -> str:
    """Return text with XML's five entities replaced, the ampersand last, so that nothing is unescaped twice."""
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def result_text(block: Mapping[str, Any]) -> str:
    """Return the text of a tool result."""
    content = block.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(inner["text"] if inner["type"] == "text" else f"({inner['type']})" for inner in content)
