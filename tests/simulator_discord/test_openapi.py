"""The simulated Discord answers in the shapes that Discord publishes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.simulator.discord import SimulatedDiscord

from .conftest import Connect, Place
from .discord_schemas import Answer, deviations

CHANNEL = "GuildChannelResponse|PrivateChannelResponse|PrivateGroupChannelResponse|ThreadResponse"


class Caller:
    """Makes calls and keeps their answers. `odd`: what was answered with another status than Discord publishes."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http = http
        self._base = base
        self.answers: list[Answer] = []
        self.odd: list[str] = []

    async def __call__(self, call: str, schema: str, status: int = 200, body: Any = None, **options: Any) -> Any:
        """Make a call such as `GET /users/@me`; return the body of its answer."""
        method, _, path = call.partition(" ")
        async with self._http.request(method, self._base + path, json=body, **options) as response:
            told = await response.json() if response.content_type == "application/json" else None
            if response.status != status or (told is None) != (not schema):
                self.odd.append(f"{call}: {response.status} {told}")
            if response.status == status:
                self.answers.append(Answer(call, schema, _without_errors(told)))
        return told


def _without_errors(told: Any) -> Any:
    """Discord's reference shows words as the codes of single fields ("BASE_TYPE_REQUIRED"), its schema has numbers."""
    return {k: v for k, v in told.items() if k != "errors"} if isinstance(told, dict) and "code" in told else told


@pytest.fixture
async def call(point: SimulatedDiscord, http: aiohttp.ClientSession, connect: Connect) -> AsyncIterator[Caller]:
    async with connect():
        yield Caller(http, point.api_url)


async def all_messages(call: Caller, sim: SimulatedDiscord, place: Place) -> None:
    """Messages of every kind, made, read, changed and deleted."""
    at = f"/channels/{place.channel}/messages"
    first = await sim.say(place.ada, place.channel, f"<@{sim.app.id}> look", files=[("a.png", b"\x89PNG")])
    buttons = [{"type": 1, "components": [{"type": 2, "style": 2, "label": "Stop", "custom_id": "stop"}]}]
    posted = await call(
        f"POST {at}", "MessageResponse", body={"content": "hello", "nonce": "n-0", "components": buttons}
    )
    reply = {"content": "a reply", "message_reference": {"message_id": first.id}, "embeds": [{"title": "t"}]}
    await call(f"POST {at}", "MessageResponse", body=reply)
    await call(f"PATCH {at}/{posted['id']}", "MessageResponse", body={"content": "hello there"})
    await call(f"PUT {at}/{first.id}/reactions/%E2%9D%8C/@me", "", 204)
    await call(f"GET {at}/{first.id}", "MessageResponse")
    await call(f"GET {at}", "MessageResponse[]", params={"limit": "50"})
    await call(f"DELETE {at}/{first.id}/reactions/%E2%9D%8C/@me", "", 204)
    await call(f"DELETE {at}/{posted['id']}", "", 204)


async def all_threads(call: Caller, sim: SimulatedDiscord, place: Place) -> None:
    asked = await sim.say(place.ada, place.channel, f"<@{sim.app.id}> a thread, please")
    on = f"/channels/{place.channel}/messages/{asked.id}/threads"
    thread = await call(f"POST {on}", "ThreadResponse", 201, body={"name": "On a message"})
    alone = await call(
        f"POST /channels/{place.channel}/threads", "CreatedThreadResponse", 201, body={"name": "Alone", "type": 11}
    )
    await call(f"POST /channels/{thread['id']}/messages", "MessageResponse", body={"content": "inside"})
    await call(f"GET /channels/{thread['id']}/messages", "MessageResponse[]")
    await call(f"GET /channels/{place.channel}/messages", "MessageResponse[]")
    await call(f"GET /channels/{thread['id']}", CHANNEL)
    await call(f"PUT /channels/{thread['id']}/thread-members/{place.ada.id}", "", 204)
    await call(f"GET /channels/{thread['id']}/thread-members", "ThreadMemberResponse[]")
    await call(f"PUT /channels/{alone['id']}/thread-members/@me", "", 204)
    await call(f"DELETE /channels/{alone['id']}/thread-members/@me", "", 204)
    await call(f"GET /guilds/{place.guild}/threads/active", "ThreadsResponse")
    await call(f"PATCH /channels/{thread['id']}", CHANNEL, body={"name": "Renamed", "archived": True})
    await call(f"GET /channels/{place.channel}/threads/archived/public", "ThreadsResponse")


async def all_places(call: Caller, sim: SimulatedDiscord, place: Place) -> None:
    await call("GET /gateway", "GatewayResponse")
    await call("GET /gateway/bot", "GatewayBotResponse")
    await call("GET /users/@me", "UserPIIResponse")
    await call("GET /users/@me/guilds", "MyGuildResponse[]")
    await call(f"GET /users/{place.ada.id}", "UserResponse")
    await call("GET /oauth2/applications/@me", "PrivateApplicationResponse")
    await call("GET /applications/@me", "PrivateApplicationResponse")
    await call(f"GET /guilds/{place.guild}", "GuildWithCountsResponse")
    await call(f"GET /guilds/{place.guild}/channels", "GuildChannelResponse[]")
    await call(f"GET /guilds/{place.guild}/members/{place.ada.id}", "GuildMemberResponse")
    await call(f"GET /channels/{place.channel}", CHANNEL)
    await call(f"POST /channels/{place.channel}/typing", "", 204)
    dm = await call("POST /users/@me/channels", "PrivateChannelResponse", body={"recipient_id": place.ada.id})
    await call(f"POST /channels/{dm['id']}/messages", "MessageResponse", body={"content": "psst"})
    await call(f"GET /channels/{dm['id']}", CHANNEL)
    commands = f"/applications/{sim.app.id}/commands"
    await call(f"PUT {commands}", "ApplicationCommandResponse[]", body=[{"name": "ask", "description": "Ask."}])
    await call(f"GET {commands}", "ApplicationCommandResponse[]")


async def all_refusals(call: Caller, sim: SimulatedDiscord, place: Place) -> None:
    at = f"/channels/{place.channel}/messages"
    await call(f"GET {at}/1", "ErrorResponse", 404)
    await call("GET /channels/1", "ErrorResponse", 404)
    await call(f"POST {at}", "ErrorResponse", 400, body={"content": ""})
    await call(f"POST {at}", "ErrorResponse", 400, body={"content": "x" * 2001})
    await call("GET /no/such/path", "ErrorResponse", 404)
    await call("GET /users/@me", "ErrorResponse", 401, headers={"Authorization": "Bot wrong"})
    sim.limits.set("POST /channels/*/messages", 1, 60.0)
    await call(f"POST {at}", "RatelimitedResponse", 429, body={"content": "one too many"})


async def test_every_answer_has_the_shape_that_discord_publishes(
    call: Caller, point: SimulatedDiscord, place: Place, pytestconfig: pytest.Config
) -> None:
    for part in (all_places, all_messages, all_threads, all_refusals):
        await part(call, point, place)
    folder = pytestconfig.cache.mkdir("discord-api-spec")
    assert call.odd == []
    assert await asyncio.to_thread(deviations, call.answers, folder) == []
