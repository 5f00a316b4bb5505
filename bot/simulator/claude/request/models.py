"""The models the simulation knows, and what each accepts: only what decides whether a request is refused.

Sources: Claude docs (models overview, adaptive thinking, 2026-10-21 migration), SDK 2.12 `types/model_info.py`. A model
that the real API has retired and that the seed's examples name is served here; it is listed as deprecated.
"""

from dataclasses import dataclass, field
from typing import Any

LEVELS = ("low", "medium", "high", "xhigh", "max")
_UNKNOWN_DATE = "1970-01-01T00:00:00Z"  # what the API says of a release date it does not know
_ADAPTIVE = frozenset({"adaptive"})
_OFF_OR_ADAPTIVE = frozenset({"adaptive", "disabled"})
_EXTENDED = frozenset({"enabled", "disabled"})
_NO_THINKING = frozenset({"disabled"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model. Sizes in tokens. `thinking`: the `thinking.type` values it accepts.

    `generation`: 4.6 for Claude 4.6; several rules begin with one. `thinks_unasked`: thinking is on if nothing is said.
    `binds_thinking`: replayed thinking belongs to one transcript (for every account if `binds_always`).
    `cache_minimum`: the shortest prefix that is cached, in tokens.
    """

    id: str
    generation: float
    context: int = 1_000_000
    max_output: int = 128_000
    thinking: frozenset[str] = _OFF_OR_ADAPTIVE
    thinks_unasked: bool = False
    forced_tools: bool = True
    system_messages: bool = False
    binds_thinking: bool = False
    binds_always: bool = False
    cache_minimum: int = 1024
    lifecycle: str = "active"
    released: str = _UNKNOWN_DATE
    retires: str | None = None
    levels: tuple[str, ...] = field(default=LEVELS)

    @property
    def prefill(self) -> bool:
        """Whether a conversation may end with an assistant message (not since Claude 4.6)."""
        return self.generation < 4.6

    @property
    def sampling(self) -> bool:
        """Whether temperature, top_p and top_k may differ from their defaults (not since Claude 4.7)."""
        return self.generation < 4.7

    @property
    def thinks(self) -> bool:
        """Whether the model can think at all."""
        return self.thinking != _NO_THINKING

    @property
    def omits_thinking(self) -> bool:
        """Whether `thinking.display` is "omitted" if nothing is said (since Claude 4.7)."""
        return self.generation >= 4.7

    @property
    def image_edge_px(self) -> int:
        """The longest side the model sees; larger images are scaled down to it."""
        return 2576 if self.generation >= 4.7 else 1568

    @property
    def image_tokens(self) -> int:
        """The most tokens one image takes."""
        return 4784 if self.generation >= 4.7 else 1568


def _fable(name: str, generation: float, **more: Any) -> Model:
    rules: dict[str, Any] = {
        "thinking": _ADAPTIVE, "thinks_unasked": True, "forced_tools": False, "system_messages": True,
        "binds_thinking": generation > 5, "cache_minimum": 512,
    }  # fmt: skip
    return Model(name, generation, **{**rules, **more})


def _old(name: str, generation: float, **more: Any) -> Model:
    rules: dict[str, Any] = {
        "context": 200_000, "max_output": 8_192, "thinking": _NO_THINKING, "lifecycle": "deprecated", "levels": (),
    }  # fmt: skip
    return Model(name, generation, **{**rules, **more})


_EXTENDED_4_5: dict[str, Any] = {
    "context": 200_000, "max_output": 64_000, "thinking": _EXTENDED, "levels": (), "cache_minimum": 4096,
}  # fmt: skip
_OPUS_4_5: dict[str, Any] = {**_EXTENDED_4_5, "levels": ("low", "medium", "high")}
_SONNET_4_5: dict[str, Any] = {
    **_EXTENDED_4_5, "cache_minimum": 1024, "lifecycle": "deprecated", "retires": "2026-11-30T00:00:00Z",
}  # fmt: skip
_LATEST: dict[str, Any] = {"thinks_unasked": True, "forced_tools": False, "binds_thinking": True}
_4_6: dict[str, Any] = {
    "thinking": _OFF_OR_ADAPTIVE | _EXTENDED, "levels": ("low", "medium", "high", "max"),
}  # fmt: skip

_ALL = (
    _fable("claude-fable-5-2", 5.6, binds_always=True, released="2026-11-09T00:00:00Z"),
    _fable("claude-mythos-5-2", 5.6),
    Model("claude-haiku-5-5", 5.5, thinks_unasked=True, binds_thinking=True, cache_minimum=512,
          released="2026-10-07T00:00:00Z"),
    Model("claude-sonnet-5-5", 5.5, thinking=frozenset({"adaptive", "between_tools"}),
          released="2026-09-28T00:00:00Z", **_LATEST),
    Model("claude-opus-5-5", 5.5, thinking=_ADAPTIVE, system_messages=True, cache_minimum=512,
          released="2026-09-22T00:00:00Z", **_LATEST),
    _fable("claude-fable-5-1", 5.4),
    _fable("claude-mythos-5-1", 5.4),
    Model("claude-sonnet-5", 5.0, thinks_unasked=True),
    _fable("claude-fable-5", 5.0, forced_tools=True),
    _fable("claude-mythos-5", 5.0, forced_tools=True),
    Model("claude-opus-5", 5.0, thinks_unasked=True, system_messages=True, cache_minimum=512),
    Model("claude-opus-4-8", 4.8, system_messages=True),
    Model("claude-opus-4-7", 4.7, cache_minimum=2048),
    Model("claude-opus-4-6", 4.6, cache_minimum=4096, **_4_6),
    Model("claude-sonnet-4-6", 4.6, **_4_6),
    Model("claude-haiku-4-5", 4.5, **_EXTENDED_4_5),
    Model("claude-haiku-4-5-20251001", 4.5, **_EXTENDED_4_5),
    Model("claude-opus-4-5", 4.5, **_OPUS_4_5),
    Model("claude-opus-4-5-20251101", 4.5, **_OPUS_4_5),
    Model("claude-sonnet-4-5", 4.5, **_SONNET_4_5),
    Model("claude-sonnet-4-5-20250929", 4.5, **_SONNET_4_5),
    _old("claude-opus-4-20250514", 4.0, max_output=32_000, thinking=_EXTENDED),
    _old("claude-sonnet-4-20250514", 4.0, max_output=64_000, thinking=_EXTENDED),
    _old("claude-3-7-sonnet-20250219", 3.7, max_output=64_000, thinking=_EXTENDED),
    _old("claude-3-5-sonnet-20241022", 3.5),
    _old("claude-3-5-haiku-20241022", 3.5, cache_minimum=2048),
    _old("claude-3-5-sonnet-20240620", 3.5),
    _old("claude-3-haiku-20240307", 3.0, max_output=4_096, cache_minimum=2048),
    _old("claude-3-opus-20240229", 3.0, max_output=4_096),
)  # fmt: skip
MODELS: dict[str, Model] = {model.id: model for model in _ALL}


def _can(supported: bool) -> dict[str, bool]:  # noqa: FBT001 - the API's own {"supported": …}
    return {"supported": supported}


def _capabilities(model: Model) -> dict[str, Any]:
    modern = model.generation >= 4.5
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    clears = {"clear_thinking_20251015": _can(modern), "clear_tool_uses_20250919": _can(modern)}
    return {
        "batch": _can(True),
        "citations": _can(model.generation >= 3.5),
        "code_execution": _can(model.generation >= 4.6),
        "context_management": {**_can(modern), **clears, "compact_20260112": _can(model.generation >= 4.6)},
        "effort": {**_can(bool(model.levels)), **{level: _can(level in model.levels) for level in LEVELS}},
        "image_input": _can(True),
        "pdf_input": _can(model.generation >= 3.5),
        "server_tools": {**_can(model.generation >= 3.5), "web_search": _can(model.generation >= 3.5),
                         "code_execution": _can(model.generation >= 3.5)},
        "structured_outputs": _can(modern),
        "thinking": {**_can(model.thinks), "types": {kind: _can(kind in model.thinking) for kind in kinds}},
    }  # fmt: skip


def model_info(model: Model) -> dict[str, Any]:
    """Return a model as `GET /v1/models/{id}` gives it (SDK 2.12, `types/model_info.py`)."""
    line = next((line for line in ("haiku", "sonnet", "opus", "fable", "mythos") if line in model.id), None)
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id.replace("claude-", "Claude ").replace("-", " ").title(),
        "created_at": model.released,
        "lifecycle": model.lifecycle,
        "deprecated_at": _UNKNOWN_DATE if model.lifecycle == "deprecated" else None,
        "retires_at": model.retires,
        "line": line,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "capabilities": _capabilities(model),
    }
