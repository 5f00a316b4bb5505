"""The simulated Discord's gateway sends events in the shapes that are published of them (npm discord-api-types)."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.simulator.discord import Person, SimulatedDiscord

from .published_types import Recording, deviations

EVERYTHING = (1 << 26) - 1
PACKAGE = "discord-api-types/v10"
SENT = {
    "CHANNEL_CREATE", "CHANNEL_UPDATE", "GUILD_CREATE", "GUILD_DELETE", "GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE",
    "GUILD_MEMBERS_CHUNK", "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "INTERACTION_CREATE", "MESSAGE_CREATE",
    "MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "MESSAGE_REACTION_ADD", "MESSAGE_UPDATE", "READY", "RESUMED",
    "THREAD_CREATE", "THREAD_DELETE", "THREAD_UPDATE",
}  # fmt: skip
"""Every event that the simulated gateway can send."""
OPS = {0: "", 1: "GatewayHeartbeatRequest", 7: "GatewayReconnect", 9: "GatewayInvalidSession", 10: "GatewayHello",
       11: "GatewayHeartbeatAck"}  # fmt: skip

KNOWN = {
    "GUILD_CREATE: d.home_header: unknown",  # Discord's own OpenAPI document requires both of a guild
    "GUILD_CREATE: d.nsfw: unknown",
    "GatewayHeartbeatAck: d: nothing wanted, not null",  # JSON has no undefined
    "GatewayReconnect: d: nothing wanted, not null",
    "RESUMED: d: nothing wanted, not {}",  # Discord sends an object with traces, which nobody describes
}
"""Where the package says less than Discord does."""


class Listener:
    """A client of the gateway that writes down every payload as it comes."""

    def __init__(self, http: aiohttp.ClientSession, discord: SimulatedDiscord) -> None:
        self._http = http
        self._discord = discord
        self.payloads: list[dict[str, Any]] = []

    @property
    def events(self) -> set[str]:
        return {payload["t"] for payload in self.payloads if payload["op"] == 0}

    async def connect(self, op: int, data: dict[str, Any]) -> aiohttp.ClientWebSocketResponse:
        """Begin or resume a session, and return when the gateway is done with the beginning."""
        socket = await self._http.ws_connect(self._discord.gateway.url, params={"v": "10", "encoding": "json"})
        await self.until(socket, lambda payload: payload["op"] == 10)
        await socket.send_json({"op": op, "d": {"token": self._discord.app.token, **data}})
        return socket

    async def press(self, socket: aiohttp.ClientWebSocketResponse, who: Person, channel: str) -> None:
        """Post a message with a button; let it be pressed, and acknowledge that."""
        button = {"type": 2, "style": 2, "label": "Stop", "custom_id": "stop"}
        body = {"content": "hello", "nonce": "n-0", "components": [{"type": 1, "components": [button]}]}
        async with self._http.post(f"{self._discord.api_url}/channels/{channel}/messages", json=body) as response:
            posted = str((await response.json())["id"])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._discord.press(who, posted, "Stop", wait_s=0.01))
            await self.until(socket, lambda payload: payload.get("t") == "INTERACTION_CREATE")
            told = self.payloads[-1]["d"]
            path = f"/interactions/{told['id']}/{told['token']}/callback"
            await self._http.post(self._discord.api_url + path, json={"type": 6})

    async def until(self, socket: aiohttp.ClientWebSocketResponse, last: Any) -> None:
        """Read until a payload is the last of what is waited for."""
        async with asyncio.timeout(60):
            while True:
                self.payloads.append(await socket.receive_json())
                if last(self.payloads[-1]):
                    return


async def what_people_do(discord: SimulatedDiscord, guild: str, channel: str, http: aiohttp.ClientSession) -> None:
    """Everything that people and the application do, in one guild and in a DM."""
    ada = discord.add_person("Ada", guild=guild, roles=["Engineer"])
    said = await discord.say(
        ada, channel, f"{discord.app.mention} look <@{ada.id}>", files=[("a.png", b"\x89PNG"), ("b.txt", b"text")]
    )
    answer = await discord.say(ada, channel, "a reply", reply_to=said.id)
    await discord.edit(ada, said.id, f"{discord.app.mention} look again")
    await discord.react(ada, said.id, "❌")
    await discord.unfurl(answer.id)
    thread = await discord.open_thread(ada, channel, "On a message", on=said.id)
    await discord.say(ada, thread, "inside")
    alone = await discord.open_thread(ada, channel, "Alone")
    await discord.archive(alone)
    await discord.forward(ada, said.id, channel)
    await discord.others.ask_around(ada, channel, "Tea?", {"Yes": 2, "No": 1})
    await discord.say(ada, discord.dm(ada), "psst")
    forum = discord.places.add_forum(guild, "ideas", tags=["new"])
    await discord.places.open_post(ada, forum, "A post", "its text", tags=["new"])
    discord.places.set_topic(channel, "Engines")
    discord.places.hide(discord.add_channel(guild, "hidden"))
    discord.promote(ada, guild)
    await http.delete(f"{discord.api_url}/channels/{alone}")
    await discord.delete(answer.id)
    await discord.delete_many([(await discord.say(ada, channel, text)).id for text in ("one", "two")])
    discord.kick_bot(discord.add_guild("Elsewhere"))
    discord.gateway.begin_outage(guild)
    discord.gateway.end_outage(guild)


def as_recording(payload: dict[str, Any]) -> Recording:
    kind = OPS[payload["op"]] or "Gateway" + payload["t"].title().replace("_", "") + "Dispatch"
    return Recording(payload.get("t") or kind, PACKAGE, kind, payload)


async def test_every_event_of_the_gateway_has_the_shape_that_is_published(pytestconfig: pytest.Config) -> None:
    async with (
        SimulatedDiscord(limits=False) as discord,
        aiohttp.ClientSession(headers={"Authorization": f"Bot {discord.app.token}"}) as http,
    ):
        discord.app.grant(message_content=True, members=True, presences=True)
        guild = discord.add_guild("Analytical Engines")
        channel = discord.add_channel(guild, "general")
        listener = Listener(http, discord)
        socket = await listener.connect(
            2, {"intents": EVERYTHING, "properties": {"os": "", "browser": "", "device": ""}}
        )
        await listener.until(socket, lambda payload: payload.get("t") == "GUILD_CREATE")
        await socket.send_json({"op": 1, "d": 2})
        await socket.send_json({"op": 8, "d": {"guild_id": guild, "query": "", "limit": 0, "nonce": "all"}})
        bea = discord.add_person("Bea", guild=guild)
        await listener.press(socket, bea, channel)
        await listener.press(socket, bea, discord.dm(bea))
        await what_people_do(discord, guild, channel, http)
        await listener.until(socket, lambda payload: payload.get("t") == "GUILD_CREATE" and payload["d"]["id"] == guild)
        session = next(one["d"]["session_id"] for one in listener.payloads if one.get("t") == "READY")
        asking = asyncio.create_task(discord.gateway.ask_to_reconnect())
        await listener.until(socket, lambda payload: payload["op"] == 7)
        await socket.close(code=4000)
        await asking
        socket = await listener.connect(6, {"session_id": session, "seq": listener.payloads[-2]["s"]})
        await listener.until(socket, lambda payload: payload.get("t") == "RESUMED")
        await socket.close()
        socket = await listener.connect(6, {"session_id": "unknown", "seq": 1})
        await listener.until(socket, lambda payload: payload["op"] == 9)
        await socket.close()
    folder = pytestconfig.cache.mkdir("published-types")
    assert listener.events == SENT
    found = await asyncio.to_thread(deviations, [as_recording(one) for one in listener.payloads], folder)
    assert sorted(found) == sorted(KNOWN)
