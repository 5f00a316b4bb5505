"""A conversation that keeps its history: each turn is committed completely or not at all."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from bot.claude.api.call import Allow, StreamItem, StreamProgress
from bot.claude.catalog.prices import cost_of
from bot.claude.client import AsyncClient, add_cost
from bot.claude.events import End, ToolResult
from bot.claude.messages.blocks import tool_uses
from bot.claude.messages.history import checked, continued, opening, prompt_blocks
from bot.claude.messages.records import Json, Message, Usage
from bot.claude.stream import Stream
from bot.claude.toolloop import FINAL_PROMPT, Loop, steps
from bot.claude.tools.run import TOOL_TIMEOUT_S, lookup, run_tools


class AsyncChat:
    """A conversation with Claude. Concurrent prompts are answered one after the other.

    `model` or `cli` (an `AsyncClient`, shared among any number of chats). `sp`: the system prompt. `tools`: functions,
    which are run when Claude asks for them; types; and descriptions of server tools. `temp`: the temperature, for
    models that accept one. 0, the seed's default, is silently left out for others; None is the API's own default.
    `cont_pr`: the prompt that `await chat()` sends after an answer. `hist`: earlier messages, copied. `cache`: True,
    "5m" or "1h" has the API cache the conversation. `tool_timeout_s`: how long a tool may take. `allow`: an async
    function that is called before each request, retries included, with its body and the usage of the call so far. It
    returns how many tokens may be written; an exception from it ends the call. `attempts`: how often each request is
    made at most, None for the client's own limit.

    `.h`: the history, plain JSON dicts with explicit roles; `json.loads(json.dumps(chat.h))` continues it. It changes
    only when a turn is complete: an error, a cancellation, an abandoned stream and a refusal leave it as it was.
    `.use`, `.cost`: everything that was billed for this chat alone; `.last`: the last answer.
    """

    __slots__ = (
        "__weakref__", "_busy", "_cost", "_lock", "_use", "allow", "attempts", "c", "cache", "cont_pr", "h", "last",
        "sp", "temp", "tool_timeout_s", "tools",
    )  # fmt: skip

    def __init__(
        self,
        model: str | None = None,
        cli: AsyncClient | None = None,
        *,
        sp: Any = "",
        tools: Sequence[Any] | None = None,
        temp: float | None = None,
        cont_pr: str | None = None,
        hist: Sequence[Any] | None = None,
        cache: bool | str = False,
        tool_timeout_s: float | None = TOOL_TIMEOUT_S,
        allow: Allow | None = None,
        attempts: int | None = None,
    ) -> None:
        if cli is None and not model:
            raise ValueError("AsyncChat: give a model or an AsyncClient (`cli=`)")
        if cont_pr is not None and not cont_pr.strip():
            raise ValueError("AsyncChat: cont_pr is what is sent to go on; it may not be empty")
        self.c = cli if cli is not None else AsyncClient(str(model))
        self.sp = sp
        self.tools = tools
        self.temp = temp
        self.cont_pr = cont_pr
        self.cache = cache
        self.tool_timeout_s = tool_timeout_s
        self.allow = allow
        self.attempts = attempts
        self.h: list[Json] = checked(hist) if hist else []
        self.last: Message | None = None
        self._use: Usage | None = None
        self._cost: float | None = 0.0
        self._lock: asyncio.Lock | None = None
        self._busy: StreamProgress | None = None

    @property
    def use(self) -> Usage:
        """What this chat has used, in tokens."""
        return self._use if self._use is not None else Usage(input_tokens=0, output_tokens=0)

    @property
    def cost(self) -> float | None:
        """What this chat has cost in US dollars; None if a model's price is not known."""
        return self._cost

    async def __call__(
        self,
        pr: Any = None,
        temp: float | None = None,
        maxtok: int = 4096,
        stream: bool = False,  # noqa: FBT001, FBT002 - the seed's signature
        prefill: str = "",
        *,
        tool_choice: Any = None,
        **kw: Any,
    ) -> Any:
        """Send a prompt and return the answer's `Message`, or with `stream` the `Stream`, which sends it when iterated.

        `pr`: a text, the bytes of an image or PDF, a block, or a list of these; blank texts are left out. Without one,
        whatever is waiting is answered: tool results, a paused turn, or `cont_pr`. Tool results and a prompt become one
        user message. One call is one request: tools that Claude asks for are run before this returns, and `await
        chat()` sends their results (`toolloop` does all of it). `temp`, `maxtok`, `prefill`, `tool_choice` and `kw` are
        as for `AsyncClient`.

        Raise `ValueError` if there is nothing to answer, `ClaudeError` if there is no answer; `h` is then as before.
        """
        options = {"temp": temp, "maxtok": maxtok, "prefill": prefill, "tool_choice": tool_choice, **kw}
        made = self._stream(lambda progress: self._turn(prompt_blocks(pr), options, progress))
        return made if stream else await made.finish()

    def toolloop(
        self,
        pr: Any = None,
        max_steps: int = 10,
        cont_func: Callable[[Message], Any] | None = None,
        final_prompt: str = FINAL_PROMPT,
        **kw: Any,
    ) -> Stream:
        """Return the `Stream` of the answer to a prompt, with as many requests as its tools need: one turn of the chat.

        `async for piece in chat.toolloop("…")` gives the text, `….events()` the tool uses and results too, and `await
        chat.toolloop("…")` the last message. Each request may ask for tools, which are run and answered by the next
        one; a paused turn is continued. After `max_steps` requests, or when `cont_func(message)` (sync or async, called
        after each request that asked for tools) returns something false, one last request sends `final_prompt` and
        allows no tool. With "" there is no such request, and the results wait for `await chat()`. When a tool's input
        is cut off for the second time because it does not fit into `maxtok`, the turn ends there. `kw` are the keywords
        of a call; `tool_choice` and `prefill` are for the first request alone.
        """
        loop = Loop(prompt_blocks(pr), max_steps, cont_func, final_prompt, kw, has_tools=bool(self.tools))
        return self._stream(lambda progress: self._loop(loop, progress))

    async def count_tokens(self, pr: Any = None) -> int:
        """Return the number of input tokens of the history and a prompt, as the API counts them. Raise
        `ClaudeError`.
        """
        messages = opening(self.h, prompt_blocks(pr), self.cont_pr)
        return await self.c.count_tokens(messages, sp=self.sp, tools=self.tools)

    def _stream(self, source: Callable[[StreamProgress], AsyncGenerator[StreamItem, None]]) -> Stream:
        progress = StreamProgress()
        items = self._in_turn(source(progress), progress)
        progress.source = weakref.ref(items)
        return Stream(items, progress)

    async def _in_turn(
        self, source: AsyncGenerator[StreamItem, None], progress: StreamProgress
    ) -> AsyncGenerator[StreamItem, None]:
        """Yield from the source once earlier prompts have been answered."""
        lock = await self._acquired()
        try:
            if progress.stopped:
                return
            self._busy = progress
            progress.task = asyncio.current_task()
            async with contextlib.aclosing(source):
                async for item in source:
                    yield item
                    progress.task = asyncio.current_task()
        finally:
            self._busy = progress.task = None
            lock.release()

    async def _acquired(self) -> asyncio.Lock:
        """Return the lock of this chat's turns, acquired. A stream that would hold it for ever is closed: see
        `_close_left`.
        """
        if self._lock is None:
            self._lock = asyncio.Lock()
        await self._close_left(lambda reader: reader is asyncio.current_task())
        while True:
            try:
                async with asyncio.timeout(self.c.policy.stall_s):
                    await self._lock.acquire()
            except TimeoutError:
                await self._close_left(lambda reader: reader.done())
            else:
                return self._lock

    async def _close_left(self, by: Callable[[asyncio.Task[object]], bool]) -> None:
        """Close the stream that holds the turn if its reader abandoned it, and make it report that.

        This is certain if the current task was its reader. It is assumed if the task that read it last has ended and
        nobody has read on for `stall_s` seconds.
        """
        busy = self._busy
        if busy is None or busy.task is None or busy.source is None or not by(busy.task):
            return
        left = busy.source()
        if left is not None:
            busy.superseded = True
            await left.aclose()

    async def _turn(
        self, prompt: list[Json], options: Mapping[str, Any], progress: StreamProgress
    ) -> AsyncGenerator[StreamItem, None]:
        """Yield from one request and the tools it asks for; the turn is committed before `End` is yielded."""
        sent = opening(self.h, prompt, self.cont_pr)
        async with contextlib.aclosing(self._step(sent, options, progress)) as items:
            async for item in items:
                if isinstance(item, End):
                    self._commit(sent)
                yield item

    async def _loop(self, loop: Loop, progress: StreamProgress) -> AsyncGenerator[StreamItem, None]:
        """Yield from as many requests as the tools need; the turn is committed before the last `End` is yielded."""
        sent = opening(self.h, loop.prompt, self.cont_pr)
        made = steps(sent, loop, progress, step=self._step, commit=self._commit)
        async with contextlib.aclosing(made) as items:
            async for item in items:
                yield item

    async def _step(
        self, sent: list[Json], options: Mapping[str, Any], progress: StreamProgress
    ) -> AsyncGenerator[StreamItem, None]:
        """Make one request and run the tools; before `End`, the answer and the tool results are added to `sent`.

        Nothing else is changed. After a refusal `sent` is the history as before: a refused turn that stays is refused
        again (Claude docs, handle-streaming-refusals).
        """
        given = {**options, "temp": self._temp(options.get("temp"))}
        cache = given.pop("cache", self.cache)
        call = self.c.options(sent, sp=self.sp, tools=self.tools, cache=cache, **given)
        made = self.c.items(call, progress, self._count, self.allow, self.attempts)
        async with contextlib.aclosing(made) as items:
            async for item in items:
                if not isinstance(item, End):
                    yield item
                    continue
                message = item.message
                self.last = message
                results = await run_tools(message, lookup(self.tools or ()), self.tool_timeout_s)
                for use, result in zip(tool_uses(message), results, strict=True):
                    yield ToolResult(use["id"], use["name"], result["content"], bool(result.get("is_error")))
                before = len(sent)
                if message.get("stop_reason") == "refusal":
                    sent[:] = self.h
                else:
                    sent[:] = continued(sent, message, results)
                yield End(message, tuple(sent[before:]))

    def _temp(self, wanted: float | None) -> float | None:
        if wanted is not None:
            return wanted
        return self.temp if self.temp or self.c.abilities.sampling else None

    def _commit(self, messages: Sequence[Json]) -> None:
        """Make the messages the history; the list itself stays the same."""
        self.h[:] = messages

    def _count(self, used: Usage, model: str) -> None:
        self._use = self.use + used
        self._cost = add_cost(self._cost, cost_of(model, used))
