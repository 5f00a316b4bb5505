"""Buttons below messages: what Discord takes, what people see, and what pressing one does."""

import asyncio
import io

import discord
import pytest
from loop_clock import time_passes, time_stands_still


async def view_of(*labels: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for label in labels:
        view.add_item(discord.ui.Button(label=label, custom_id=label.lower()))
    return view


async def test_buttons_are_shown_kept_by_an_edit_of_the_text_and_taken_away_by_an_empty_list(sim, place, connect):
    async with connect() as bot:
        sent = await bot.get_channel(int(place.channel)).send("…", view=await view_of("Retry", "Continue"))
        [shown] = sim.messages(place.channel)
        assert shown.buttons == ["Retry", "Continue"]
        assert [one.id for one in sent.components[0].children] == [2, 3]
        await sent.edit(content="more")
        assert shown.buttons == ["Retry", "Continue"]
        update = await asyncio.wait_for(bot.edits.get(), 120)
        assert update.data["components"][0]["components"][1]["custom_id"] == "continue"
        await sent.edit(view=None)
        assert shown.buttons == []
        assert (await asyncio.wait_for(bot.edits.get(), 120)).data["components"] == []
        assert (await sent.fetch()).components == []


class Pressable:
    """A message with a Stop button, and what the bot does when it is pressed."""

    def __init__(self, sim, place, bot, channel=""):
        self.sim, self.place, self.bot, self.channel = sim, place, bot, channel or place.channel
        self.pressed: asyncio.Queue[discord.Interaction] = asyncio.Queue()

    async def post(self, answer):
        bot, pressed = self.bot, self.pressed

        @bot.event
        async def on_interaction(interaction: discord.Interaction) -> None:
            await answer(interaction)
            pressed.put_nowait(interaction)

        place = await bot.fetch_channel(int(self.channel))
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="Stop", custom_id="stop:7"))
        view.add_item(discord.ui.Button(label="Gone", custom_id="gone", disabled=True))
        view.add_item(discord.ui.Button(label="Site", url="https://example.org"))
        return await place.send("…", view=view)

    async def press(self, answer, **how):
        message = await self.post(answer)
        told = await self.sim.press(self.place.ada, str(message.id), "Stop", **how)
        return told, await asyncio.wait_for(self.pressed.get(), 120)


async def test_a_press_tells_who_pressed_what_where_and_is_answered_for_the_presser_alone(sim, place, connect):
    sim.promote(place.ada, place.guild)
    async with connect() as bot:

        async def answer(interaction):
            result = await interaction.response.send_message("only for you", ephemeral=True)
            assert result.resource.content == "only for you"
            assert result.is_ephemeral()

        scene = Pressable(sim, place, bot)
        told, heard = await scene.press(answer)
        assert told == "only for you"
        assert sim.whispers(place.ada) == ["only for you"]
        assert sim.whispers(sim.add_person("Eve")) == []
        assert isinstance(heard.user, discord.Member)
        assert (str(heard.user.id), heard.data["custom_id"]) == (place.ada.id, "stop:7")
        assert heard.permissions.manage_messages
        assert {role.name for role in heard.user.roles} == {"@everyone", "Engineer", "Moderator"}
        assert (heard.guild_id, heard.channel_id) == (int(place.guild), int(place.channel))
        assert (heard.message.content, heard.application_id) == ("…", bot.user.id)
        assert [one.content for one in sim.messages(place.channel)] == ["…"]
        assert [one.content async for one in heard.channel.history()] == ["…"]


async def test_a_press_in_a_direct_message_brings_the_user_and_no_member(sim, place, connect):
    async with connect() as bot:

        async def answer(interaction):
            await interaction.response.edit_message(content="stopped", view=None)

        scene = Pressable(sim, place, bot, sim.dm(place.ada))
        told, heard = await scene.press(answer)
        assert told == ""
        assert type(heard.user) is discord.User
        assert isinstance(heard.channel, discord.DMChannel)
        [message] = sim.messages(scene.channel)
        assert (message.content, message.buttons) == ("stopped", [])
        assert [(c.kind, c.text) for c in sim.changes.seen] == [("posted", "…"), ("edited", "stopped")]


async def test_a_press_in_a_thread_that_the_bot_does_not_know_is_heard_too(sim, place, connect):
    thread = await sim.open_thread(place.ada, place.channel, "old")
    await sim.archive(thread)
    async with connect() as bot:
        assert bot.get_channel(int(thread)) is None
        message = await bot.get_partial_messageable(int(thread)).send("…", view=await view_of("Stop"))

        @bot.event
        async def on_interaction(interaction: discord.Interaction) -> None:
            assert isinstance(interaction.channel, discord.Thread)
            await interaction.response.edit_message(content="1")
            await interaction.edit_original_response(content="2")

        await sim.press(place.ada, str(message.id), "Stop")
        await sim.changes.wait(lambda change: change.kind == "edited" and change.text == "2")


async def test_a_press_while_the_bot_is_away_reaches_it_when_it_resumes_in_time(sim, place, connect):
    async with connect() as bot:
        message = await Pressable(sim, place, bot).post(lambda one: one.response.send_message("hi", ephemeral=True))
        await sim.gateway.drop()
        assert await sim.press(place.ada, str(message.id), "Stop") == "hi"


async def test_a_deferred_press_waits_for_what_the_bot_says_then(sim, place, connect):
    async with connect() as bot:

        async def answer(interaction):
            await interaction.response.defer()
            await interaction.followup.send("not yours", ephemeral=True)

        scene = Pressable(sim, place, bot)
        assert (await scene.press(answer, wait_s=5))[0] == "not yours"


async def test_a_deferred_press_that_nothing_follows_returns_empty_handed(sim, place, connect):
    async with connect() as bot:
        scene = Pressable(sim, place, bot)
        assert (await scene.press(lambda interaction: interaction.response.defer(), wait_s=0.05))[0] == ""


async def test_a_thinking_answer_is_replaced_by_the_follow_up_and_stays_ephemeral(sim, place, connect):
    async with connect() as bot:

        async def answer(interaction):
            result = await interaction.response.defer(ephemeral=True, thinking=True)
            assert (result.is_thinking(), result.is_ephemeral(), result.resource) == (True, True, None)
            assert sim.whispers(place.ada) == []
            said = await interaction.followup.send("done", ephemeral=False)
            assert said.flags.ephemeral
            assert not said.flags.loading

        scene = Pressable(sim, place, bot)
        assert (await scene.press(answer, wait_s=5))[0] == "done"
        assert [one.content for one in sim.messages(place.channel)] == ["…"]


async def test_the_original_answer_can_be_read_edited_and_taken_away(sim, place, connect):
    async with connect() as bot:

        async def answer(interaction):
            await interaction.response.send_message("first", ephemeral=True)
            assert (await interaction.original_response()).content == "first"
            await interaction.edit_original_response(content="second")
            more = await interaction.followup.send("third", ephemeral=True, wait=True)
            await more.edit(content="fourth", view=await view_of("Yes"))
            assert sim.whispers(place.ada) == ["second", "fourth"]
            await more.delete()
            await interaction.delete_original_response()
            with pytest.raises(discord.NotFound, match="10008"):
                await interaction.edit_original_response(content="late")

        scene = Pressable(sim, place, bot)
        await scene.press(answer)
        assert sim.whispers(place.ada) == []
        assert [c.text for c in sim.changes.seen] == ["…"]


async def test_an_open_answer_is_a_message_for_all_and_pings_people_alone(sim, place, connect):
    async with connect() as bot:

        async def answer(interaction):
            everything = discord.AllowedMentions(everyone=True)
            file = discord.File(io.BytesIO(b"1"), "a.txt")
            await interaction.response.send_message(f"{place.ada.mention} @everyone", file=file)
            await interaction.followup.send("@everyone", allowed_mentions=everything)

        bot._connection.allowed_mentions = None
        told, heard = await Pressable(sim, place, bot).press(answer)
        assert told == ""
        _, first, second = sim.messages(place.channel)
        assert (first.pinged, first.author.id) == ({place.ada.id}, sim.app.id)
        assert [one.name for one in first.attachments] == ["a.txt"]
        assert second.pinged == {"everyone"}
        assert heard.response.is_done()


async def test_a_press_nobody_acknowledges_fails_after_three_seconds_and_the_answer_comes_too_late(sim, place, connect):
    async with connect() as bot:
        late: asyncio.Future[discord.Interaction] = asyncio.get_running_loop().create_future()

        async def answer(interaction):
            late.set_result(interaction)

        message = await Pressable(sim, place, bot).post(answer)
        with time_stands_still():
            press = asyncio.create_task(sim.press(place.ada, str(message.id), "Stop"))
            await late
            assert not press.done()
        time_passes(3.0)
        with pytest.raises(TimeoutError, match="This interaction failed"):
            await press
        with pytest.raises(discord.NotFound, match="10062"):
            await (await late).response.defer()


async def test_an_interactions_token_is_good_for_fifteen_minutes(sim, place, connect):
    async with connect() as bot:
        _, heard = await Pressable(sim, place, bot).press(lambda one: one.response.send_message("x", ephemeral=True))
        sim.settings.clock_ahead_s = 890.0
        await heard.edit_original_response(content="y")
        sim.settings.clock_ahead_s = 910.0
        with pytest.raises(discord.HTTPException, match="50027"):
            await heard.edit_original_response(content="z")
        assert sim.whispers(place.ada) == ["y"]


async def test_an_interaction_is_answered_once_and_its_token_opens_nothing_before_that(sim, place, connect, http):
    async with connect() as bot:
        answers = []

        async def call(method, path, body=None):
            async with http.request(method, sim.api_url + path, json=body, headers={"Authorization": ""}) as answer:
                answers.append((answer.status, (await answer.json())["code"] if answer.status >= 400 else None))

        async def answer(interaction):
            callback = f"/interactions/{interaction.id}/{interaction.token}/callback"
            webhook = f"/webhooks/{bot.user.id}/{interaction.token}"
            await call("POST", webhook, {"content": "too early"})
            await call("POST", callback, {"type": 99})
            await call("POST", callback, {"type": 4, "data": []})
            await call("POST", callback, {"type": 4, "data": {"content": "x" * 2001}})
            await call("POST", f"/interactions/1/{interaction.token}/callback", {"type": 6})
            await call("POST", callback, {"type": 6})
            await call("POST", callback, {"type": 6})
            await call("POST", f"/webhooks/{bot.user.id}/wrong", {"content": "x"})
            await call("GET", f"{webhook}/messages/1")
            await call("GET", f"{webhook}/messages/@original")

        await Pressable(sim, place, bot).press(answer, wait_s=0)
        codes = [(404, 10015), (400, 50035), (400, 50035), (400, 50035), (404, 10062), (204, None)]
        assert answers == [*codes, (400, 40060), (401, 50027), (404, 10008), (200, None)]


async def test_a_press_is_answered_while_the_global_limit_is_used_up(sim, place, connect):
    async with connect() as bot:

        async def answer(interaction):
            sim.limits.block(30)
            await interaction.response.send_message("still here", ephemeral=True)

        assert (await Pressable(sim, place, bot).press(answer))[0] == "still here"


async def test_a_button_that_is_not_there_or_does_nothing_cannot_be_pressed(sim, place, connect):
    async with connect() as bot:
        message = str((await Pressable(sim, place, bot).post(lambda _: None)).id)
        for label, words in (("Start", "no button"), ("Gone", "disabled"), ("Site", "a link")):
            with pytest.raises(LookupError, match=words):
                await sim.press(place.ada, message, label)
        with pytest.raises(ValueError, match="not in this guild"):
            await sim.press(sim.add_person("Eve"), message, "Stop")
