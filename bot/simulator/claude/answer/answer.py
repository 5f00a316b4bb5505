"""What the simulated Claude says when nothing is scripted: short Markdown whose every claim can be checked."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.claude.answer.long_text import long_text
from bot.simulator.claude.answer.reply import Reply
from bot.simulator.claude.answer.talk import Talk, read_talk, result_text
from bot.simulator.claude.request.fields import Json
from bot.simulator.claude.request.pictures import PictureReader

LONG_CHARACTERS = 5000
MOST_CHARACTERS = 400_000
_QUOTED_CHARACTERS = 600
_CHARACTERS = re.compile(r"(\d[\d,_.'\u2009\u202f ]*)\s*(?:characters|chars)\b", re.IGNORECASE)
_LONG = re.compile(r"\blong\b", re.IGNORECASE)
_USE_TOOL = re.compile(r"use the tool [`\"']?([\w-]+)[`\"']?(?: with\s*(?=\{))?", re.IGNORECASE)
_FIRST = "what did i ask first"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

_CODE = '''Here is the code you asked for:

```python
def greet(name: str) -> str:
    """Return a greeting."""
    return f"Hello, {name}!"


print(greet("world"))
```

It prints `Hello, world!`.'''
_TABLE = """| Planet | Moons | Rings |
| --- | ---: | :---: |
| Earth | 1 | no |
| Mars | 2 | no |
| Saturn | 146 | yes |"""


def answer(body: Mapping[str, Any], messages: Sequence[Json], reader: PictureReader) -> Reply:
    """Return the answer to a checked conversation."""
    talk = read_talk(messages)
    tool = _tool_use(body, talk)
    if tool is not None:
        return Reply(blocks=[{"type": "text", "text": f"I call the tool `{tool['name']}`."}, tool])
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    if schema is not None:
        return Reply(text=json.dumps(fill(schema, talk.question), ensure_ascii=False))
    if talk.results:
        return Reply(text=_after_tools(talk))
    length = asked_length(talk.question)
    return Reply(text=_told(talk, reader) if length is None else long_text(length))


def thought(talk_turns: int) -> str:
    """Return what an unscripted thinking block says."""
    return f"This is turn {talk_turns} of a simulated conversation. I only need to say what I was sent."


def asked_length(question: str) -> int | None:
    """Return how many characters are asked for ("write 5000 characters", "something long"), or None."""
    found = _CHARACTERS.search(question)
    if found:
        digits = re.sub(r"\D", "", found[1])
        return min(int(digits[:9]), MOST_CHARACTERS)
    return LONG_CHARACTERS if _LONG.search(question) else None


def _told(talk: Talk, reader: PictureReader) -> str:
    parts = [f"**This is a simulation of Claude**: no model is running. Turn {talk.turns} of this conversation."]
    parts += [f"**{line.who}** asked:\n\n{_quote(line.text)}" for line in talk.asked]
    if talk.context:
        last = talk.context[-1]
        shown = f"I was shown {len(talk.context)} earlier message{'' if len(talk.context) == 1 else 's'}"
        parts.append(f"{shown}. The last one, by **{last.who}**:\n\n{_quote(last.text)}")
    if talk.images:
        parts.append("\n".join(_image(number, block, reader) for number, block in enumerate(talk.images, 1)))
    if talk.images_so_far:
        parts.append(f"Images seen so far in this conversation: {talk.images_so_far}")
    return "\n\n".join([*parts, *_extras(talk)])


def _image(number: int, block: Json, reader: PictureReader) -> str:
    return f"- Image {number}: {reader.read(block['source']['data'], 'image')}"


def _extras(talk: Talk) -> list[str]:
    question = talk.question.lower()
    extras = []
    if _FIRST in question and talk.first is not None:
        extras.append(f"The first thing I was asked, by **{talk.first.who}**:\n\n{_quote(talk.first.text)}")
    if re.search(r"\bcode\b", question):
        extras.append(_CODE)
    if re.search(r"\btable\b", question):
        extras.append(_TABLE)
    named = _USE_TOOL.search(talk.question)
    if named:
        extras.append(f"I was offered no tool named `{named[1]}`.")
    return extras


def _quote(text: str) -> str:
    if len(text) > _QUOTED_CHARACTERS:
        text = f"{text[:_QUOTED_CHARACTERS]}… ({len(text)} characters in all)"
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines()) if text.strip() else "(nothing written)"


def _after_tools(talk: Talk) -> str:
    parts = ["**This is a simulation of Claude.**"]
    for block in talk.results:
        verb = "failed with" if block.get("is_error") else "answered"
        parts.append(f"The tool {verb}:\n\n{_quote(result_text(block))}")
    parts += [f"That was for **{line.who}**, who asked:\n\n{_quote(line.text)}" for line in talk.asked]
    return "\n\n".join(parts)


def _tool_use(body: Mapping[str, Any], talk: Talk) -> Json | None:
    """Return the tool use that the question asks for in words, or that `tool_choice` forces."""
    choice = body.get("tool_choice") or {"type": "auto"}
    tools = {tool["name"]: tool for tool in body.get("tools") or [] if "input_schema" in tool}
    named = _USE_TOOL.search(talk.question)
    if talk.results and choice["type"] == "auto":
        return None
    if named and named[1] in tools and choice["type"] != "none":
        return {"type": "tool_use", "name": named[1], "input": _given(talk.question[named.end() :])}
    name = choice.get("name") if choice["type"] == "tool" else next(iter(tools), None)
    if choice["type"] not in ("any", "tool") or name not in tools:
        return None
    return {"type": "tool_use", "name": name, "input": fill(tools[name]["input_schema"], talk.question)}


def _given(text: str) -> Json:
    """Return the JSON object that `text` begins with, or an empty one."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def fill(schema: Mapping[str, Any], question: str) -> Json:
    """Return an object that fits a JSON schema: its numbers are the question's, in order, its texts the question."""
    numbers = [float(found) for found in _NUMBER.findall(question)]
    properties = schema.get("properties") or {}
    wanted = schema.get("required") or properties
    return {name: _value(properties.get(name, {}), question, numbers) for name in wanted}


def _value(schema: Mapping[str, Any], question: str, numbers: list[float]) -> Any:
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind in ("integer", "number"):
        number = numbers.pop(0) if numbers else 0.0
        return int(number) if kind == "integer" else number
    if kind == "object":
        return fill(schema, question)
    plain: dict[str, Any] = {"boolean": True, "array": [], "null": None}
    return plain.get(kind, question) if isinstance(kind, str) else question
