"""Builds every part, joins them, runs them, and closes them in order."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from bot.claude import AsyncClient, mk_sdk
from bot.config import Secrets, Settings, uses_discord, uses_slack
from bot.engine import Access, Answerer, AnswerSettings, Engine
from bot.errors import ParleyError
from bot.platforms.discord import DiscordPlatform
from bot.platforms.slack import SlackPlatform
from bot.ports import Platform
from bot.reply import Pacer
from bot.store import open_store

log = structlog.get_logger()

MB = 1_000_000


def platforms(settings: Settings, secrets: Secrets) -> list[Platform]:
    """Return the platforms the settings ask for. Nothing is connected yet."""
    chosen: list[Platform] = []
    if uses_discord(settings, secrets):
        there = settings.discord
        token = secrets.discord_token.get_secret_value()
        chosen.append(
            DiscordPlatform(token, api_url=there.api_url, gateway_url=there.gateway_url, cdn_hosts=there.cdn_hosts)
        )
    if uses_slack(settings, secrets):
        bot_token, app_token = secrets.slack_bot_token.get_secret_value(), secrets.slack_app_token.get_secret_value()
        chosen.append(
            SlackPlatform(bot_token, app_token, api_url=settings.slack.api_url, file_hosts=settings.slack.file_hosts)
        )
    return chosen


async def serve(settings: Settings, secrets: Secrets, stop: asyncio.Event) -> None:
    """Run the bot until `stop` is set. Raises `StartupError` if a part cannot start or a platform refuses the bot.

    Afterwards every connection is closed, and what was not answered is in the store for the next start.
    """
    key = secrets.anthropic_api_key.get_secret_value() or "none-needed"
    sdk = mk_sdk(api_key=key, base_url=settings.claude.base_url or None)
    try:
        async with open_store(settings.store.path) as store:
            chosen = platforms(settings, secrets)
            answerer = Answerer(
                store,
                AsyncClient(settings.claude.model, cli=sdk),
                {platform.name: platform for platform in chosen},
                Pacer(),
                AnswerSettings(
                    system=settings.claude.system,
                    max_tokens=settings.claude.max_tokens,
                    context_messages=settings.limits.context_messages,
                    uploads=settings.limits.uploads_per_message,
                    upload_bytes=settings.limits.upload_mb * MB,
                ),
            )
            rules = settings.access.model_dump()
            access = Access(rules.pop("dms"), **{name: frozenset(ids) for name, ids in rules.items()})
            engine = Engine(
                store, answerer, access, turns_at_once=settings.limits.turns_at_once, drain_s=settings.limits.drain_s
            )
            await _run(chosen, engine, stop)
    finally:
        await sdk.close()


async def _run(chosen: list[Platform], engine: Engine, stop: asyncio.Event) -> None:
    """Turns end before the connections they use."""
    try:
        async with asyncio.TaskGroup() as group:
            connections = [group.create_task(platform.run(engine.hear), name=platform.name) for platform in chosen]
            async with engine:
                log.info("started", platforms=[platform.name for platform in chosen])
                await stop.wait()
            for connection in connections:
                connection.cancel()
    except* ParleyError as problems:
        raise _first(problems) from None
    log.info("stopped")


def _first(group: BaseExceptionGroup[ParleyError]) -> ParleyError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ParleyError)
    return error


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first SIGINT or SIGTERM; a second one ends the process at once, as the system does it."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def once() -> None:
        for number in caught:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in caught:
        loop.add_signal_handler(number, once)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
