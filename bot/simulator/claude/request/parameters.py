"""The top-level parameters of a request: which are there, and which this model takes at this API version.

Sources: Claude docs (api/messages, 2026-10-21 migration, adaptive and extended thinking, tool use).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.claude.request.fields import Json, no_extras, one_of, optional, required, typed
from bot.simulator.claude.request.models import LEVELS, Model
from bot.simulator.claude.request.refusal import Refused

STRICT_VERSION = "2026-10-21"
VERSIONS = ("2023-06-01", STRICT_VERSION)
MAX_BREAKPOINTS = 4
SAMPLING = ("temperature", "top_p", "top_k")
COUNTED = {
    "messages", "model", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control",
    "context_management", "mcp_servers", "speed",
}  # fmt: skip
KNOWN = COUNTED | {
    "max_tokens", "stream", "stop_sequences", "metadata", "service_tier", "container", "inference_geo", "diagnostics",
    "fallbacks", "billing_policy", "thread", *SAMPLING,
}  # fmt: skip
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_DEFAULT_SAMPLING = {"temperature": 1, "top_p": 1}


def check_parameters(body: Mapping[str, Any], model: Model, version: str, *, counting: bool) -> None:
    """Check everything of a request but its messages. `counting`: for count_tokens. Raise `Refused`."""
    no_extras(body, COUNTED if counting else KNOWN)
    if not counting:
        _check_max_tokens(required(body, "max_tokens", int), model)
        _check_sampling(body, model, version)
        _check_stops(optional(body, "stop_sequences", list) or [])
        optional(body, "stream", bool)
    _check_system(body.get("system"))
    _check_thinking(body, model)
    _check_tools(body, model)


def _check_max_tokens(value: int, model: Model) -> None:
    if value < 0:  # 0 fills the prompt cache and writes nothing
        raise Refused("max_tokens: Input should be greater than or equal to 0")
    if value > model.max_output:
        raise Refused(
            f"max_tokens: {value} > {model.max_output}, which is the maximum allowed number of output tokens for "
            f"{model.id}"
        )


def _check_sampling(body: Mapping[str, Any], model: Model, version: str) -> None:
    for name in SAMPLING:
        value = body.get(name)
        if value is None:
            continue
        if version >= STRICT_VERSION:
            raise Refused(f"{name}: `{name}` is not supported in API version {version}. Remove it from the request.")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Refused(f"{name}: Input should be a valid number")
        if not model.sampling and value != _DEFAULT_SAMPLING.get(name):
            raise Refused(f"`{name}` is deprecated for this model.")
        if name != "top_k" and not 0 <= value <= 1:
            raise Refused(f"{name}: range: 0..1")
    if _thinks(body) and body.get("temperature") not in (None, 1):
        raise Refused("`temperature` may only be set to 1 when thinking is enabled.")


def _thinks(body: Mapping[str, Any]) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")


def _check_stops(stops: Sequence[object]) -> None:
    for index, stop in enumerate(stops):
        if not typed(stop, str, f"stop_sequences.{index}").strip():
            raise Refused("stop_sequences: each stop sequence must contain non-whitespace")


def _check_system(system: object) -> None:
    if system is None or isinstance(system, str):
        return
    for index, block in enumerate(typed(system, list, "system")):
        one_of(typed(block, dict, f"system.{index}").get("type"), ("text",), f"system.{index}.type")
        if not required(block, "text", str, f"system.{index}"):
            raise Refused("system: text content blocks must be non-empty")


def _check_thinking(body: Mapping[str, Any], model: Model) -> None:
    effort = _check_output(optional(body, "output_config", dict) or {}, model)
    thinking = optional(body, "thinking", dict)
    if thinking is None:
        return
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    kind = one_of(thinking.get("type"), kinds, "thinking.type")
    if kind not in model.thinking:
        taken = ", ".join(f'"{name}"' for name in sorted(model.thinking))
        raise Refused(f'thinking.type: "{kind}" is not supported by {model.id}. Supported: {taken}.')
    if kind in ("adaptive", "enabled") and thinking.get("display") is not None:
        one_of(thinking["display"], ("summarized", "omitted"), f"thinking.{kind}.display")
    if kind == "enabled":
        _check_budget(required(thinking, "budget_tokens", int, "thinking.enabled"), body)
    off = kind in ("disabled", "between_tools")
    if off and effort in ("xhigh", "max") and model.generation >= 5:
        raise Refused(f'output_config.effort: "{effort}" is not supported with thinking.type "{kind}".')


def _check_budget(budget: int, body: Mapping[str, Any]) -> None:
    if budget < 1024:
        raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if "max_tokens" in body and body["max_tokens"] <= budget:
        raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_output(config: Json, model: Model) -> str | None:
    """Check how the answer is to be; return the effort."""
    form = optional(config, "format", dict, "output_config")
    if form is not None:
        one_of(form.get("type"), ("json_schema",), "output_config.format.type")
        _check_schema(required(form, "schema", dict, "output_config.format"), "output_config.format.schema")
    effort = config.get("effort")
    if effort is None:
        return None
    one_of(effort, LEVELS, "output_config.effort")
    if effort not in model.levels:
        raise Refused(f'output_config.effort: "{effort}" is not supported by {model.id}.')
    return str(effort)


def _check_tools(body: Mapping[str, Any], model: Model) -> None:
    tools = optional(body, "tools", list) or []
    names = [_tool_name(tool, index) for index, tool in enumerate(tools)]
    if len(set(names)) < len(names):
        raise Refused("tools: Tool names must be unique.")
    choice = optional(body, "tool_choice", dict)
    if choice is None:
        return
    kind = one_of(choice.get("type"), ("auto", "any", "tool", "none"), "tool_choice.type")
    if not tools:
        raise Refused("tool_choice: tool_choice may only be specified while providing tools")
    if kind in ("any", "tool"):
        if not model.forced_tools:
            raise Refused(f'tool_choice.type: "{kind}" is not supported by {model.id}. Use "auto" or "none".')
        if _thinks(body):
            raise Refused("Thinking may not be enabled when tool_choice forces tool use.")
    if kind == "tool" and required(choice, "name", str, "tool_choice.tool") not in names:
        raise Refused(f"Tool '{choice['name']}' not found in provided tools")


def _tool_name(tool: object, index: int) -> str:
    where = f"tools.{index}"
    given = typed(tool, dict, where)
    name = required(given, "name", str, where)
    if not _TOOL_NAME.fullmatch(name):
        raise Refused(f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if given.get("type") in (None, "custom"):  # others are the API's own tools, which bring their schema
        _check_schema(required(given, "input_schema", dict, f"{where}.custom"), f"{where}.custom.input_schema")
    return name


def _check_schema(schema: Json, where: str) -> None:
    """Check a JSON schema of an object as far down as an answer is made from it."""
    one_of(schema.get("type"), ("object",), f"{where}.type")
    properties = optional(schema, "properties", dict, where) or {}
    for index, name in enumerate(optional(schema, "required", list, where) or []):
        typed(name, str, f"{where}.required.{index}")
    for name, inner in properties.items():
        if typed(inner, dict, f"{where}.properties.{name}").get("type") == "object":
            _check_schema(inner, f"{where}.properties.{name}")


def check_breakpoints(body: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Refused` for a malformed cache breakpoint or more than four, the automatic one included."""
    system = body.get("system")
    holders = [body, *(body.get("tools") or []), *(system if isinstance(system, list) else []), *blocks]
    found = [holder["cache_control"] for holder in holders if holder.get("cache_control") is not None]
    for control in found:
        one_of(typed(control, dict, "cache_control").get("type"), ("ephemeral",), "cache_control.type")
        if control.get("ttl") is not None:
            one_of(control["ttl"], ("5m", "1h"), "cache_control.ephemeral.ttl")
    if len(found) > MAX_BREAKPOINTS:
        raise Refused(f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(found)}.")
