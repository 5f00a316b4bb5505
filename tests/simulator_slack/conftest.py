"""The real SDK, as an app would use it, against the simulated Slack."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack


@pytest.fixture
async def slack() -> AsyncIterator[SimulatedSlack]:
    async with SimulatedSlack() as simulated:
        yield simulated


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def client(slack: SimulatedSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(slack.app.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


@dataclass
class Bolt:
    """A real Bolt app that writes down what it hears. `heard` has an item for each event, in order."""

    app: AsyncApp
    handler: AsyncSocketModeHandler
    heard: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)
    ignored: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    deaf: bool = False

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(120):
            return await self.heard.get()


@pytest.fixture
async def bolt(slack: SimulatedSlack, client: AsyncWebClient) -> AsyncIterator[Bolt]:
    app = AsyncApp(client=client, ignoring_self_events_enabled=False)
    handler = AsyncSocketModeHandler(app, slack.app.app_token, ping_interval=0.2)
    bolt = Bolt(app, handler)

    @app.middleware
    async def not_now(body: dict[str, Any], next_: Any) -> Any:
        if bolt.deaf:
            bolt.ignored.put_nowait(body)
            raise ConnectionError("the app is not answering")
        return await next_()

    @app.error
    async def failed(error: Exception) -> Any:
        assert isinstance(error, ConnectionError)
        return BoltResponse(status=500)

    @app.event("message")
    @app.event("app_mention")
    @app.event("agent_session_stopped")
    @app.event("reaction_added")
    @app.event("reaction_removed")
    async def hear(event: dict[str, Any], body: dict[str, Any]) -> None:
        bolt.bodies.append(body)
        bolt.heard.put_nowait(event)

    await handler.connect_async()
    await slack.sockets.ready()
    yield bolt
    await handler.close_async()


@pytest.fixture
def refusal() -> Callable[[Awaitable[Any]], Awaitable[dict[str, Any]]]:
    async def refused(call: Awaitable[Any]) -> dict[str, Any]:
        """Await a call that Slack refuses; return the body of the answer."""
        with pytest.raises(SlackApiError) as refused:
            await call
        data = refused.value.response.data
        assert isinstance(data, dict)
        return data

    return refused
