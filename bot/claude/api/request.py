"""One call → the body of one request that the model accepts. What today's API refuses is replaced before it is sent.

- `prefill` on a model that lacks it (every one since Claude 4.6): Claude is asked to begin with that text, and it is
  joined as the API would have joined it (`messages.prefill.PrefillJoiner`).
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

from bot.claude.catalog.models import Abilities
from bot.claude.messages.blocks import MAX_BREAKPOINTS, cache_control, outgoing, with_text
from bot.claude.messages.records import Json
from bot.claude.tools.schema import get_schema

Warn = Callable[[str], None]
SAMPLING_VERSION = {"anthropic-version": "2023-06-01"}
ASK_PREFILL = "Begin your reply with exactly the following text, then continue from where it stops:\n{prefill}"
ASK_TOOL = "Answer this by calling the tool `{name}`; call it before you write anything else."
ASK_ANY_TOOL = "Answer this by calling one of the tools; call it before you write anything else."


@dataclass(frozen=True, slots=True)
class BuiltRequest:
    """A request, ready to be sent. `prefill`: the text that the answer begins with. `emulated`: Claude was asked for
    something in words that are in no history, so its thinking belongs to a conversation that will not be sent again.
    """

    body: Json
    headers: Mapping[str, str]
    prefill: str = ""
    emulated: bool = False


@dataclass(slots=True)
class CallOptions:
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
    """Return a `tool_choice`: a tool's name forces that tool, True forces any tool, False or None leaves it to Claude.

    "auto", "any" and "none" are the API's own choices; a dict is taken as it is.
    """
    if isinstance(choose, Mapping):
        return dict(choose)
    if isinstance(choose, str) and choose:
        return {"type": choose} if choose in ("auto", "any", "none") else {"type": "tool", "name": choose}
    return {"type": "any" if choose else "auto"}


def build(options: CallOptions, capabilities: Abilities, warn: Warn) -> BuiltRequest:
    """Return the request for a call. `warn(sentence)` is called for each thing that is replaced or left out.

    Raise `ValueError` for what no request can hold, `SchemaError` for a tool that cannot be described.
    """
    if not options.msgs:
        raise ValueError("there is no message to send")
    body: Json = {
        **(options.more or {}),
        "model": capabilities.model,
        "max_tokens": options.maxtok,
        "messages": [],
        "stream": True,
    }
    headers: dict[str, str] = dict(body.pop("extra_headers", None) or {})
    _add_system(body, options)
    if options.stop:
        body["stop_sequences"] = [options.stop] if isinstance(options.stop, str) else list(options.stop)
    if options.tools:
        body["tools"] = [get_schema(tool) for tool in options.tools]
    body["messages"] = outgoing(options.msgs, MAX_BREAKPOINTS - _breakpoints(body))
    _add_thinking(body, options, capabilities, warn)
    _add_sampling(body, headers, options, capabilities, warn)
    emulated = _add_tool_choice(body, options, capabilities, warn) | _add_prefill(body, options, capabilities, warn)
    return BuiltRequest(body, headers, options.prefill, emulated)


def _add_system(body: Json, options: CallOptions) -> None:
    """With `cache`, one breakpoint is at the end of the conversation and one after the system prompt, which
    conversations may share (Claude docs, build-with-claude/prompt-caching).
    """
    if options.cache:
        body["cache_control"] = cache_control(options.cache)
    if not options.sp:
        return
    if options.cache and isinstance(options.sp, str):
        body["system"] = [{"type": "text", "text": options.sp, "cache_control": cache_control(options.cache)}]
    else:
        body["system"] = options.sp


def _breakpoints(body: Json) -> int:
    """Return the number of cache breakpoints outside of the messages."""
    system = body.get("system", "")
    holders = [body, *body.get("tools", []), *([] if isinstance(system, str) else system)]
    return sum("cache_control" in holder for holder in holders)


def _add_thinking(body: Json, options: CallOptions, capabilities: Abilities, warn: Warn) -> None:
    if options.thinking is not None:
        body["thinking"] = _thinking(options.thinking, options.maxtok, capabilities)
    if options.effort is None:
        return
    if options.effort in capabilities.efforts or (not capabilities.efforts and capabilities.context_tokens is None):
        body["output_config"] = {**body.get("output_config", {}), "effort": options.effort}
    else:
        taken = f"only {', '.join(capabilities.efforts)}" if capabilities.efforts else "none"
        warn(f"{capabilities.model} takes {taken} as effort; {options.effort!r} is left out")


def _thinking(wanted: Any, maxtok: int, capabilities: Abilities) -> Json:
    """True is the model's own way of thinking, shown as a summary; False is the least that the model can do."""
    if isinstance(wanted, Mapping):
        return dict(wanted)
    if wanted and "adaptive" not in capabilities.thinking and "enabled" in capabilities.thinking:
        if maxtok <= 1024:
            raise ValueError(
                f"thinking=True on {capabilities.model} needs maxtok above 1024: thinking counts as output"
            )
        return {"type": "enabled", "budget_tokens": max(1024, maxtok // 2)}
    if wanted:
        return {"type": "adaptive", "display": "summarized"}
    for kind in ("disabled", "between_tools"):
        if kind in capabilities.thinking:
            return {"type": kind}
    raise ValueError(f"thinking=False: {capabilities.model} always thinks; choose a low effort instead")


def _thinks(body: Json) -> bool:
    """Return whether thinking is requested: older models then accept no temperature, no prefill and no forced tool."""
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _add_sampling(
    body: Json, headers: dict[str, str], options: CallOptions, capabilities: Abilities, warn: Warn
) -> None:
    if options.temp is None:
        return
    if not capabilities.sampling:
        warn(f"{capabilities.model} takes no temperature; it is left out (`effort` may be what you want)")
        return
    if _thinks(body) and options.temp != 1:
        if options.temp:
            warn(f"{capabilities.model} takes no temperature while it thinks; it is left out")
        return
    body["temperature"] = options.temp
    headers.update(SAMPLING_VERSION)


def _add_tool_choice(body: Json, options: CallOptions, capabilities: Abilities, warn: Warn) -> bool:
    if options.tool_choice is None:
        return False
    if "tools" not in body:
        raise ValueError("tool_choice was given, but no tools")
    choice = mk_tool_choice(options.tool_choice)
    if choice["type"] not in ("any", "tool") or (capabilities.forced_tools and not _thinks(body)):
        body["tool_choice"] = choice
        return False
    warn(f"{capabilities.model} lets no tool be forced{_while(body)}; it is asked to use it instead")
    body["tool_choice"] = {**{k: v for k, v in choice.items() if k != "name"}, "type": "auto"}
    ask = ASK_TOOL.format(name=choice["name"]) if choice["type"] == "tool" else ASK_ANY_TOOL
    return _ask(body, ask)


def _add_prefill(body: Json, options: CallOptions, capabilities: Abilities, warn: Warn) -> bool:
    """Add the prefill without the white space at its end, which the API refuses; the joined text has it as it was
    given.
    """
    begun = options.prefill.strip()
    if not begun:
        return False
    if capabilities.prefill and not _thinks(body):
        body["messages"] = [*body["messages"], {"role": "assistant", "content": begun}]
        return False
    warn(f"{capabilities.model} takes no prefill{_while(body)}; it is asked to begin with that text instead")
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
