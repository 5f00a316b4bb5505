"""One turn, from its questions to its delivered answer. `Answerer.answer` reads as the design's steps 6 to 10."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import structlog

from bot.engine.answer.claude_turn import AnswerContext, ClaudeTurn
from bot.engine.answer.ending import Endings, judged
from bot.engine.answer.kept import kept
from bot.engine.answer.status import Status, working
from bot.engine.answer.verdict import DONE, WAITS, Verdict
from bot.engine.inbox.gate import Gate
from bot.engine.inbox.recheck import as_stored, current_turn
from bot.engine.patience import patiently
from bot.engine.sentences import WAITING, WAITS_FOR_YOURS
from bot.engine.sentences import WAITS as WAITS_FOR_ALL
from bot.engine.turns.concurrency import ConcurrencyLimit, Whose
from bot.engine.turns.running_turn import RunningTurn
from bot.errors import StoreError
from bot.events import AnswerMessage, MessageKey, Outcome, Turn, TurnState
from bot.places import Places
from bot.ports import PartLog, Platform, Store, Surface
from bot.reply import BACK_OFF_S, LiveReply, Pacer
from bot.telemetry import Emit, ignore

log = structlog.get_logger()


class Answerer:
    """Answers turns. Holds no state of a turn: one object serves all threads at once. `back_off_s`: see `LiveReply`."""

    def __init__(
        self,
        store: Store,
        claude_turn: ClaudeTurn,
        platforms: Mapping[str, Platform],
        pacer: Pacer,
        slots: ConcurrencyLimit,
        *,
        places: Places,
        emit: Emit = ignore,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        self._store = store
        self._endings = Endings(store.turns, store.history, places, emit)
        self._claude_turn = claude_turn
        self._platforms = platforms
        self._pacer = pacer
        self._concurrency = slots
        self._places = places
        self._back_off_s = back_off_s

    async def answer(self, run: RunningTurn, gate: Gate) -> Turn | None:
        """Answer a turn, or only deliver it if it was answered before. `gate`: checked for turns that are not new.

        Afterwards the turn is delivered, failed or stopped. If its platform or the store stays out of reach, return it
        as the store has it, to be tried again. If this is cancelled, or raises an unforeseen error, the turn and what
        was written of its answer are as the store last recorded them.
        """
        platform = self._platforms.get(run.turn.key.platform)
        if platform is None:
            log.warning("turn_waits_for_platform", turn=str(run.turn.key))
            return None
        if not await self._still_asked(run, platform, gate):
            return None
        verdict = WAITS
        try:
            verdict = await self._attempt(run, platform)
        finally:
            if verdict == WAITS:
                await self.rest(run)
        return await as_stored(self._store.turns, run.turn) if verdict == WAITS else None

    async def rest(self, run: RunningTurn) -> None:
        """Record the answer so far, and that its turn is not to blame for what happens to this process now."""
        if not run.started:
            return
        try:
            await self._store.drafts.rest(run.turn.key, "" if run.turn.outcome else run.written.text)
        except StoreError as error:
            log.warning("draft_not_kept", detail=error.detail)

    async def _attempt(self, run: RunningTurn, platform: Platform) -> Verdict:
        """Bring a turn to its end; return `WAITS` if the end could not be shown."""
        surface = platform.surface(run.turn.questions[0].address, run.turn.key)
        status = Status()
        parts = _Parts(self._store.messages, run, status)
        idempotency_key = await patiently(self._store.messages.idempotency_key, run.turn.key)
        async with self._reply(run, kept(surface, self._store.drafts, run), parts, idempotency_key) as reply:
            place = AnswerContext(platform, surface, reply, status, self._places.profile_of_turn(run.turn))
            verdict = await judged(run, self._carry_out(run, place))
            return await self._endings.carry_out(run, reply, verdict)

    async def _carry_out(self, run: RunningTurn, place: AnswerContext) -> Verdict:
        verdict = await self._endings.without_claude(run, place)
        return await self._in_a_place(run, place) if verdict is None else verdict

    async def _still_asked(self, run: RunningTurn, platform: Platform, gate: Gate) -> bool:
        """Return whether a turn that was begun before, or left by an earlier process, is still to be answered: its
        questions still stand, and somebody who asked may still speak to the bot.
        """
        now: Turn | None = run.turn
        if run.recovered or run.turn.state != TurnState.ACCEPTED:
            now = await as_stored(self._store.turns, run.turn)
        if run.recovered and now is not None and now.outcome is None:
            now = await current_turn(self._store.turns, platform, now)
        if now is not None and now.outcome is None and now.asked and (run.recovered or now.state != TurnState.ACCEPTED):
            now = await gate.admitted(now)
            if not now.asked:
                run.refuse()
        run.take(now or run.turn)
        return now is not None

    def _reply(
        self, run: RunningTurn, surface: Surface, parts: "_Parts", idempotency_key: str
    ) -> AbstractAsyncContextManager[LiveReply]:
        seen = any(part.message_id for part in run.turn.parts)
        return LiveReply(
            surface,
            self._pacer,
            log=parts,
            turn=run.turn.key,
            idempotency_key=idempotency_key,
            parts=run.turn.parts,
            shown=(run.turn.outcome.answer if run.turn.outcome else run.turn.draft) if seen else None,
            most_pages=self._most_pages(run.turn),
            back_off_s=self._back_off_s,
        )

    def _most_pages(self, turn: Turn) -> int:
        """Return how many pages an answer may fill; a recorded one keeps the limit it was begun with."""
        begun_with = turn.outcome.ran_with if turn.outcome else {}
        return int(begun_with.get("answer_pages") or self._places.profile_of_turn(turn).answer_pages)

    async def _in_a_place(self, run: RunningTurn, place: AnswerContext) -> Verdict:
        platform, surface, reply = place.platform, place.surface, place.reply
        asker = f"{run.turn.key.platform}:{run.turn.questions[0].author.id}"

        async def say_so(whose: Whose) -> None:
            reply.set_activity(WAITS_FOR_YOURS if whose == "own" else WAITS_FOR_ALL)
            if surface.limits.append_only:  # a line cannot be taken away again there
                await surface.status(platform.traits.status.format(WAITING))

        async with AsyncExitStack() as stack:
            async with run.until_stopped():  # a stopped turn needs no place: it asks Claude for nothing
                await stack.enter_async_context(self._concurrency.acquire(asker, on_wait=say_so))
            run.start()
            reply.set_activity("")
            async with working(place.status, surface, platform.traits.status):
                await self._steps(run, place)
        return DONE

    async def _steps(self, run: RunningTurn, place: AnswerContext) -> None:
        await self._endings.begin(run)
        outcome = run.turn.outcome
        if outcome is not None:
            place.reply.write(outcome.answer)
        else:
            outcome = await self._ask(run, place)
        files = await self._files(outcome)
        await place.reply.finish(outcome.note, buttons=outcome.buttons, files=files)
        await self._endings.end(run, outcome.state)

    async def _ask(self, run: RunningTurn, place: AnswerContext) -> Outcome:
        """Return Claude's answer, once it is on disk with what it adds to the history and what it cost."""
        async with self._claude_turn.account(run) as account:
            answer = await self._claude_turn.generate(run, place, account)
            await self._endings.record(run, answer, account.bill())
            account.settled()
        return answer.outcome

    async def _files(self, outcome: Outcome) -> list[tuple[str, bytes]]:
        return [(file.name, (await patiently(self._store.history.blob, file.sha256))[0]) for file in outcome.files]


class _Parts:
    """The store's part log, which also tells the status that there is something to read, and the run what is posted."""

    def __init__(self, log: PartLog, run: RunningTurn, status: Status) -> None:
        self._log = log
        self._run = run
        self._status = status

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        await patiently(self._log.posting, turn, part)

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        await patiently(self._log.posted, turn, part)
        self._run.post_ended(part.idempotency_key)
        self._status.posted()
