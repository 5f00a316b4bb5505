"""One platform's refusal is not the other's."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from bot.app import Connections
from bot.errors import StartupError, StoreError
from bot.tryout.world import World


class Refusing:
    """A platform that is refused, or fails, as told: one of `ends` a run, then it stays connected."""

    def __init__(self, name: str, *ends: BaseException) -> None:
        self.name = name
        self.ends = list(ends)
        self.runs = 0
        self.connected = asyncio.Event()

    async def run(self, handle: Any, checkpoints: Any, is_ours: Any) -> None:
        del handle, checkpoints, is_ours
        self.runs += 1
        if self.ends:
            raise self.ends.pop(0)
        self.connected.set()
        await asyncio.Event().wait()


@contextmanager
def quick(*platforms: Any) -> Iterator[list[asyncio.Task[None]]]:
    unused: Any = SimpleNamespace(checkpoints=None, messages=SimpleNamespace(is_ours=None))
    connections = Connections(platforms, unused, unused, refused_s=0.0, failed_s=0.0)
    tasks = [asyncio.create_task(connections.keep(platform)) for platform in platforms]
    yield tasks
    for task in tasks:
        task.cancel()


NO = StartupError("Slack refuses SLACK_APP_TOKEN.")


@pytest.mark.parametrize("end", [NO, RuntimeError("a mistake"), ExceptionGroup("several", [KeyError("a field")])])
async def test_a_platform_that_is_refused_or_fails_is_tried_again_and_the_other_goes_on(end: Exception) -> None:
    slack, discord = Refusing("slack", *[end] * 5), Refusing("discord")
    with structlog.testing.capture_logs() as lines, quick(slack, discord) as tasks:
        await asyncio.wait_for(slack.connected.wait(), 120)
        assert (slack.runs, discord.runs) == (6, 1)
        assert not any(task.done() for task in tasks)
    assert sum(line["log_level"] == "error" for line in lines) == 5


async def test_where_every_platform_is_refused_the_first_sentence_is_what_the_start_ends_with() -> None:
    both = quick(Refusing("slack", *[NO] * 99), Refusing("discord", *[NO] * 99))
    with both as tasks, pytest.raises(StartupError, match="SLACK_APP_TOKEN"):
        await asyncio.wait_for(asyncio.gather(*tasks), 120)


async def test_a_store_that_breaks_ends_the_process_whichever_platform_meets_it() -> None:
    both = quick(Refusing("slack", StoreError("The disk fails.")), Refusing("discord"))
    with both as tasks, pytest.raises(StoreError):
        await asyncio.wait_for(asyncio.gather(*tasks), 120)


async def test_with_a_refused_slack_token_discord_answers(here: World) -> None:
    await here.bot.stop()
    here.bot._secrets = here.bot._secrets.model_copy(update={"slack_app_token": SecretStr("xapp-wrong")})
    here.bot.start()
    await here.bot.alive_until(here.discord.gateway.ready())
    answer = await here.ask("Ada", here.places[0], "@parley Are you there?")
    assert "Are you there?" in answer.text


async def test_with_both_tokens_refused_the_start_ends_with_a_sentence(here: World) -> None:
    await here.bot.stop()
    wrong = {"slack_app_token": SecretStr("xapp-wrong"), "discord_token": SecretStr("wrong.discord.token")}
    here.bot._secrets = here.bot._secrets.model_copy(update=wrong)
    here.bot.start()
    with pytest.raises(StartupError, match="TOKEN"):
        await here.bot.alive_until(here.discord.gateway.ready(), here.slack.sockets.ready())
