"""One call → the body of one request that this model takes. What today's API refuses is replaced before it is sent.

- `prefill` on a model that lacks it (every one since Claude 4.6): Claude is asked to begin with that text, and it is
  joined as the API would have joined it (`carry.PrefillJoiner`).
- A forced tool on a model that refuses `tool_choice` "any" and "tool": Claude is asked to use it.
- `temp` on a model that takes no sampling parameters (Claude 4.7 and later), or while it thinks: it is left out. Older
  models get it together with the API version that still has it: 2026-10-21, which the SDK sends since 2.0, refuses it
  for every model.
- `effort` on a model that has no levels of effort: it is left out.

Sources: Claude docs, migration-2026-10-21, the models' migration guides; SDK 2.12 MIGRATION.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.claude.messages import MAX_BREAKPOINTS, cache_control, outgoing, with_text
from bot.claude.models import Abilities
from bot.claude.records import Json
from bot.claude.schema import get_schema

Warn = Callable[[str], None]
SAMPLING_VERSION = {"anthropic-version": "2023-06-01"}
ASK_PREFILL = "Begin your reply with exactly the following text, then continue from where it stops:\n{prefill}"
ASK_TOOL = "Answer this by calling the tool `{name}`; call it before you write anything else."
ASK_ANY_TOOL = "Answer this by calling one of the tools; call it before you write anything else."


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `prefill`: the text the answer begins with. `carried`: Claude was asked for something in words
    that are in no history, so its thinking belongs to a conversation that will not be sent again.
    """

    body: Json
    headers: Mapping[str, str]
    prefill: str = ""
    carried: bool = False


@dataclass(slots=True)
class Wishes:
    """What a call asks for, as the seed's signature has it. `more`: other fields of the request as the API has them.

    `extra_headers` in it are headers, such as {"anthropic-beta": …}.
    """

    msgs: Sequence[Json]
    sp: Any = ""
    temp: float | None = None
    maxtok: int = 4096
    prefill: str = ""
    stop: str | Sequence[str] | None = None
    tools: Sequence[Any] | None = None
    tool_choice: Any = None
    cache: bool | str = False
    effort: str | None = None
    thinking: Any = None
    more: Mapping[str, Any] | None = None


def mk_tool_choice(choose: str | bool | Mapping[str, Any] | None) -> Json:  # noqa: FBT001 - the seed's signature
    """Return a `tool_choice`: a tool's name forces it, True any tool, False or None leaves it to Claude.

    "auto", "any" and "none" are the API's own choices; a dict is taken as it is.
    """
    if isinstance(choose, Mapping):
        return dict(choose)
    if isinstance(choose, str) and choose:
        return {"type": choose} if choose in ("auto", "any", "none") else {"type": "tool", "name": choose}
    return {"type": "any" if choose else "auto"}


def build(wishes: Wishes, can: Abilities, warn: Warn) -> Request:
    """Return the request for a call. `warn(sentence)` is told of each thing that is replaced or left out.

    Raises `ValueError` for what no request can hold, `SchemaError` for a tool that cannot be described.
    """
    if not wishes.msgs:
        raise ValueError("there is no message to send")
    body: Json = {
        **(wishes.more or {}),
        "model": can.model,
        "max_tokens": wishes.maxtok,
        "messages": [],
        "stream": True,
    }
    headers: dict[str, str] = dict(body.pop("extra_headers", None) or {})
    _add_system(body, wishes)
    if wishes.stop:
        body["stop_sequences"] = [wishes.stop] if isinstance(wishes.stop, str) else list(wishes.stop)
    if wishes.tools:
        body["tools"] = [get_schema(tool) for tool in wishes.tools]
    body["messages"] = outgoing(wishes.msgs, MAX_BREAKPOINTS - _breakpoints(body))
    _add_thinking(body, wishes, can, warn)
    _add_sampling(body, headers, wishes, can, warn)
    carried = _add_tool_choice(body, wishes, can, warn) | _add_prefill(body, wishes, can, warn)
    return Request(body, headers, wishes.prefill, carried)


def _add_system(body: Json, wishes: Wishes) -> None:
    """With `cache`, one breakpoint follows the end of the conversation, and one stands after the system prompt, which
    conversations may share (Claude docs, build-with-claude/prompt-caching).
    """
    if wishes.cache:
        body["cache_control"] = cache_control(wishes.cache)
    if not wishes.sp:
        return
    if wishes.cache and isinstance(wishes.sp, str):
        body["system"] = [{"type": "text", "text": wishes.sp, "cache_control": cache_control(wishes.cache)}]
    else:
        body["system"] = wishes.sp


def _breakpoints(body: Json) -> int:
    """Return how many cache breakpoints there are besides those in messages."""
    system = body.get("system", "")
    holders = [body, *body.get("tools", []), *([] if isinstance(system, str) else system)]
    return sum("cache_control" in holder for holder in holders)


def _add_thinking(body: Json, wishes: Wishes, can: Abilities, warn: Warn) -> None:
    if wishes.thinking is not None:
        body["thinking"] = _thinking(wishes.thinking, wishes.maxtok, can)
    if wishes.effort is None:
        return
    if wishes.effort in can.efforts or (not can.efforts and can.context_tokens is None):
        body["output_config"] = {**body.get("output_config", {}), "effort": wishes.effort}
    else:
        taken = f"only {', '.join(can.efforts)}" if can.efforts else "none"
        warn(f"{can.model} takes {taken} as effort; {wishes.effort!r} is left out")


def _thinking(wanted: Any, maxtok: int, can: Abilities) -> Json:
    """True is the model's own way of thinking, shown in short; False is as little as the model can."""
    if isinstance(wanted, Mapping):
        return dict(wanted)
    if wanted and "adaptive" not in can.thinking and "enabled" in can.thinking:
        if maxtok <= 1024:
            raise ValueError(f"thinking=True on {can.model} needs maxtok above 1024: thinking counts as output")
        return {"type": "enabled", "budget_tokens": max(1024, maxtok // 2)}
    if wanted:
        return {"type": "adaptive", "display": "summarized"}
    for kind in ("disabled", "between_tools"):
        if kind in can.thinking:
            return {"type": kind}
    raise ValueError(f"thinking=False: {can.model} always thinks; choose a low effort instead")


def _thinks(body: Json) -> bool:
    """Say whether thinking is asked for: older models then take no temperature, no prefill and no forced tool."""
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _add_sampling(body: Json, headers: dict[str, str], wishes: Wishes, can: Abilities, warn: Warn) -> None:
    if wishes.temp is None:
        return
    if not can.sampling:
        warn(f"{can.model} takes no temperature; it is left out (`effort` may be what you want)")
        return
    if _thinks(body) and wishes.temp != 1:
        if wishes.temp:
            warn(f"{can.model} takes no temperature while it thinks; it is left out")
        return
    body["temperature"] = wishes.temp
    headers.update(SAMPLING_VERSION)


def _add_tool_choice(body: Json, wishes: Wishes, can: Abilities, warn: Warn) -> bool:
    if wishes.tool_choice is None:
        return False
    if "tools" not in body:
        raise ValueError("tool_choice was given, but no tools")
    choice = mk_tool_choice(wishes.tool_choice)
    if choice["type"] not in ("any", "tool") or (can.forced_tools and not _thinks(body)):
        body["tool_choice"] = choice
        return False
    warn(f"{can.model} lets no tool be forced{_while(body)}; it is asked to use it instead")
    body["tool_choice"] = {**{k: v for k, v in choice.items() if k != "name"}, "type": "auto"}
    ask = ASK_TOOL.format(name=choice["name"]) if choice["type"] == "tool" else ASK_ANY_TOOL
    return _ask(body, ask)


def _add_prefill(body: Json, wishes: Wishes, can: Abilities, warn: Warn) -> bool:
    """The API refuses white space at the end of a prefill; the joined text has it as it was given."""
    begun = wishes.prefill.strip()
    if not begun:
        return False
    if can.prefill and not _thinks(body):
        body["messages"] = [*body["messages"], {"role": "assistant", "content": begun}]
        return False
    warn(f"{can.model} takes no prefill{_while(body)}; it is asked to begin with that text instead")
    return _ask(body, ASK_PREFILL.format(prefill=begun))


def _while(body: Json) -> str:
    return " while it thinks" if _thinks(body) else ""


def _ask(body: Json, text: str) -> bool:
    messages = body["messages"]
    if messages[-1]["role"] == "user":
        body["messages"] = with_text(messages, text)
    else:
        body["messages"] = [*messages, {"role": "user", "content": text}]
    return True
