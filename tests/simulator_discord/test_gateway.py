"""Connecting, losing the connection, and what a bot is allowed to hear."""

import asyncio

import aiohttp
import discord
import pytest
import yarl
from discord.errors import PrivilegedIntentsRequired

from bot.simulator.discord import SimulatedDiscord


async def test_a_lost_connection_is_resumed_and_what_was_missed_is_replayed(sim, place, connect):
    async with connect() as bot:
        await sim.gateway.drop(resumable=True)
        await sim.say(place.ada, place.channel, "in the gap")
        assert (await bot.next()).content == "in the gap"
        await asyncio.wait_for(bot.resumed.get(), 120)
        await sim.say(place.ada, place.channel, "after")
        assert (await bot.next()).content == "after"
        assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 1)


async def test_a_connection_that_breaks_off_is_resumed_too(sim, place, connect):
    async with connect() as bot:
        for n in range(3):
            await sim.gateway.drop(abrupt=True)
            await sim.say(place.ada, place.channel, str(n))
            assert (await bot.next()).content == str(n)
            await asyncio.wait_for(bot.resumed.get(), 120)
        assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 3)


async def test_op_7_makes_the_bot_resume(sim, place, connect):
    async with connect() as bot:
        await sim.gateway.ask_to_reconnect()
        await sim.say(place.ada, place.channel, "still there?")
        assert (await bot.next()).content == "still there?"
        assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 1)


async def test_a_lost_session_is_identified_again_and_the_gap_is_only_in_the_history(sim, place, connect):
    async with connect() as bot:
        await sim.gateway.drop(resumable=False)
        await sim.say(place.ada, place.channel, "in the gap")
        await sim.gateway.ready()
        await sim.say(place.ada, place.channel, "after")
        assert (await bot.next()).content == "after"
        assert (sim.gateway.identifies, sim.gateway.resumes) == (2, 0)
        history = [one.content async for one in bot.get_channel(int(place.channel)).history()]
        assert history == ["after", "in the gap"]


async def test_what_comes_back_with_a_lost_session_names_every_conversations_last_message(sim, place, connect):
    thread = await sim.open_thread(place.ada, place.channel, "ideas")
    async with connect() as bot:
        seen = await sim.say(place.ada, thread, "before")
        while (await bot.next()).content != "before":
            pass
        await sim.gateway.drop(resumable=False)
        missed = [await sim.say(place.ada, thread, str(n)) for n in range(3)]
        root = await sim.say(place.ada, place.channel, "in the channel")
        await sim.delete((await sim.say(place.ada, place.channel, "and gone")).id)
        await sim.gateway.ready()
        await sim.say(place.ada, sim.dm(place.ada), "after")
        assert (await bot.next()).content == "after"
        channel, known = bot.get_channel(int(place.channel)), bot.get_channel(int(thread))
        assert str(known.last_message_id) == missed[-1].id
        assert channel.last_message_id > int(root.id)
        since = discord.Object(int(seen.id))
        assert [one.content async for one in known.history(after=since, limit=2)] == ["0", "1"]
        assert [one.content async for one in known.history(after=since)] == ["0", "1", "2"]
        assert [one.content async for one in channel.history(after=since)] == ["in the channel"]


async def test_a_resumed_session_can_repeat_what_the_bot_has_heard(sim, place, connect):
    sim.settings.heartbeat_s = 0.1
    async with connect() as bot:
        await sim.say(place.ada, place.channel, "one")
        await sim.say(place.ada, place.channel, "two")
        assert [(await bot.next()).content for _ in range(2)] == ["one", "two"]
        await sim.gateway.drop(repeat=2)
        await sim.say(place.ada, place.channel, "three")
        assert [(await bot.next()).content for _ in range(3)] == ["one", "two", "three"]
        await asyncio.wait_for(bot.resumed.get(), 120)
        await sim.gateway.drop(repeat=100)
        await sim.say(place.ada, place.channel, "four")
        heard = [(await bot.next()).content for _ in range(4)]
        assert heard == ["one", "two", "three", "four"]
        assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 2)


async def test_a_silent_gateway_is_noticed_by_the_missing_acknowledgements_and_nothing_is_lost(sim, place, connect):
    sim.settings.heartbeat_s = 0.1
    async with connect(heartbeat_timeout_s=0.3) as bot:
        sim.gateway.silence()
        await sim.say(place.ada, place.channel, "into the void")
        assert (await bot.next()).content == "into the void"
        assert sim.gateway.identifies == 1
        assert sim.gateway.resumes >= 1


async def test_a_bot_that_said_goodbye_has_no_session_to_resume(sim, place, connect):
    async with connect():
        pass
    async with connect() as bot:
        await sim.say(place.ada, place.channel, "hello again")
        assert (await bot.next()).content == "hello again"
    assert (sim.gateway.identifies, sim.gateway.resumes) == (2, 0)


async def test_an_intent_that_is_not_granted_is_refused(sim, connect):
    sim.app.grant(message_content=False)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with asyncio.timeout(120), connect():
            pytest.fail("the bot connected")
    assert caught.group_contains(PrivilegedIntentsRequired)
    assert sim.gateway.identifies == 0


async def test_a_wrong_token_is_refused(point):
    sim = point
    async with discord.Client(intents=discord.Intents.default()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")
    assert [call.status for call in sim.rest.calls] == [401]


async def test_without_the_content_intent_only_what_is_meant_for_the_bot_has_content(sim, place, connect):
    sim.app.grant(message_content=False)
    async with connect(message_content=False) as bot:
        assert not bot.application_flags.gateway_message_content_limited
        channel = bot.get_channel(int(place.channel))
        own = await channel.send("mine")
        await sim.say(place.ada, place.channel, "not for you", files=[("a.txt", b"1")])
        hidden = await bot.next()
        assert (hidden.content, hidden.attachments) == ("", [])
        await sim.say(place.ada, place.channel, f"for you {sim.app.mention}", files=[("a.txt", b"1")])
        mentioned = await bot.next()
        assert mentioned.content == f"for you {sim.app.mention}"
        assert len(mentioned.attachments) == 1
        await sim.say(place.ada, place.channel, "pinged", reply_to=str(own.id))
        assert (await bot.next()).content == "pinged"
        await sim.say(place.ada, place.channel, "not pinged", reply_to=str(own.id), ping=False)
        unpinged = await bot.next()
        assert unpinged.content == ""
        assert unpinged.reference.resolved.content == "mine"
        await sim.say(place.ada, sim.dm(place.ada), "in private")
        assert (await bot.next()).content == "in private"
        assert (await channel.fetch_message(hidden.id)).content == ""


async def test_events_without_their_intent_are_not_told(point, place):
    sim = point
    bot = discord.Client(intents=discord.Intents(guilds=True, dm_messages=True), guild_ready_timeout=0)
    heard: asyncio.Queue[str] = asyncio.Queue()

    @bot.event
    async def on_message(message: discord.Message) -> None:
        heard.put_nowait(message.content)

    async with asyncio.TaskGroup() as tasks, bot:
        tasks.create_task(bot.start(sim.app.token))
        await sim.gateway.ready()
        await sim.say(place.ada, place.channel, "in the channel")
        await sim.say(place.ada, sim.dm(place.ada), "in private")
        assert await asyncio.wait_for(heard.get(), 120) == "in private"
        await bot.close()


async def test_members_are_listed_for_whoever_may_ask(sim, place, connect):
    sim.app.grant(members=True)
    async with connect(members=True) as bot:
        guild = bot.get_guild(int(place.guild))
        assert {one.display_name for one in await guild.query_members("ad")} == {"Ada"}
        assert {one.id for one in guild.members} == {bot.user.id, int(place.ada.id)}


async def test_a_denied_permission_shows_in_the_bots_permissions(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        assert channel.permissions_for(channel.guild.me).create_public_threads
        sim.deny("create_thread")
        await sim.say(place.ada, place.channel, "now")
        await bot.next()
        assert not channel.permissions_for(channel.guild.me).create_public_threads
        sim.allow("create_thread")
        with pytest.raises(ValueError, match="no such permission"):
            sim.deny("fly")


async def test_a_sharded_client_finds_the_gateway(point):
    sim = point
    async with asyncio.TaskGroup() as tasks, discord.AutoShardedClient(intents=discord.Intents.default()) as bot:
        tasks.create_task(bot.start(sim.app.token))
        await sim.gateway.ready()
        assert "/gateway/bot" in [call.path for call in sim.rest.calls]
        await bot.close()


IDENTIFY = {"op": 2, "d": {"token": "simulated.discord.token", "intents": 1}}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["no json"], 4002),
        (["[]"], 4002),
        ([{"op": 8, "d": {}}], 4003),
        ([{"op": 2, "d": {"token": "wrong", "intents": 0}}], 4004),
        ([IDENTIFY, IDENTIFY], 4005),
        ([IDENTIFY, {"op": 99}], 4001),
        ([{"op": 2, "d": {"token": "simulated.discord.token", "intents": 1 << 30}}], 4013),
        ([{"op": 2, "d": {"token": "simulated.discord.token"}}], 4013),
        ([{"op": 1, "d": None}] * 121, 4008),
    ],
)
async def test_a_client_that_breaks_the_protocol_is_closed_with_discords_code(sim, http, frames, code):
    async with asyncio.timeout(120), http.ws_connect(sim.gateway.url) as socket:
        assert (await socket.receive_json())["d"]["heartbeat_interval"] > 0
        for frame in frames:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_json(frame))
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert socket.close_code == code


async def test_a_heartbeat_is_confirmed_and_lets_go_of_what_was_received(sim, http):
    sim.add_guild("Analytical Engines")
    async with asyncio.timeout(120), http.ws_connect(sim.gateway.url) as socket:
        await socket.receive_json()
        await socket.send_json(IDENTIFY)
        ready = await socket.receive_json()
        created = await socket.receive_json()
        assert (ready["t"], created["t"], created["s"]) == ("READY", "GUILD_CREATE", 2)
        await socket.send_json({"op": 1, "d": 2})
        assert (await socket.receive_json())["op"] == 11
        token, session = sim.app.token, ready["d"]["session_id"]
        await sim_drop_and_drain(sim, socket)
    async with asyncio.timeout(120), http.ws_connect(ready["d"]["resume_gateway_url"]) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 6, "d": {"token": token, "session_id": session, "seq": 2}})
        assert (await socket.receive_json())["t"] == "RESUMED"
    async with asyncio.timeout(120), http.ws_connect(sim.gateway.url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 6, "d": {"token": token, "session_id": session, "seq": 99}})
        await socket.receive()
        assert socket.close_code in (4007, None)


async def sim_drop_and_drain(sim, socket):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sim.gateway.drop())
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_simulator_that_stops_before_the_bot_lets_go_of_it(monkeypatch):
    loop = asyncio.get_running_loop()
    async with SimulatedDiscord() as sim:
        monkeypatch.setattr(discord.http.Route, "BASE", sim.api_url)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sim.gateway.url))
        bot = discord.Client(intents=discord.Intents.default(), guild_ready_timeout=0)
        running = asyncio.create_task(bot.start(sim.app.token, reconnect=False))
        await sim.gateway.ready()
        stopping_s = loop.time()
    assert loop.time() - stopping_s < 2
    with pytest.raises(aiohttp.ClientError):  # it comes back at once, and nobody is there
        await asyncio.wait_for(running, 120)


async def test_a_taken_port_is_an_error_and_leaves_nothing_open(sim):
    with pytest.raises(OSError, match="in use"):
        async with SimulatedDiscord(port=int(sim.cdn_host.split(":")[1])):
            pytest.fail("two servers on one port")
