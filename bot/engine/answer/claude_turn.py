"""A turn put to Claude: what Claude is told, what it writes as it comes, and what the history keeps."""

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.claude import (
    AsyncChat,
    AsyncClient,
    ClaudeError,
    End,
    Event,
    OutputLimit,
    Overloaded,
    Stalled,
    Stream,
    StreamCut,
    Text,
    ToolResult,
    ToolUse,
    Unavailable,
    Usage,
    get_schema,
    stopped,
)
from bot.engine.answer.clients import Clients
from bot.engine.answer.delay import delay_told
from bot.engine.answer.files import GivenFiles
from bot.engine.answer.journal import Journal, joined, set_apart
from bot.engine.answer.money.budget import Account, Budgets, warn_of_limit
from bot.engine.answer.money.cost import ENOUGH_TOKENS, request_tokens
from bot.engine.answer.outcome import Answer, lines, stopped_answer
from bot.engine.answer.prompt.history import sendable, without_bytes
from bot.engine.answer.prompt.markup import system
from bot.engine.answer.prompt.shown import Shown, shown
from bot.engine.answer.prompt.trim import Messages
from bot.engine.answer.status import Status
from bot.engine.patience import patiently
from bot.engine.sentences import stop_note, using
from bot.engine.turns.running_turn import RunningTurn, UserMessage
from bot.events import Button, File, Outcome
from bot.places import Places, Profile
from bot.ports import History, Platform, Steps, Surface
from bot.reply import LiveReply
from bot.telemetry import ClaudeAsked, Emit, ignore

log = structlog.get_logger()

_MOST_STEPS = 10
"""How many requests of one turn may use tools."""
_MAY_BE_WHOLE_NEXT_TIME = (Overloaded, Stalled, StreamCut, Unavailable)


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """Where a turn is answered, how its readers see that, and what it runs with."""

    platform: Platform
    surface: Surface
    reply: LiveReply
    status: Status
    profile: Profile


@dataclass(frozen=True, slots=True)
class Prompt:
    """What Claude is told, who pays, and which requests of the turn are finished."""

    earlier: Messages
    told: UserMessage
    account: Account
    journal: Journal


class ClaudeTurn:
    """Puts turns to Claude. Holds no state of a turn."""

    def __init__(self, history: History, steps: Steps, clients: Clients, budgets: Budgets, emit: Emit = ignore) -> None:
        self._emit = emit
        self._history = history
        self._steps = steps
        self._budgets = budgets
        self._clients = clients

    def account(self, run: RunningTurn) -> AbstractAsyncContextManager[Account]:
        """Open the account of a run; on leaving, whatever happened, what was used is settled."""
        return self._budgets.account(run.turn)

    async def generate(self, run: RunningTurn, place: AnswerContext, account: Account) -> Answer:
        """Return Claude's answer; it grows on the screen meanwhile.

        An answer that breaks off is asked for once more, into the same messages, from its last finished request on; so
        is one that an earlier process began. An answer that a reader stops, even while the thread and the files are
        read, is what there was of it. Raises `ClaudeError`, `OverBudget` and `PlatformError`.
        """
        reads = self._client(place).abilities.context_tokens
        told: Shown | None = None
        async with run.until_stopped():
            told = await shown(
                run.turn, place.platform, place.surface, place.profile, history=self._history, reads_tokens=reads
            )
            run.tell(told.message)
        if run.stopped or told is None:
            return await self._stopped(run, place)
        done = await patiently(self._steps.of, run.turn.key)
        journal = Journal(run.turn.key, self._steps, self._history, done)
        return await self._answer(run, place, Prompt(told.earlier, told.message, account, journal))

    async def _answer(self, run: RunningTurn, place: AnswerContext, prompt: Prompt) -> Answer:
        try:
            return await self._converse(run, place, prompt)
        except ClaudeError as error:
            if not (error.text_so_far and isinstance(error, _MAY_BE_WHOLE_NEXT_TIME)):
                raise
            known = {"host": error.host, "reason": str(error), "tried": error.tried}
            log.warning("claude_asked_once_more", after=type(error).__name__, **known)
            tried = error.tried
        place.reply.restart()
        try:
            return await self._converse(
                run, place, prompt, attempts=max(1, self._client(place).policy.attempts - tried)
            )
        except ClaudeError as error:
            error.tried += tried
            raise

    async def _converse(
        self, run: RunningTurn, place: AnswerContext, prompt: Prompt, attempts: int | None = None
    ) -> Answer:
        told, account, journal = prompt.told, prompt.account, prompt.journal
        given = GivenFiles(self._history, place.surface.limits.file_bytes)
        await given.take_up(journal.uses())
        chat = self._chat(place, prompt, given, attempts)
        before, known = journal.text, [dict(message) for message in prompt.earlier]
        if journal.count:  # finished requests are not made again
            known += [{"role": "user", "content": sendable(told.blocks)}, *await journal.messages()]
        chat.h[:] = known
        stream = self._stream(place, prompt, chat)
        begun_s = time.perf_counter()
        run.written.follow(lambda: joined(before, stream.text))
        place.reply.write(before)
        try:
            with delay_told(place.surface, place.reply, place.status) as delay:
                async with stream, run.until_stopped():
                    async for event in set_apart(before, stream.events()):
                        delay.came(event)
                        _show(event, place)
                        if isinstance(event, End):
                            await journal.add(event)
        except ClaudeError as error:
            error.text_so_far = joined(before, error.text_so_far)
            raise
        finally:
            account.note(stream.usage)
            account.close()
            self._tell(run, place, stream, begun_s)
        if run.stopped and stream.value is None:
            return await self._stopped(run, place, given.files)
        new = chat.h[len(prompt.earlier) :] if len(chat.h) > len(known) else []  # a refused turn leaves no trace
        if new:
            new[0] = {"role": "user", "content": list(told.blocks)}
        outcome = _outcome(stream.value or {}, joined(before, stream.text), run, given)
        return Answer(outcome, await without_bytes(new, self._history))

    def _tell(self, run: RunningTurn, place: AnswerContext, stream: Stream, begun_s: float) -> None:
        error, used = sys.exception(), stream.usage
        message: Mapping[str, Any] = stream.value or {}
        why = message.get("stop_reason") or ("stopped" if run.stopped else "cut")
        self._emit(
            ClaudeAsked(
                turn=str(run.turn.key),
                model=place.profile.model,
                outcome=type(error).__name__ if error else str(why),
                input_tokens=used.input_tokens + used.cache_creation_input_tokens,
                cache_read_tokens=used.cache_read_input_tokens,
                output_tokens=used.output_tokens,
                took_s=time.perf_counter() - begun_s,
            )
        )

    def _stream(self, place: AnswerContext, prompt: Prompt, chat: AsyncChat) -> Stream:
        """Return the stream that continues after the finished requests; with none, it begins with the question."""
        return chat.toolloop(
            None if prompt.journal.count else sendable(prompt.told.blocks),
            max(1, _MOST_STEPS - prompt.journal.count),
            maxtok=place.profile.max_tokens,
            effort=place.profile.effort or None,
        )

    def _chat(self, place: AnswerContext, prompt: Prompt, given: GivenFiles, attempts: int | None) -> AsyncChat:
        """Return a chat that pays for each request before it makes it."""

        async def allow(body: Mapping[str, Any], used: Usage) -> int:
            prompt.account.note(used)
            return await self._budgets.hold(prompt.account, body)

        return AsyncChat(
            cli=self._client(place),
            sp=system(place.profile.system),
            hist=prompt.earlier,
            cache=True,
            tools=[given.give_file],
            allow=allow,
            attempts=attempts,
        )

    async def _stopped(self, run: RunningTurn, place: AnswerContext, files: tuple[File, ...] = ()) -> Answer:
        show_written(run, place.reply)
        answer = stopped_answer(run, files)
        return replace(answer, messages=await without_bytes(answer.messages, self._history))

    def _client(self, place: AnswerContext) -> AsyncClient:
        return self._clients[place.profile.model]


def warn_of_small_limits(places: Places, history: History) -> None:
    """Log a warning for each limit that is too small for even the smallest question."""
    tools = [get_schema(GivenFiles(history, 0).give_file)]
    for name, profile in places.variants():
        smallest = {"system": system(profile.system), "tools": tools, "messages": [{"content": "?"}]}
        warn_of_limit(name, profile, request_tokens(smallest) + min(ENOUGH_TOKENS, profile.max_tokens))


def show_written(run: RunningTurn, reply: LiveReply) -> None:
    """Let a reply show everything that was written, if an earlier attempt came further."""
    if not run.written.fresh:
        reply.restart()
        reply.write(run.written.text)


def _show(event: Event, place: AnswerContext) -> None:
    """Show an event on the screen. Raises what broke the reply: Claude need not write what nobody will see."""
    if isinstance(event, Text):
        place.reply.write(event.text)
    elif isinstance(event, ToolUse):
        place.reply.set_activity(using(event.name, event.input))
        place.status.say(using(event.name, event.input))
    elif isinstance(event, ToolResult):
        place.reply.set_activity("")
        place.status.say("")
    if place.reply.broken is not None:
        raise place.reply.broken


def _outcome(message: Mapping[str, Any], text: str, run: RunningTurn, given: GivenFiles) -> Outcome:
    more = isinstance(stopped(message), OutputLimit)
    buttons = (Button.CONTINUE, Button.RETRY) if more else (Button.RETRY,)
    notes = run.told.notes if run.told else ()
    endless = run.turn.questions[0].is_endless
    return Outcome(text, lines(*notes, stop_note(message, endless=endless)), given.files, buttons)
