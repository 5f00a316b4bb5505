"""What each model can do: one table, and rules for the models that came after it.

Sources: Claude docs (models overview, adaptive thinking, extended thinking, tool use, the 2026-10-21 migration), read
in November 2026; the models endpoint (`AsyncClient.load_abilities`) has the rest. A model that is not in the table is
taken to be as strict as the newest one, so that it is never sent what it may refuse.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

NEWEST = 99.0
_PREFILL_BEFORE = 4.6  # "This model does not support assistant message prefill" since Claude 4.6
_SAMPLING_BEFORE = 4.7  # temperature, top_p and top_k may not differ from their defaults since Claude 4.7
_ADAPTIVE_FROM = 4.6
_EFFORT_FROM = 4.6
_STRUCTURED_FROM = 4.5
_ALL_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NAME = re.compile(r"claude-(?:(?P<line>opus|sonnet|haiku|fable|mythos)-)?(?P<major>\d)(?:-(?P<minor>\d))?(?=-|$)"
                   r"(?:-(?P<old_line>opus|sonnet|haiku))?")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one model accepts. Sizes are in tokens, None if not known.

    `prefill`: the request may end with the beginning of the answer. `sampling`: `temperature` is accepted.
    `forced_tools`: `tool_choice` may be "any" or "tool". `thinking`: the accepted values of `thinking.type`. `efforts`:
    the accepted values of `output_config.effort`. `lifecycle` ("active", "deprecated", "retired") and `retires_at` (ISO
    8601) come from the models endpoint, None before `load_abilities`.
    """

    model: str
    line: str | None
    generation: float
    prefill: bool
    sampling: bool
    forced_tools: bool
    thinking: tuple[str, ...]
    efforts: tuple[str, ...]
    context_tokens: int | None = None
    output_tokens: int | None = None
    lifecycle: str | None = None
    retires_at: str | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """What does not follow from a model's generation."""

    context_tokens: int = 1_000_000
    output_tokens: int = 128_000
    forced_tools: bool = True
    thinking: tuple[str, ...] = ("adaptive", "disabled")
    efforts: tuple[str, ...] = _ALL_EFFORTS


_ALWAYS = _Row(forced_tools=False, thinking=("adaptive",))
_4_6 = _Row(thinking=("adaptive", "enabled", "disabled"), efforts=("low", "medium", "high", "max"))
_4_5 = _Row(200_000, 64_000, thinking=("enabled", "disabled"), efforts=())
_3_5 = _Row(200_000, 8_192, thinking=(), efforts=())
_3 = replace(_3_5, output_tokens=4_096)
_ROWS: dict[str, _Row] = {
    "claude-opus-5-5": _ALWAYS,
    "claude-sonnet-5-5": replace(_ALWAYS, thinking=("adaptive", "between_tools")),
    "claude-haiku-5-5": _Row(),
    "claude-fable-5-2": _ALWAYS,
    "claude-mythos-5-2": _ALWAYS,
    "claude-fable-5-1": _ALWAYS,
    "claude-mythos-5-1": _ALWAYS,
    "claude-fable-5": replace(_ALWAYS, forced_tools=True),
    "claude-mythos-5": replace(_ALWAYS, forced_tools=True),
    "claude-opus-5": _Row(),
    "claude-sonnet-5": _Row(),
    "claude-opus-4-8": _Row(),
    "claude-opus-4-7": _Row(),
    "claude-opus-4-6": _4_6,
    "claude-sonnet-4-6": _4_6,
    "claude-opus-4-5": replace(_4_5, efforts=("low", "medium", "high")),
    "claude-sonnet-4-5": _4_5,
    "claude-haiku-4-5": _4_5,
    "claude-opus-4": replace(_4_5, output_tokens=32_000),
    "claude-sonnet-4": _4_5,
    "claude-3-7-sonnet": _4_5,
    "claude-3-5-sonnet": _3_5,
    "claude-3-5-haiku": _3_5,
    "claude-3-opus": _3,
    "claude-3-haiku": _3,
}
_SEED_TIME = ("claude-3-opus-20240229", "claude-3-5-sonnet-20240620", "claude-3-haiku-20240307")

model_types: dict[str, str] = {
    name: next(line for line in ("opus", "sonnet", "haiku", "fable", "mythos") if line in name)
    for name in (*(name for name in _ROWS if not name.startswith("claude-3")), *_SEED_TIME)
}
"""Model → its row, newest first; the models of the seed document come last."""
models: list[str] = list(model_types)
"""The models by name: `models[0]` is the newest Opus, `models[1]` the newest Sonnet, `models[2]` the newest Haiku."""


def abilities_of(model: str) -> Abilities:
    """Return what a model can do, by its name alone; any name is accepted."""
    found = _NAME.search(model)
    if found is None:
        return _build(model, None, NEWEST, None)
    line = found["line"] or found["old_line"]
    generation = float(f"{found['major']}.{found['minor'] or 0}")
    return _build(model, line, generation, _ROWS.get(found[0]))


def _build(model: str, line: str | None, generation: float, row: _Row | None) -> Abilities:
    """Return what a model without a row can do: it is sent nothing that it could refuse, so no forced tool, thinking or
    effort.
    """
    known = row or _Row(forced_tools=generation < _PREFILL_BEFORE, thinking=(), efforts=())
    return Abilities(
        model,
        line,
        generation,
        prefill=generation < _PREFILL_BEFORE,
        sampling=generation < _SAMPLING_BEFORE,
        forced_tools=known.forced_tools,
        thinking=known.thinking,
        efforts=known.efforts,
        context_tokens=row.context_tokens if row else None,
        output_tokens=row.output_tokens if row else None,
    )


def completed(known: Abilities, info: Mapping[str, Any]) -> Abilities:
    """Return the abilities completed by the models endpoint (`GET /v1/models/{id}`, api/models).

    It has sizes, kinds of thinking and efforts, but does not say whether prefill, sampling or a forced tool is
    accepted.
    """
    can: Mapping[str, Any] = info.get("capabilities") or {}
    kinds = (can.get("thinking") or {}).get("types") or {}
    efforts = can.get("effort") or {}
    return replace(
        known,
        thinking=tuple(kind for kind, told in kinds.items() if _supported(told)) if kinds else known.thinking,
        efforts=tuple(name for name in _ALL_EFFORTS if _supported(efforts.get(name))) if efforts else known.efforts,
        context_tokens=info.get("max_input_tokens") or known.context_tokens,
        output_tokens=info.get("max_tokens") or known.output_tokens,
        lifecycle=info.get("lifecycle"),
        retires_at=info.get("retires_at"),
    )


def _supported(told: Any) -> bool:
    return isinstance(told, Mapping) and bool(told.get("supported"))
