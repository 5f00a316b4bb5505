"""Rate limits: Discord's windows, scopes and headers, as they are and as they are changed."""

import asyncio

import aiohttp
import discord
import pytest
from loop_clock import time_passes, time_stands_still

from bot.simulator.discord import SimulatedDiscord
from bot.simulator.faults import Fault

POST = "POST /channels/*/messages"


async def test_a_429_is_waited_for_and_counted(sim, place, connect):
    async with connect() as bot:
        sim.faults.add(Fault(POST, status=429, body={"retry_after": 0.05, "message": "slow", "global": False}))
        await bot.get_channel(int(place.channel)).send("late")
        assert sim.rest.limited == 1
        assert [one.content for one in sim.messages(place.channel)] == ["late"]


async def test_a_429_without_via_is_taken_for_a_ban(sim, place, connect):
    async with connect() as bot:
        sim.faults.add(Fault(POST, status=429, headers={"Via": ""}))
        with pytest.raises(discord.HTTPException, match="429"):
            await bot.get_channel(int(place.channel)).send("banned")


async def test_a_global_429_is_told_as_global(sim, place, connect):
    async with connect() as bot:
        body = {"retry_after": 0.05, "message": "You are being rate limited.", "global": True}
        sim.faults.add(Fault(POST, status=429, body=body))
        url = f"{sim.api_url}/channels/{place.channel}/messages"
        headers = {"Authorization": f"Bot {sim.app.token}"}
        async with aiohttp.ClientSession() as raw, raw.post(url, json={}, headers=headers) as answer:
            assert answer.headers["X-RateLimit-Scope"] == "global"
            assert answer.headers["X-RateLimit-Global"] == "true"
        began_s = asyncio.get_running_loop().time()
        sim.limits.block(0.2)
        other = sim.add_channel(place.guild, "other")
        async with asyncio.TaskGroup() as tasks:
            for channel in (place.channel, other):
                tasks.create_task((await bot.fetch_channel(int(channel))).send("late"))
        assert asyncio.get_running_loop().time() - began_s >= 0.2
        assert sim.rest.limited == 2


@pytest.mark.parametrize(
    "case",
    [
        ("global", {"X-RateLimit-Global": "true", "X-RateLimit-Limit": None}, {"global": True}),
        ("shared", {"X-RateLimit-Remaining": "4", "X-RateLimit-Global": None}, {"global": False}),
        ("user", {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5"}, {"global": False}),
    ],
)
async def test_calls_are_turned_down_in_each_scope_for_as_long_as_told(sim, place, http, case):
    scope, headers, body = case
    sim.limits.block(200.0, scope=scope, call="POST *")
    url = f"{sim.api_url}/channels/{place.channel}/messages"
    async with http.post(url, json={"content": "x"}) as answer:
        refused = await answer.json()
        assert (answer.status, answer.headers["X-RateLimit-Scope"], answer.headers["Retry-After"]) == (
            429,
            scope,
            "200",
        )
        assert {key: answer.headers.get(key) for key in headers} == headers
        assert {key: refused[key] for key in body} == body
        assert answer.headers["Via"]
    async with http.get(url) as answer:
        assert answer.status == (429 if scope == "global" else 200)
    time_passes(refused["retry_after"])
    async with http.post(url, json={"content": "x"}) as answer:
        assert answer.status == 200


async def test_cloudflares_ban_is_a_page_for_every_call_and_discord_py_does_not_wait_for_it(sim, place, connect):
    async with connect() as bot:
        sim.limits.block(30, scope="cloudflare")
        with pytest.raises(discord.HTTPException, match="1015") as caught:
            await bot.get_channel(int(place.channel)).send("x")
        assert (caught.value.status, caught.value.response.headers["Retry-After"]) == (429, "30")
        assert "Via" not in caught.value.response.headers
        assert "text/html" in caught.value.response.headers["Content-Type"]
        async with aiohttp.ClientSession() as raw, raw.get(f"{sim.api_url}/users/@me") as answer:
            assert answer.status == 429


async def test_a_limit_can_be_changed_while_the_bot_runs_and_the_headers_tell(sim, place, http):
    other = sim.add_channel(place.guild, "other")

    async def spend(channel):
        url = f"{sim.api_url}/channels/{channel}/messages"
        async with http.post(url, json={"content": "x"}) as answer:
            tell = ("X-RateLimit-Limit", "X-RateLimit-Remaining")
            return answer.status, *(answer.headers[key] for key in tell), answer.headers["X-RateLimit-Reset-After"]

    assert (await spend(place.channel))[:3] == (200, "5", "4")
    sim.limits.set(f"POST /channels/{place.channel}/messages", 2, 300.0)
    assert (await spend(place.channel))[:3] == (200, "2", "0")
    status, limit, remaining, reset_s = await spend(place.channel)
    assert (status, limit, remaining) == (429, "2", "0")
    assert 0 < float(reset_s) <= 300.0
    time_passes(float(reset_s))
    assert (await spend(place.channel))[:3] == (200, "2", "1")
    assert (await spend(other))[:3] == (200, "5", "4")
    sim.limits.set(POST, 9, 5)
    assert (await spend(other))[:3] == (200, "9", "7")
    with pytest.raises(ValueError, match="at least one call"):
        sim.limits.set(POST, 0, 5)


async def test_discord_py_keeps_to_the_posting_limit_by_itself(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        async with asyncio.TaskGroup() as tasks:
            for n in range(6):
                tasks.create_task(channel.send(str(n)))
        posts = sim.messages(place.channel)
        assert sim.rest.limited == 0
        assert posts[5].created_at_s - posts[0].created_at_s > 4.9


async def test_the_sixth_edit_in_five_seconds_is_refused_and_another_channel_is_not(sim, place, http):
    with time_stands_still():
        for channel in (place.channel, sim.add_channel(place.guild, "other")):
            url = f"{sim.api_url}/channels/{channel}/messages"
            async with http.post(url, json={"content": "x"}) as answer:
                assert answer.headers["Content-Type"] == "application/json"
                message = (await answer.json())["id"]
            answers = []
            for n in range(6):
                async with http.patch(f"{url}/{message}", json={"content": str(n)}) as answer:
                    answers.append((answer.status, answer.headers.get("X-RateLimit-Remaining")))
                    body = await answer.json()
            assert answers == [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0"), (429, "0")]
            assert answer.headers["Via"]
            assert answer.headers["X-RateLimit-Scope"] == "user"
            assert 0 < float(answer.headers["X-RateLimit-Reset-After"]) <= 5.001
            assert 0 < body["retry_after"] <= 5.001
            assert sim.messages(channel)[0].content == "4"
    assert sim.rest.limited == 2


async def test_fifty_calls_a_second_are_all_there_are(sim, place, http):
    statuses = []
    with time_stands_still():
        for n in range(51):
            channel = place.channel if n == 50 else sim.add_channel(place.guild, str(n))
            async with http.get(f"{sim.api_url}/channels/{channel}") as answer:
                statuses.append(answer.status)
                body = await answer.json()
    assert statuses == [200] * 50 + [429]
    assert body["global"] is True


async def test_a_thread_can_be_renamed_twice_in_ten_minutes(sim, place, http):
    thread = await sim.open_thread(place.ada, place.channel, "a")
    statuses = []
    for name in "bcd":
        async with http.patch(f"{sim.api_url}/channels/{thread}", json={"name": name}) as answer:
            statuses.append((answer.status, answer.headers["X-RateLimit-Remaining"]))
            body = await answer.json()
    assert statuses == [(200, "9"), (200, "8"), (429, "7")]
    assert body["retry_after"] > 500


async def test_without_limits_nothing_is_limited():
    async with SimulatedDiscord(limits=False) as sim, aiohttp.ClientSession() as raw:
        headers = {"Authorization": f"Bot {sim.app.token}"}
        for _ in range(60):
            async with raw.get(f"{sim.api_url}/users/@me", headers=headers) as answer:
                assert answer.status == 200
                assert "X-RateLimit-Limit" not in answer.headers
        assert sim.rest.limited == 0
        sim.limits.block(5, scope="shared")
        async with raw.get(f"{sim.api_url}/users/@me", headers=headers) as answer:
            assert (answer.status, answer.headers["X-RateLimit-Scope"]) == (429, "shared")
