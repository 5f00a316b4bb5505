"""The async client: a model, a shared connection to the API, and what they have used."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.claude.api.call import PAUSES_S, Allow, Count, Policy, StreamItem, StreamProgress, converse
from bot.claude.api.request import CallOptions, build
from bot.claude.api.transport import STALL_S, fetch_json, shared_sdk
from bot.claude.catalog.models import Abilities, abilities_of, completed
from bot.claude.catalog.prices import cost_of
from bot.claude.messages.blocks import mk_msgs
from bot.claude.messages.prefill import join_prefill
from bot.claude.messages.records import Message, Usage, plain, usage
from bot.claude.stream import Stream
from bot.claude.tools.schema import get_schema
from bot.claude.tools.structured import values_of
from bot.claude.warn import Warned

if TYPE_CHECKING:
    import anthropic

RETRY_WITHIN_S = 60.0
_NOT_COUNTED = ("max_tokens", "stream", "temperature", "stop_sequences")  # what count_tokens does not accept


class AsyncClient:
    """An async client for Claude's messages.

    `model`: a model's name, assignable. `cli`: the SDK's client (`mk_sdk(…)`, `anthropic.AsyncAnthropic(…)`), to be
    shared among any number of clients and closed by its owner; None uses one for the whole program, made with the first
    request (`close_sdk()` closes it). `log`: True keeps every call in the list `.log`. `stall_s`: a call fails with
    `Stalled` after this many seconds of silence. `retry_within_s`: how many seconds after its first attempt a call may
    make another one, as long as Claude has not begun to write. `attempts`: how many it makes at most.

    `.use`, `.cost`: tokens and US dollars of all calls (cost: None as soon as one model's price is not known).
    `.result`, `.stop_reason`, `.stop_sequence`: those of the last call that ended, None before; with concurrent calls,
    use what each call returns.
    """

    __slots__ = (
        "__weakref__", "_abilities", "_cost", "_sdk", "_warned", "log", "model", "policy", "result", "stop_reason",
        "stop_sequence", "use",
    )  # fmt: skip

    def __init__(
        self,
        model: str,
        cli: "anthropic.AsyncAnthropic | None" = None,
        log: bool = False,  # noqa: FBT001, FBT002 - the seed's signature
        *,
        stall_s: float = STALL_S,
        retry_within_s: float = RETRY_WITHIN_S,
        attempts: int = len(PAUSES_S) + 1,
    ) -> None:
        self.model = model
        self.policy = Policy(stall_s, retry_within_s, attempts)
        self.use = usage()
        self.result: Message | None = None
        self.stop_reason: str | None = None
        self.stop_sequence: str | None = None
        self.log: list[dict[str, Any]] | None = [] if log else None
        self._sdk = cli
        self._cost: float | None = 0.0
        self._abilities: dict[str, Abilities] = {}
        self._warned = Warned()

    @property
    def c(self) -> "anthropic.AsyncAnthropic":
        """The SDK's client. Imports the SDK if none was given."""
        return self._sdk if self._sdk is not None else shared_sdk()

    @c.setter
    def c(self, cli: "anthropic.AsyncAnthropic") -> None:
        self._sdk = cli

    @property
    def cost(self) -> float | None:
        """What all calls have cost in US dollars; None if a model's price is not known."""
        return self._cost

    @property
    def abilities(self) -> Abilities:
        """What the model can do, as far as it is known without a request."""
        known = self._abilities.get(self.model)
        if known is None:
            known = self._abilities[self.model] = abilities_of(self.model)
        return known

    async def load_abilities(self) -> Abilities:
        """Complete the model's abilities from the models endpoint and return them. Raise `ClaudeError`."""
        info = await fetch_json(self.c, f"/v1/models/{self.model}", None, self.policy.stall_s)
        self._abilities[self.model] = completed(self.abilities, info)
        return self.abilities

    async def __call__(  # noqa: PLR0917 - the seed's signature
        self,
        msgs: Any,
        sp: Any = "",
        temp: float | None = None,
        maxtok: int = 4096,
        prefill: str = "",
        stream: bool = False,  # noqa: FBT001, FBT002 - the seed's signature
        stop: str | Sequence[str] | None = None,
        *,
        tools: Sequence[Any] | None = None,
        tool_choice: Any = None,
        **kw: Any,
    ) -> Any:
        """Ask Claude; return the `Message`, or with `stream` the `Stream`, which sends the request when iterated.

        `msgs`: a text, a message, or a list of them (`mk_msgs`). `sp`: the system prompt. `temp`: the temperature, 0 to
        1, sent only to models that accept one. `maxtok`: the most tokens to write, thinking included. `prefill`: the
        beginning of the answer, joined with the rest in the result and in the stream. `stop`: stop sequences. `tools`:
        functions, types or descriptions. `tool_choice`: see `mk_tool_choice`. `kw`: `thinking` (True, False or as the
        API has it), `effort` ("low" … "max"), `cache` (True, "5m", "1h"); any other is a field of the request under the
        API's name (`metadata`, `service_tier`, …). `extra_headers`: headers.

        What a model refuses is replaced before the request, with one warning per client (`ClaudeWarning`); see
        `bot.claude.api.request`. The answer is always read as a stream, so that even the longest one meets no time
        limit. Raise `ClaudeError`, and `ValueError` or `TypeError` for what cannot be sent.
        """
        options = self.options(msgs, sp, temp, maxtok, prefill, stop, tools=tools, tool_choice=tool_choice, **kw)
        progress = StreamProgress()
        made = Stream(self.items(options, progress), progress)
        return made if stream else await made.finish()

    def options(  # noqa: PLR0917 - that of a call
        self,
        msgs: Any,
        sp: Any = "",
        temp: float | None = None,
        maxtok: int = 4096,
        prefill: str = "",
        stop: str | Sequence[str] | None = None,
        *,
        cache: bool | str = False,
        effort: str | None = None,
        thinking: Any = None,
        tools: Sequence[Any] | None = None,
        tool_choice: Any = None,
        **more: Any,
    ) -> CallOptions:
        """Return the options of a call as one object; the arguments are those of a call."""
        return CallOptions(
            mk_msgs(msgs), sp, temp, maxtok, prefill, stop, tools, tool_choice, cache, effort, thinking, more
        )

    def items(
        self,
        options: CallOptions,
        progress: StreamProgress,
        count: Count | None = None,
        allow: Allow | None = None,
        attempts: int | None = None,
    ) -> AsyncGenerator[StreamItem, None]:
        """Return the items of the answer to one request, which is checked now and sent when they are iterated.

        `count(usage, model)` is called for every attempt that was billed, as `.use` is updated. `allow`: see
        `call.Allow`. `attempts`: how many are made at most, None for the client's own limit.
        """
        policy = self.policy if attempts is None else replace(self.policy, attempts=attempts)
        request = build(options, self.abilities, self._warned)

        def counted(used: Usage, model: str) -> None:
            self._count(used, model)
            if count is not None:
                count(used, model)
            if progress.value is not None:
                self._ended(progress.value)
                self._write_log(request.body, options.prefill, progress.value)

        return converse(self.c, request, policy, progress, counted, allow)

    async def structured(self, msgs: Any, tools: Any, sp: Any = "", **kw: Any) -> Any:
        """Return Claude's answer as a value: a dataclass, TypedDict, pydantic model, or what a function returns.

        `tools`: one type gives one value; a list of types gives the list of values that Claude chose to make, at least
        one. `kw` are the keywords of a call. A model that refuses a forced tool is asked to use it instead, so it may
        still answer in words. Raise `NoStructure` for such an answer and for one that does not fit, otherwise as a call
        does.
        """
        several = isinstance(tools, list | tuple)
        kinds = list(tools) if several else [tools]
        choice = get_schema(kinds[0])["name"] if len(kinds) == 1 else True
        message = await self(msgs, sp, tools=kinds, tool_choice=choice, **kw)
        values = await values_of(message, kinds)
        return values if several else values[0]

    async def count_tokens(self, msgs: Any, sp: Any = "", *, tools: Sequence[Any] | None = None, **kw: Any) -> int:
        """Return how many input tokens a call would have, as the API counts them. This is free, with its own rate limit
        (Claude docs, build-with-claude/token-counting). Raise `ClaudeError`.
        """
        request = build(self.options(msgs, sp, tools=tools, **kw), self.abilities, self._warned)
        body = {
            name: value for name, value in request.body.items() if name not in ("max_tokens", "stream", "temperature")
        }
        answer = await fetch_json(self.c, "/v1/messages/count_tokens", body, self.policy.stall_s)
        return int(answer["input_tokens"])

    def _r(self, r: Any, prefill: str = "") -> Message:
        """Record an answer, ours or the SDK's: prefix the prefill to its text, add its usage, keep it in `.result`."""
        message = Message.of(r) if isinstance(r, Message) else Message(plain(r))
        if prefill:
            join_prefill(message, prefill, may_repeat=False)
        self._count(message["usage"], str(message.get("model") or self.model))
        self._ended(message)
        return message

    def _count(self, used: Usage, model: str) -> None:
        self.use = self.use + used
        self._cost = add_cost(self._cost, cost_of(model, used))

    def _ended(self, message: Message) -> None:
        self.result = message
        self.stop_reason = message.get("stop_reason")
        self.stop_sequence = message.get("stop_sequence")

    def _write_log(self, body: dict[str, Any], prefill: str, message: Message) -> None:
        if self.log is not None:
            ended = {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence}
            self.log.append({**body, "prefill": prefill, "result": message, "use": self.use, **ended})


def add_cost(total: float | None, more: float | None) -> float | None:
    """Return the sum of two costs; an unknown cost (None) makes it unknown."""
    return None if total is None or more is None else total + more
