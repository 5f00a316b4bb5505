"""The limits, the faults and the refusals of the REST API."""

import io

import aiohttp
import discord
import pytest

from bot.simulator.faults import Fault

POST = "POST /channels/*/messages"


async def test_a_post_that_landed_and_answered_502_makes_one_message(sim, place, connect):
    async with connect() as bot:
        sim.faults.add(Fault(POST, status=502, after=True))
        sent = await bot.get_channel(int(place.channel)).send("once")
        [shown] = sim.messages(place.channel)
        assert shown.id == str(sent.id)
        assert [call.status for call in sim.rest.calls if call.method == "POST"] == [502, 200]
        assert len({call.body["nonce"] for call in sim.rest.calls if call.method == "POST"}) == 1


async def test_the_same_nonce_makes_one_message_even_after_a_restart_and_one_event(sim, place, connect):
    async with connect() as bot:
        first = await bot.get_channel(int(place.channel)).send("one", nonce="turn-0")
    async with connect() as bot:
        second = await bot.get_channel(int(place.channel)).send("two", nonce="turn-0")
        assert (first.id, second.content) == (second.id, "one")
        other = await bot.get_channel(int(place.channel)).send("three", nonce="turn-1")
        assert str((await bot.heard.get()).id) == str(other.id)
    assert [one.content for one in sim.messages(place.channel)] == ["one", "three"]
    assert sim.messages(place.channel)[0].nonce == "turn-0"


async def test_a_nonce_is_forgotten_after_a_few_minutes(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        for ahead_s in (0.0, 290.0, 310.0):
            sim.settings.clock_ahead_s = ahead_s
            await channel.send(str(ahead_s), nonce="turn-0")
        assert [one.content for one in sim.messages(place.channel)] == ["0.0", "310.0"]


async def test_a_503_is_told_and_a_dropped_connection_too(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        sim.faults.add(Fault(POST, status=503), Fault(POST, drop=True), Fault(POST, drop=True, after=True))
        with pytest.raises(discord.DiscordServerError):
            await channel.send("lost")
        with pytest.raises(aiohttp.ClientError):
            await channel.send("lost too")
        with pytest.raises(aiohttp.ClientError):
            await channel.send("landed")
        assert [one.content for one in sim.messages(place.channel)] == ["landed"]
        assert [call.status for call in sim.rest.calls[-3:]] == [503, 0, 0]


async def test_the_file_host_can_fail_too(sim, place, connect):
    async with connect() as bot:
        await sim.say(place.ada, place.channel, "", files=[("cat.png", b"meow")])
        [file] = (await bot.next()).attachments
        sim.faults.add(Fault("GET /attachments/*", status=503), Fault("GET /attachments/*", drop=True, times=2))
        with pytest.raises(discord.HTTPException, match="503"):
            await file.read()
        with pytest.raises(aiohttp.ClientError):  # twice: aiohttp itself tries a GET again
            await file.read()
        assert await file.read() == b"meow"


async def post(http, sim, place, body):
    async with http.post(f"{sim.api_url}/channels/{place.channel}/messages", json=body) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    "case",
    [
        ({"content": "x" * 2001}, 400, 50035),
        ({"content": "😀" * 2000}, 200, None),
        ({"content": " \n "}, 400, 50006),
        ({}, 400, 50006),
        ([], 400, 50035),
        ({"content": "x", "nonce": "n" * 26}, 400, 50035),
        ({"content": "x", "embeds": [{}] * 11}, 400, 50035),
        ({"content": "x", "embeds": "no list"}, 400, 50035),
        ({"content": "x", "flags": "no number"}, 400, 50035),
        ({"content": "x", "flags": 1 << 15}, 400, 50035),
        ({"content": "x", "allowed_mentions": []}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"parse": 1}}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"users": ["1"] * 101}}, 400, 50035),
        ({"content": "x", "message_reference": {"message_id": "1", "type": 1}}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 400, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, 400, 50035),
        ({"content": "x", "message_reference": {"message_id": "1", "fail_if_not_exists": False}}, 200, None),
        ({"embeds": [{"title": "only an embed"}]}, 200, None),
    ],
)
async def test_a_post_is_checked_as_discord_checks_it(sim, place, http, case):
    body, status, code = case
    answered, said = await post(http, sim, place, body)
    assert (answered, said.get("code")) == (status, code)


async def test_white_space_around_a_text_is_taken_away(sim, place, http):
    await post(http, sim, place, {"content": "\n  x  \n"})
    assert sim.messages(place.channel)[0].content == "x"


async def test_a_body_that_is_no_json_is_refused(sim, place, http):
    url = f"{sim.api_url}/channels/{place.channel}/messages"
    async with http.post(url, data=b"{", headers={"Content-Type": "application/json"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50109)
    async with http.post(url, data=b"--", headers={"Content-Type": "multipart/form-data"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50109)
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", "{}")
    form.add_field("files[0]", io.BytesIO(b"x" * (10 * 2**20 + 1)), filename="big.bin")
    async with http.post(url, data=form) as answer:
        assert (answer.status, (await answer.json())["code"]) == (413, 40005)


@pytest.mark.parametrize(
    "case",
    [
        ("GET", "/channels/1", None, 404, 10003),
        ("GET", "/channels/{channel}/messages/1", None, 404, 10008),
        ("GET", "/channels/{channel}/messages?limit=101", None, 400, 50035),
        ("GET", "/channels/{channel}/messages?before=x", None, 400, 50035),
        ("PATCH", "/channels/{channel}/messages/1", {"content": "x"}, 404, 10008),
        ("PATCH", "/channels/{channel}/messages/{said}", {"content": "x"}, 403, 50005),
        ("DELETE", "/channels/{channel}/messages/{said}", None, 403, 50013),
        ("POST", "/channels/{channel}/messages/{said}/threads", {"name": ""}, 400, 50035),
        ("POST", "/channels/{channel}/messages/{said}/threads", {"name": "n" * 101}, 400, 50035),
        ("POST", "/channels/{channel}/threads", {"name": "x", "auto_archive_duration": 7}, 400, 50035),
        ("PUT", "/applications/1/commands", [1], 400, 50035),
        ("POST", "/channels/{channel}/messages/{rooted}/threads", {"name": "again"}, 400, 160004),
        ("POST", "/channels/{dm}/messages/{said}/threads", {"name": "x"}, 400, 50024),
        ("POST", "/users/@me/channels", {"recipient_id": "1"}, 404, 10013),
        ("GET", "/guilds/1", None, 404, 10004),
        ("GET", "/guilds/{guild}/members/{eve}", None, 404, 10007),
        ("PATCH", "/channels/{channel}", {"name": "x"}, 400, 50024),
        ("PUT", "/nowhere", None, 404, 0),
    ],
)
async def test_what_there_is_not_or_may_not_be_done_is_refused(sim, place, http, case):
    method, path, body, status, code = case
    said = await sim.say(place.ada, place.channel, "mine")
    rooted = await sim.say(place.ada, place.channel, "root")
    await sim.open_thread(place.ada, place.channel, "thread", on=rooted.id)
    names = {"channel": place.channel, "said": said.id, "rooted": rooted.id, "guild": place.guild}
    url = path.format(**names, dm=sim.dm(place.ada), eve=sim.add_person("Eve").id)
    async with http.request(method, sim.api_url + url, json=body) as answer:
        assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_denied_permissions_are_refused_as_discord_refuses_them(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        message = await channel.send("before")
        sim.deny("send", "create_thread", "read_history", "dm")
        for call, code in [
            (channel.send("x"), 50013),
            (message.create_thread(name="x"), 50013),
            (channel.fetch_message(message.id), 50001),
            (channel.typing().__aenter__(), 50013),
            ((await bot.create_dm(discord.Object(int(place.ada.id)))).send("x"), 50007),
        ]:
            with pytest.raises(discord.Forbidden) as caught:
                await call
            assert caught.value.code == code


async def test_a_reply_to_a_deleted_question_fails_unless_it_need_not_exist(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, f"hello {sim.app.mention}")
        heard = await bot.next()
        await sim.delete(said.id)
        with pytest.raises(discord.HTTPException, match="50035"):
            await heard.reply("answer")
        await heard.channel.send("answer", reference=heard.to_reference(fail_if_not_exists=False))
        assert [(one.content, one.reference) for one in sim.messages(place.channel)] == [("answer", None)]


async def test_an_archived_thread_cannot_be_edited_in_and_a_locked_one_not_written_to(sim, place, connect):
    async with connect() as bot:
        thread = await bot.get_channel(int(place.channel)).create_thread(
            name="t", type=discord.ChannelType.public_thread
        )
        message = await thread.send("x")
        await sim.archive(str(thread.id))
        with pytest.raises(discord.HTTPException, match="50083"):
            await message.edit(content="y")
        await thread.edit(archived=False)
        await thread.edit(locked=True)
        with pytest.raises(discord.HTTPException, match="50083"):
            await thread.send("y")


async def test_only_what_allowed_mentions_lets_through_pings(sim, place, connect):
    engineers = sim.role(place.guild, "Engineer")
    text = f"{place.ada.mention} <@&{engineers}> @everyone"
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        quiet = await channel.send(text)
        await channel.send(text, allowed_mentions=discord.AllowedMentions(users=True, roles=False, everyone=False))
        silent, users = sim.messages(place.channel)
        assert silent.pinged == set()
        assert silent.allowed_mentions == {"parse": []}
        assert users.pinged == {place.ada.id}
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {sim.app.token}"}) as raw:
            url = f"{sim.api_url}/channels/{channel.id}/messages/{quiet.id}"
            async with raw.patch(url, json={"content": text}) as answer:
                assert answer.status == 200
        assert silent.pinged == {place.ada.id, engineers, "everyone"}
        assert silent.allowed_mentions is None
