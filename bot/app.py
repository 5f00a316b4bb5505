"""Builds every part, connects them, runs them, and closes them in order."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import structlog
from pydantic import BaseModel

from bot.claude import AsyncClient, mk_sdk
from bot.config import PlaceSettings, Secrets, Settings, uses_discord, uses_slack
from bot.engine import (
    Answerer,
    Budgets,
    ClaudeTurn,
    Clients,
    ConcurrencyLimit,
    Engine,
    check_models,
    warn_of_small_limits,
)
from bot.errors import ParleyError, StartupError, StoreError
from bot.places import Places, Table, Where
from bot.platforms import discord, slack
from bot.platforms.discord import DiscordPlatform
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.slack import SlackPlatform
from bot.ports import EventHandler, Platform, Store
from bot.reply import Pacer
from bot.store import BlobLimits, open_store
from bot.tasks import beside
from bot.telemetry import Emit, Facts, Sink, ignore, to_log, watch_loop

log = structlog.get_logger()

MB = 1_000_000
_STEADY_S = 600.0
"""If a platform ran for this long before it ended, that does not count as another failure in a row."""


def make_pacer(settings: Settings) -> Pacer:
    """Return the one pacer that all calls to the platforms go through."""
    return Pacer([discord.shared_budget(settings.discord.calls_per_s), slack.shared_budget()])


def platforms(settings: Settings, secrets: Secrets, pacer: Pacer, emit: Emit) -> list[Platform]:
    """Return the platforms that the settings enable. Nothing is connected yet."""
    chosen: list[Platform] = []
    if uses_discord(settings, secrets):
        there = settings.discord
        token = secrets.discord_token.get_secret_value()
        chosen.append(
            DiscordPlatform(
                token,
                api_url=there.api_url,
                gateway_url=there.gateway_url,
                cdn_hosts=there.cdn_hosts,
                calls_per_s=there.calls_per_s,
                pacer=pacer,
                emit=emit,
            )
        )
    if uses_slack(settings, secrets):
        bot_token, app_token = secrets.slack_bot_token.get_secret_value(), secrets.slack_app_token.get_secret_value()
        chosen.append(
            SlackPlatform(
                bot_token,
                app_token,
                delivery=settings.slack.delivery,
                api_url=settings.slack.api_url,
                file_hosts=settings.slack.file_hosts,
                pacer=pacer,
                emit=emit,
            )
        )
    return chosen


Connect = Callable[[Settings, Secrets, Pacer, Emit], list[Platform]]
OpenStore = Callable[[str, BlobLimits, Emit], AbstractAsyncContextManager[Store]]


async def serve(
    settings: Settings,
    secrets: Secrets,
    stop: asyncio.Event,
    open_: OpenStore = open_store,
    *,
    connect: Connect = platforms,
    sinks: Sequence[Sink] = (to_log,),
    built: Callable[[], object] = lambda: None,
) -> None:
    """Run the bot until `stop` is set. Raise `StartupError` if a part cannot start, a platform refuses the bot, or the
    disk fails.

    `open_` opens the store; a test may give a store that fails where the test wants. `connect` chooses the platforms,
    and a test may add one. `sinks` receive the facts that all parts emit. `built` is called when all parts are loaded
    and built, before anything is connected. Afterwards every connection is closed, and what was not answered is in the
    store for the next start.
    """
    kept = BlobLimits(thread_bytes=settings.store.thread_files_mb * MB, bytes=settings.store.files_mb * MB)
    key = secrets.anthropic_api_key.get_secret_value() or "none-needed"
    sdk = mk_sdk(api_key=key, base_url=settings.claude.base_url or None)
    emit = Facts(*sinks).emit
    try:
        async with open_(settings.store.path, kept, emit) as store:
            pacer = make_pacer(settings)
            chosen = connect(settings, secrets, pacer, emit)
            clients, places = Clients(lambda model: AsyncClient(model, cli=sdk)), places_of(settings)
            connected = {platform.name: platform for platform in chosen}
            engine = make_engine(settings, places, store, clients, connected, pacer=pacer, emit=emit)
            built()
            async with beside(watch_loop(emit), "loop watch"):
                await _run(chosen, engine, store, check_models(clients, places), stop)
    finally:
        await sdk.close()


def make_engine(
    settings: Settings,
    places: Places,
    store: Store,
    clients: Clients,
    connected: Mapping[str, Platform],
    *,
    pacer: Pacer,
    emit: Emit = ignore,
) -> Engine:
    """Return the engine that answers on these platforms as the settings say."""
    limits = settings.limits
    warn_of_small_limits(places, store.history)
    answerer = Answerer(
        store,
        ClaudeTurn(store.history, store.steps, clients, Budgets(store.usage, places), emit),
        connected,
        pacer,
        ConcurrencyLimit(limits.turns_at_once, limits.turns_per_person),
        places=places,
        emit=emit,
    )
    return Engine(store, answerer, connected, places, drain_s=limits.drain_s, late_after_s=limits.late_after_s)


def places_of(settings: Settings) -> Places:
    """Return what holds where: the values of the sections everywhere, and where a `[[place]]` holds those it names."""
    varying = PlaceSettings.model_fields.keys() - {"where"}
    default: dict[str, Any] = {}
    for section in (settings.claude, settings.access, settings.limits):
        default |= _values(section, varying)
    tables = [
        Table(
            Where(**_values(place.where, place.where.model_fields_set)),
            _values(place, place.model_fields_set & varying),
            f"place[{number}]",
        )
        for number, place in enumerate(settings.place, 1)
    ]
    return Places(default, tables)


def _values(section: BaseModel, names: AbstractSet[str]) -> dict[str, Any]:
    return {name: frozenset(value) if isinstance(value, tuple) else value for name, value in section if name in names}


class Connections:
    """Keeps the platforms connected: one that is refused or fails is tried again while the others go on.

    `refused_s`, `failed_s`: the first wait after a refusal and after a failure, doubled every time up to an hour and to
    five minutes.
    """

    def __init__(
        self,
        platforms: Sequence[Platform],
        handle: EventHandler,
        store: Store,
        *,
        refused_s: float = 30.0,
        failed_s: float = 1.0,
    ) -> None:
        self._names = {platform.name for platform in platforms}
        self._hear = handle
        self._store = store
        self._refused_s = refused_s
        self._failed_s = failed_s
        self._refused: set[str] = set()

    async def keep(self, platform: Platform) -> None:
        """Keep a platform connected until cancelled. Raise `StartupError` if all are refused, `StoreError`."""
        clock, tries = asyncio.get_running_loop().time, 0
        while True:
            begun_s = clock()
            self._refused.discard(platform.name)
            refused = await self._run(platform)
            tries = 0 if clock() - begun_s > _STEADY_S else tries + 1
            first_s, longest_s = (self._refused_s, 3600.0) if refused else (self._failed_s, 300.0)
            wait_s = BackOff(first_s, longest_s).wait_s(max(tries, 1))
            log.warning("platform_tried_again", platform=platform.name, wait_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)

    async def _run(self, platform: Platform) -> bool:
        """Run a platform to its end; return whether it was refused. It is an error if all are."""
        try:
            await platform.run(self._hear, self._store.checkpoints, self._store.messages.is_ours)
        except StoreError:
            raise
        except StartupError as error:
            self._refused.add(platform.name)
            if self._refused == self._names:
                raise
            log.error("platform_refused", platform=platform.name, sentence=error.sentence, detail=error.detail)  # noqa: TRY400 - the sentence and detail say it all
            return True
        except Exception:
            # A failure of one platform's connection must not end the others'.
            log.exception("platform_failed", platform=platform.name)
        return False


async def _run(
    chosen: list[Platform], engine: Engine, store: Store, checked: Coroutine[Any, Any, None], stop: asyncio.Event
) -> None:
    """Serve until `stop`; turns end before the connections that they use. `checked` runs meanwhile."""
    failure: ParleyError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            keeper = Connections(chosen, engine.handle, store)
            connections = [group.create_task(keeper.keep(platform), name=platform.name) for platform in chosen]
            checking = group.create_task(checked, name="model check")
            async with engine:
                log.info("started", platforms=[platform.name for platform in chosen])
                await stop.wait()
            checking.cancel()
            for connection in connections:
                connection.cancel()
    except* ParleyError as problems:
        failure = _first(problems)  # Python 3.11.2 would wrap what is raised here in a group of its own
    if failure is not None:
        raise failure
    log.info("stopped")


def _first(group: BaseExceptionGroup[ParleyError]) -> ParleyError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ParleyError)
    return error


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGHUP, and on the first SIGINT or SIGTERM; a second one of those ends the process at once, which
    is the system's default.

    A closing terminal sends SIGHUP, and the shell in it often another one; a process started with `nohup` never
    receives it.
    """
    loop = asyncio.get_running_loop()
    urgent = (signal.SIGINT, signal.SIGTERM)

    def once() -> None:
        for number in urgent:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in urgent:
        loop.add_signal_handler(number, once)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop)
    try:
        yield
    finally:
        for number in (*urgent, signal.SIGHUP):
            loop.remove_signal_handler(number)
