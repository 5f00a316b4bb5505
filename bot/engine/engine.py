"""What people do, taken in: messages become turns, and edits, deletions and buttons change them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from bot.engine.answer.answerer import Answerer
from bot.engine.inbox.admit import Access, is_addressed
from bot.engine.inbox.gate import Gate
from bot.engine.inbox.recent_messages import RecentMessages
from bot.engine.inbox.recheck import Recheck, is_same
from bot.engine.patience import patient
from bot.engine.sentences import GO_ON, NOT_NEWEST, NOT_YOURS, NOTHING_LEFT, RESTARTING, is_stop
from bot.engine.turns.running_turn import in_time
from bot.engine.turns.scheduler import Scheduler
from bot.errors import Stopping
from bot.events import Button, Deleted, Edited, Event, Incoming, Missed, Person, Pressed, Turn, TurnState
from bot.ports import Platform, Store

log = structlog.get_logger()

_ID_S = 1.0
_END_S = 5.0


class Engine:
    """Hears what people do and answers them while its `async with` lasts.

    On entering, what an earlier process left unended is taken up again. On leaving, no new turn begins, running ones
    have `drain_s` seconds to end, and the rest is cancelled; the store keeps it, and the next start takes it up.
    A question that is first heard `late_after_s` seconds after it was asked gets one line.
    """

    def __init__(
        self,
        store: Store,
        answerer: Answerer,
        platforms: Mapping[str, Platform],
        access: Access,
        *,
        drain_s: float,
        late_after_s: float,
    ) -> None:
        self._store = store = patient(store)
        self._access = access
        self._drain_s = drain_s
        self._late_after_s = late_after_s
        self._gate = Gate(access, platforms, store.notices)
        self._scheduler = Scheduler(partial(answerer.answer, gate=self._gate))
        self._recent = RecentMessages()
        self._platforms = platforms
        self._recheck = Recheck(store.questions, platforms, self._changed)
        self._changing = asyncio.Lock()
        self._began_s = 0.0
        self._open = asyncio.Event()
        self._closing = self._closed = False
        self._rest = answerer.rest

    async def __aenter__(self) -> Self:
        self._began_s = asyncio.get_running_loop().time()
        unended = await self._store.turns.unended()
        for turn in unended:
            new = turn.state == TurnState.ACCEPTED or (turn.state == TurnState.ANSWERING and not turn.parts)
            self._scheduler.put(turn, late=partial(self._was_late, turn) if new else in_time, left=True)
        if unended:
            log.info("taking up what was left", turns=len(unended))
        self._open.set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        drain_s = self._drain_s if kind is None else 0.0
        if begun := self._scheduler.begun:
            log.info("letting running turns end", turns=len(begun), within_s=drain_s)
        try:
            await self._recheck.close()
            for run in begun:
                await self._rest(run)
        finally:
            await self._scheduler.close(drain_s)
            self._closed = True

    async def handle(self, event: Event) -> str:
        """Take in what a person did; return a sentence for that person alone, or "".

        When this returns, what matters of it is on disk, whatever is delivered twice. While running turns end, nothing
        is begun, but stops, edits and deletions are obeyed. Raises `Stopping` if an event must come again to the next
        process.
        """
        await self._open.wait()
        if self._closed:
            raise Stopping("The bot is stopping.")
        if isinstance(event, Incoming):
            return await self._asked(event)
        if isinstance(event, Edited | Deleted):
            return await self._changed(event)
        if isinstance(event, Missed):
            if not self._closing:  # else the next start misses it, too
                self._recheck.begin(event.platform)
            return ""
        return await self._pressed(event)

    async def _asked(self, question: Incoming) -> str:
        """Accept a message that is for the bot, from someone who may speak to it; ignore any other."""
        if not is_addressed(question, known_thread=await self._follows(question)):
            self._recent.add(question)
            return ""
        if sentence := self._gate.refusal(question):
            return await self._gate.told(question, sentence)
        question = replace(question, said_before=self._recent.before(question))
        stops = self._stopped_by(question)
        if self._closing and stops is None:
            raise Stopping("The bot is stopping.")
        if not await self._store.turns.accept(question):
            return ""
        if stops is not None:
            await self._stop(stops)
            await self._store.turns.end(question.key, TurnState.STOPPED)
            return ""
        log.info("question accepted", message=str(question.key))
        late = self._is_late(question, 0.0)
        self._scheduler.put(Turn((question,), TurnState.ACCEPTED), late=lambda: late)
        return ""

    async def _follows(self, question: Incoming) -> bool:
        """Say whether in a message's thread the bot hears who does not mention it; it always hears a "stop"."""
        if self._access.mention_in_threads and not (
            is_stop(question.text) and self._scheduler.current(question.thread)
        ):
            return False
        return question.in_thread and await self._store.questions.knows(question.thread)

    def _stopped_by(self, message: Incoming) -> Turn | None:
        """Return the turn that a message is to stop, if it is nothing but the word that does."""
        turn = self._scheduler.current(message.thread) if is_stop(message.text) else None
        return turn if turn is not None and self._may_press(turn, message.author) else None

    async def _changed(self, event: Edited | Deleted) -> str:
        if isinstance(event, Edited) and (sentence := await self._refusal_of(event.message)):
            return await self._gate.told(event.message, sentence)
        async with self._changing:  # one change may come from the platform and from looking back
            with self._scheduler.changing():
                return await (self._edited(event) if isinstance(event, Edited) else self._deleted(event))

    async def _refusal_of(self, message: Incoming) -> str:
        """Return why an edited question is not answered anew, "" if it may be or if there is none. Nobody else's change
        waits for that: to look roles up may take a while.
        """
        turn = await self._store.turns.find(message.key)
        changed = [q for q in turn.asked if q.key == message.key and not is_same(q, message)] if turn else []
        return await self._gate.refusal_now(message) if changed else ""

    async def _edited(self, edited: Edited) -> str:
        """Answer an edited question anew, if it is its thread's newest; one that waits is answered as it is now. What
        was no question becomes one if it mentions the bot now, as if it had been written this way, and now.
        """
        message = edited.message
        turn = await self._store.turns.find(message.key)
        asked = next((q for q in turn.questions if q.key == message.key), None) if turn else None
        if turn is None and (message.mentions_bot or message.direct):
            self._recent.forget(message.key)
            platform = self._platforms[message.key.platform]
            return await self._asked(replace(message, sent_at_s=platform.now_s()))
        if turn is None or asked is None or asked.key in turn.deleted or is_same(asked, message):
            self._recent.edited(message)
            return ""
        changed = replace(asked, text=message.text, uploads=message.uploads, author=message.author)
        async with self._broken_off(asked):
            reopened = await self._store.turns.reopen(turn.key, changed)
        log.info("question edited", message=str(message.key), answered_anew=reopened is not None)
        return ""

    async def _deleted(self, deleted: Deleted) -> str:
        """Stop answering a deleted question, and forget what it said."""
        turn = await self._store.turns.find(deleted.key)
        asked = next((q for q in turn.questions if q.key == deleted.key), None) if turn else None
        if asked is None:
            self._recent.forget(deleted.key)
            return ""
        async with self._broken_off(asked):
            await self._store.turns.forget(deleted.key)
        log.info("question deleted", message=str(deleted.key))
        return ""

    @asynccontextmanager
    async def _broken_off(self, asked: Incoming) -> AsyncIterator[None]:
        """While inside, a question neither waits nor is answered, and the store has its turn as it was left.
        Afterwards what has not ended waits again, whatever happened inside: so do those that shared its turn.
        """
        taken = [turn] if (turn := self._scheduler.take_out(asked.thread, asked.key)) else []
        try:
            running = self._scheduler.running(asked.thread)
            if running and asked.key in {question.key for question in running.turn.questions}:
                taken.append(running.turn)
                await running.drop()
            yield
            keys = {asked.key, *(question.key for turn in taken for question in turn.questions)}
            found = [await self._store.turns.find(key) for key in keys]
        except BaseException:
            for turn in taken:
                self._scheduler.put(turn, left=True)
            raise
        for turn in {turn.key: turn for turn in found if turn is not None and not turn.has_ended}.values():
            self._scheduler.put(turn, brief=not turn.asked)

    async def _pressed(self, pressed: Pressed) -> str:
        turn = await self._store.turns.find(pressed.message)
        if turn is None and self._scheduler.begun:  # a message is there a moment before its id is stored
            await asyncio.sleep(_ID_S)
            turn = await self._store.turns.find(pressed.message)
        if turn is None:
            return ""
        if not self._may_press(turn, pressed.person):
            return NOT_YOURS
        log.info("pressed", button=pressed.button, turn=str(turn.key))
        if pressed.button is Button.STOP:
            return await self._stop(turn)
        if self._closing:
            return RESTARTING
        if turn.state == TurnState.ANSWERED:  # its buttons are there a moment before its end is stored
            await self._end_of(turn)
        return await (self._retry(turn) if pressed.button is Button.RETRY else self._go_on(turn, pressed))

    async def _end_of(self, turn: Turn) -> None:
        running = self._scheduler.running(turn.questions[0].thread)
        if running and running.turn.key == turn.key and running.task is not None:
            await asyncio.wait([running.task], timeout=_END_S)

    async def _stop(self, turn: Turn) -> str:
        thread = turn.questions[0].thread
        running = self._scheduler.running(thread)
        if running and running.turn.key in {question.key for question in turn.questions}:
            running.stop()
            for question in running.turn.questions:  # before it is begun, each is a turn of its own
                await self._store.signals.stop(question.key)
        elif turn.state == TurnState.ACCEPTED and not turn.parts:
            if self._scheduler.take_out(thread, turn.key) or self._closing:
                await self._store.turns.end(turn.key, TurnState.STOPPED)
        elif turn.state in {TurnState.ACCEPTED, TurnState.ANSWERING}:
            await self._store.signals.stop(turn.key)
            self._scheduler.hurry(thread)
        return ""

    async def _retry(self, turn: Turn) -> str:
        """Take a turn up again, once however often it is asked for while it is answered anew."""
        now = await self._store.turns.find(turn.key)
        if now is None or not now.has_ended:
            return ""
        if not now.asked:
            return NOTHING_LEFT
        if not (await self._gate.admitted(now)).asked:
            return NOT_YOURS
        reopened = await self._store.turns.reopen(turn.key)
        if reopened is not None:
            self._scheduler.put(reopened)
            return ""
        now = await self._store.turns.find(turn.key)
        return NOT_NEWEST if now is not None and now.has_ended else ""

    async def _go_on(self, turn: Turn, pressed: Pressed) -> str:
        """Pressing is asking to go on. It has the key of the message it was done to, and so it happens once."""
        question = Incoming(
            pressed.message,
            turn.questions[0].thread,
            pressed.person,
            GO_ON,
            direct=turn.questions[0].direct,
            group=turn.questions[0].group,
            mentions_bot=True,
            in_thread=True,
            sent_at_s=self._platforms[turn.key.platform].now_s(),
        )
        if await self._store.turns.accept(question):
            self._scheduler.put(Turn((question,), TurnState.ACCEPTED))
        return ""

    def _may_press(self, turn: Turn, person: Person) -> bool:
        """Only who asked, or a moderator; and nobody who may not speak to the bot."""
        theirs = person.moderator or person.id in {question.author.id for question in turn.questions}
        return theirs and not self._gate.refusal(replace(turn.questions[0], author=person))

    def _was_late(self, turn: Turn) -> bool:
        """Say whether all questions of a turn were late when this process found them."""
        running_s = asyncio.get_running_loop().time() - self._began_s
        return all(self._is_late(question, running_s) for question in turn.questions)

    def _is_late(self, question: Incoming, ago_s: float) -> bool:
        """Say whether a question was late some time ago, by its platform's clock: this machine's may be wrong."""
        platform = self._platforms.get(question.key.platform)
        return platform is not None and 0 < question.sent_at_s < platform.now_s() - ago_s - self._late_after_s
