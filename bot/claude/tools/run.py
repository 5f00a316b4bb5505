"""Running the tools that Claude asks for: each use gets exactly one result, and no result holds a traceback."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.claude.messages.blocks import kept, mk_block, result_block, tool_uses
from bot.claude.messages.records import Json, Message, plain
from bot.claude.tools.schema import BadArguments, tool_of

Function = Callable[..., Any]
Lookup = Callable[[str], Function | None]
TOOL_TIMEOUT_S = 60.0
_LONGEST_ERROR = 500
_CONTENT_TYPES = ("text", "image", "document", "search_result", "tool_reference")


def lookup(ns: Mapping[str, Any] | Iterable[Any] | None = None, obj: Any = None) -> Lookup:
    """Return a function that looks up tools by exact name in a mapping, a list of functions, or an object.

    Names with dots or leading underscores, and what cannot be called, are not found.
    """
    if ns is None or isinstance(ns, Mapping):
        known: Mapping[str, Any] = ns or {}
    else:
        known = {tool_of(tool).schema["name"]: tool for tool in ns if callable(tool)}

    def find(name: str) -> Function | None:
        found = known.get(name)
        if found is None and obj is not None and name.isidentifier() and not name.startswith("_"):
            found = getattr(obj, name, None)
        return found if callable(found) else None

    return find


def mk_funcres(tuid: str, res: Any, *, is_error: bool = False) -> Json:
    """Return the result of the tool use with the id `tuid` as a block.

    `res`: a text, the bytes of an image or PDF, one or several content blocks, or anything else, as `str` shows it.
    """
    return result_block(tuid, result_content(res), is_error=is_error)


def result_content(value: Any) -> Any:
    """Return a tool's return value as the content of a tool_result."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        try:
            return [mk_block(value)]
        except ValueError:
            return str(bytes(value))
    if isinstance(value, Mapping) and value.get("type") in _CONTENT_TYPES:
        return [dict(value)]
    if (
        isinstance(value, list)
        and value
        and all(isinstance(v, Mapping) and v.get("type") in _CONTENT_TYPES for v in value)
    ):
        return [dict(block) for block in value]
    return str(value)


def mk_toolres(r: Any, ns: Mapping[str, Any] | Iterable[Any] | None = None, obj: Any = None) -> list[Json]:
    """Run the tools that the answer `r` asks for; return the messages to add to the dialog.

    They are the answer itself and, if it asks for tools, one user message with a result for each use. `ns`: where the
    functions are: a mapping by name, such as `globals()`, or a list of them. `obj`: an object whose methods are tools.
    Claude may call any function it can name there, so give a list if `globals()` has others. Raise `TypeError` for an
    async function: use `await mk_toolres_async(…)`.
    """
    message = r if isinstance(r, Message) else Message(plain(r))
    find = lookup(ns, obj)
    return _messages(message, [_run_now(use, find, message.bad_inputs) for use in tool_uses(message)])


async def mk_toolres_async(
    r: Any,
    ns: Mapping[str, Any] | Iterable[Any] | None = None,
    obj: Any = None,
    *,
    timeout_s: float | None = TOOL_TIMEOUT_S,
) -> list[Json]:
    """`mk_toolres` for sync and async functions: all run concurrently, sync ones in threads, each within `timeout_s`
    seconds.
    """
    message = r if isinstance(r, Message) else Message(plain(r))
    return _messages(message, await run_tools(message, lookup(ns, obj), timeout_s))


def _messages(message: Message, results: Sequence[Json]) -> list[Json]:
    answer: Json = {"role": "assistant", "content": kept(message["content"])}
    return [answer, {"role": "user", "content": list(results)}] if results else [answer]


async def run_tools(message: Message, find: Lookup, timeout_s: float | None) -> list[Json]:
    """Return a tool_result for each tool use of an answer, in order; the tools run concurrently.

    A sync tool runs in a thread. A tool that takes longer than `timeout_s` is given up: an async one is cancelled,
    while a thread goes on until its function returns and the return value is dropped.
    """
    uses = tool_uses(message)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(use, find, message.bad_inputs, timeout_s)) for use in uses]
    return [task.result() for task in tasks]


async def _run(use: Json, find: Lookup, bad_inputs: Mapping[str, str], timeout_s: float | None) -> Json:
    try:
        call, arguments = _prepare(use, find, bad_inputs)
    except _NotCalledError as error:
        return mk_funcres(use["id"], str(error), is_error=True)
    scope = asyncio.timeout(timeout_s)
    try:
        async with scope:
            return mk_funcres(use["id"], await _called(call, arguments))
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        told = one_line(error)  # the tool was cancelled by something it called, not by us
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a tool raises is told to Claude
        told = f"{use['name']} took longer than {timeout_s:g} seconds" if scope.expired() else one_line(error)
    return mk_funcres(use["id"], told, is_error=True)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _called(call: Function, arguments: Mapping[str, Any]) -> Any:
    if _is_async(call):
        return await call(**arguments)
    value, raised = await asyncio.to_thread(_guarded, call, arguments)
    if raised is not None:
        raise raised
    return await value if isinstance(value, Awaitable) else value


def _guarded(call: Function, arguments: Mapping[str, Any]) -> tuple[Any, BaseException | None]:
    """Return the exception of a thread as a value: a future cannot hold every kind (StopIteration)."""
    try:
        return call(**arguments), None
    except StopIteration as error:
        return None, RuntimeError(f"StopIteration: {error}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - handed over, not swallowed
        return None, error


def _run_now(use: Json, find: Lookup, bad_inputs: Mapping[str, str]) -> Json:
    try:
        call, arguments = _prepare(use, find, bad_inputs)
    except _NotCalledError as error:
        return mk_funcres(use["id"], str(error), is_error=True)
    if _is_async(call):
        raise TypeError(f"{use['name']} is async: use `await mk_toolres_async(…)` instead of `mk_toolres(…)`")
    value, raised = _guarded(lambda **given: result_content(call(**given)), arguments)
    return mk_funcres(use["id"], value) if raised is None else mk_funcres(use["id"], one_line(raised), is_error=True)


class _NotCalledError(Exception):
    """Why a tool use cannot be carried out, in words for Claude."""


def _prepare(use: Json, find: Lookup, bad_inputs: Mapping[str, str]) -> tuple[Function, Mapping[str, Any]]:
    """Return the function and its checked arguments. Raise `_NotCalledError`."""
    name = use["name"]
    if use["id"] in bad_inputs:
        raise _NotCalledError(f"{name} was not called: {bad_inputs[use['id']]}")
    function = find(name)
    if function is None:
        raise _NotCalledError(f"There is no tool named {name!r}")
    try:
        tool = tool_of(function)
        if tool.model is None:
            value = tool.value(use["input"])
            return (lambda: value), {}
        return function, tool.arguments(use["input"])
    except BadArguments as error:
        raise _NotCalledError(f"{name} was not called: {_shortened(str(error))}") from error
    except Exception as error:
        raise _NotCalledError(f"{name} cannot be called: {one_line(error)}") from error


def _is_async(call: Function) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004


def one_line(error: BaseException) -> str:
    """Return an exception as one line without a traceback."""
    return _shortened(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ERROR else f"{line[: _LONGEST_ERROR - 1]}…"
