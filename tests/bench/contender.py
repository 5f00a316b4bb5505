"""The process that answers while a benchmark looks on: the whole bot, or one of the strategies it is compared with.

    python tests/bench/contender.py STRATEGY     (settings and secrets as JSON on standard input; ends by SIGTERM)

The others are what bots commonly do. They use the bot's own connections, library and pages, so that only the strategy
differs, and leave waiting for limits to the SDK or to the platform's refusal:

    clock      one edit a second for all replies together
    half       one edit every 500 ms for each reply
    sdk        slack_sdk's AsyncChatStream with its defaults, and its handler that waits out a 429: without that, the
               first one ends the answer
"""

import asyncio
import contextlib
import json
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot import app
from bot.claude import AsyncChat, AsyncClient, mk_sdk
from bot.config import Secrets, Settings
from bot.errors import PlatformError, RateLimited
from bot.events import Event, Incoming, MessageKey, Reply, ThreadKey
from bot.ports import EventHandler, Platform, Surface
from bot.reply import pages
from bot.telemetry import ignore

STRATEGIES = ("parley", "clock", "half", "sdk")
_GAP_S = {"clock": 1.0, "half": 0.5}


@dataclass(slots=True, eq=False)
class Growing:
    """One reply of a strategy: its text so far and what is on the screen."""

    surface: Surface
    idempotency_key: str
    text: str = ""
    shown: list[tuple[str, str]] = field(default_factory=list)
    edited_s: float = float("-inf")
    showing: asyncio.Task[None] | None = None

    async def show(self, *, done: bool) -> None:
        """Post and edit until the screen has the text as it was at the call."""
        wanted = [page.text for page in pages(self.text, self.surface.dialect, 1900, done=done) if page.text.strip()]
        for index, text in enumerate(wanted):
            if index == len(self.shown):
                self.shown.append((await self.surface.post(text, f"{self.idempotency_key}.{index}"), text))
            elif self.shown[index][1] != text:
                await self.surface.edit(self.shown[index][0], text)
                self.shown[index] = self.shown[index][0], text

    async def try_to_show(self) -> None:
        with contextlib.suppress(PlatformError):  # the next edit has this text too
            await self.show(done=False)

    async def finish(self) -> None:
        """Show all of it, however often that must be tried."""
        if self.showing is not None:
            await self.showing
        while True:
            try:
                await self.show(done=True)
            except RateLimited as error:
                await asyncio.sleep(error.retry_after_s)
            except PlatformError:
                await asyncio.sleep(1.0)
            else:
                return


class Forgetful:
    """The checkpoints of a bot that was never there before."""

    async def last(self, platform: str) -> float:
        del platform
        return 0.0

    async def save(self, platform: str, at_s: float) -> None:
        del platform, at_s

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        del platform, since_s
        return ()

    async def is_ours(self, idempotency_key: str) -> bool:
        """What the bot posts here is in no store."""
        del idempotency_key
        return True


class Common:
    """Answers every mention by a fixed rhythm: each reply's own, or one clock for all."""

    def __init__(self, strategy: str, client: AsyncClient) -> None:
        self._gap_s = _GAP_S[strategy]
        self._shared = strategy == "clock"
        self._edited_s = float("-inf")
        self._client = client

    async def answer(self, platform: Platform, question: Incoming) -> None:
        reply = Growing(platform.surface(question.address, question.key), question.key.message)
        chat = AsyncChat(cli=self._client)
        async with asyncio.TaskGroup() as edits, await chat(question.text, stream=True, maxtok=16_000) as stream:
            async for piece in stream:
                reply.text += piece
                if self._may_edit(reply):
                    reply.showing = edits.create_task(reply.try_to_show())
        await reply.finish()

    def _may_edit(self, reply: Growing) -> bool:
        now_s = asyncio.get_running_loop().time()
        if reply.showing is not None and not reply.showing.done():
            return False
        last_s = self._edited_s if self._shared and reply.showing is not None else reply.edited_s
        if now_s - last_s < self._gap_s:
            return False
        self._edited_s = reply.edited_s = now_s
        return True


class Streamer:
    """Answers every mention by slack_sdk's helper."""

    def __init__(self, client: AsyncClient, slack: AsyncWebClient) -> None:
        self._client = client
        self._slack = slack
        slack.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1000))

    async def answer(self, _platform: Platform, question: Incoming) -> None:
        helper = await self._slack.chat_stream(
            channel=question.key.channel,
            thread_ts=question.thread.thread,
            recipient_team_id=question.key.workspace,
            recipient_user_id=question.author.id,
        )
        chat = AsyncChat(cli=self._client)
        async with await chat(question.text, stream=True, maxtok=16_000) as stream:
            async for piece in stream:
                await helper.append(markdown_text=piece)
        await helper.stop()


async def _serve_common(strategy: str, settings: Settings, secrets: Secrets, stop: asyncio.Event) -> None:
    sdk = mk_sdk(api_key=secrets.anthropic_api_key.get_secret_value(), base_url=settings.claude.base_url)
    client = AsyncClient(settings.claude.model, cli=sdk)
    slack = AsyncWebClient(secrets.slack_bot_token.get_secret_value(), base_url=settings.slack.api_url)
    answerer = Streamer(client, slack) if strategy == "sdk" else Common(strategy, client)
    asked = set[MessageKey]()
    async with asyncio.TaskGroup() as group:

        def heard_by(platform: Platform) -> EventHandler:
            async def handle(event: Event) -> Reply:
                if isinstance(event, Incoming) and event.mentions_bot and event.key not in asked:
                    asked.add(event.key)  # Slack tells of a mention twice
                    group.create_task(answerer.answer(platform, event))
                return Reply()

            return handle

        there = app.platforms(settings, secrets, app.make_pacer(settings), ignore)
        running = [
            group.create_task(platform.run(heard_by(platform), Forgetful(), Forgetful().is_ours)) for platform in there
        ]
        await stop.wait()
        for task in running:
            task.cancel()
    await sdk.close()


async def main() -> None:
    strategy, given = sys.argv[1], json.load(sys.stdin)
    settings, secrets = Settings.model_validate_json(json.dumps(given["settings"])), Secrets(**given["secrets"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if strategy == "parley":
        await app.serve(settings, secrets, stop)
    else:
        await _serve_common(strategy, settings, secrets, stop)


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(main())
