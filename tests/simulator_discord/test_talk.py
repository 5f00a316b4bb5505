"""People and the real discord.py talk to each other in the simulated Discord."""

import asyncio
import io

import aiohttp
import discord
import pytest


async def test_a_mention_with_a_file_arrives_and_the_file_can_be_downloaded(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, f"look {sim.app.mention}", files=[("my cat.png", b"\x89PNG")])
        heard = await bot.next()
        assert str(heard.id) == said.id
        assert bot.user in heard.mentions
        assert heard.content == f"look {sim.app.mention}"
        assert heard.author.display_name == "Ada"
        assert [role.name for role in heard.author.roles] == ["@everyone", "Engineer"]
        [file] = heard.attachments
        assert (file.filename, file.content_type, file.size) == ("my_cat.png", "image/png", 4)
        assert await file.read() == b"\x89PNG"


async def test_the_bot_posts_replies_edits_and_deletes(sim, place, connect):
    async with connect() as bot:
        question = await sim.say(place.ada, place.channel, f"hello {sim.app.mention}")
        heard = await bot.next()
        answer = await heard.reply("one", suppress_embeds=True)
        await answer.edit(content="two", suppress=True)
        [_, shown] = sim.messages(place.channel)
        assert (shown.content, shown.versions, shown.reference) == ("two", ["one", "two"], question.id)
        assert shown.author.id == sim.app.id
        assert shown.edited_at_s >= shown.created_at_s
        await answer.delete()
        assert [one.id for one in sim.messages(place.channel)] == [question.id]
        assert [(c.kind, c.text) for c in sim.changes.seen] == [
            ("posted", f"hello {sim.app.mention}"),
            ("posted", "one"),
            ("edited", "two"),
            ("deleted", "two"),
        ]


async def test_a_link_in_code_or_in_angle_brackets_has_no_preview(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        await channel.send("`https://a.example` <https://b.example>\n```\nhttps://c.example\n```")
        await channel.send("see [this](https://d.example/x), please")
        assert [one.previewed for one in sim.messages(place.channel)] == [set(), {"https://d.example/x"}]


async def test_an_edit_through_message_brings_link_previews_back_and_through_partial_message_does_not(
    sim, place, connect
):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        link = "https://evil.example/x"
        first = await channel.send("…", suppress_embeds=True)
        second = await channel.send("…", suppress_embeds=True)
        await first.edit(content=link)
        await channel.get_partial_message(second.id).edit(content=link)
        assert [one.previewed for one in sim.messages(place.channel)] == [{link}, set()]
        assert [one.flags for one in sim.messages(place.channel)] == [0, 4]


async def test_a_thread_on_a_message_has_the_messages_id_and_can_be_written_in(sim, place, connect):
    async with connect() as bot:
        question = await sim.say(place.ada, place.channel, f"hello {sim.app.mention}")
        thread = await (await bot.next()).create_thread(name="hello")
        assert str(thread.id) == question.id
        await thread.send("in the thread")
        await sim.say(place.ada, str(thread.id), "more")
        heard = await bot.next()
        while heard.type is not discord.MessageType.default:
            heard = await bot.next()
        assert isinstance(heard.channel, discord.Thread)
        assert (heard.channel.parent_id, heard.channel.owner_id) == (int(place.channel), bot.user.id)
        [seen] = sim.threads(place.channel)
        assert (seen.id, seen.name, seen.owner_id) == (question.id, "hello", sim.app.id)
        assert [one.content for one in sim.messages(question.id)] == ["in the thread", "more"]
        opened = next(c for c in sim.changes.seen if c.kind == "thread")
        assert (opened.place, opened.message, opened.text) == (place.channel, question.id, "hello")
        history = [one.type.name async for one in thread.history(oldest_first=True)]
        assert history == ["thread_starter_message", "default", "default"]


async def test_opening_a_thread_updates_the_question_without_an_edit(sim, place, connect):
    async with connect() as bot:
        await sim.say(place.ada, place.channel, f"hello {sim.app.mention}")
        await (await bot.next()).create_thread(name="hello")
        update = await asyncio.wait_for(bot.edits.get(), 120)
        assert update.message.edited_at is None
        assert update.message.flags.has_thread


async def test_a_persons_own_thread_is_announced_and_an_archived_one_opens_again_when_written_in(sim, place, connect):
    async with connect() as bot:
        thread_id = await sim.open_thread(place.ada, place.channel, "ideas")
        thread = await asyncio.wait_for(bot.threads.get(), 120)
        assert (str(thread.id), thread.name) == (thread_id, "ideas")
        notice = await bot.next()
        assert (notice.type, notice.reference.channel_id) == (discord.MessageType.thread_created, thread.id)
        assert sim.messages(place.channel) == []
        await sim.archive(thread_id)
        assert (await bot.fetch_channel(int(thread_id))).archived
        await sim.say(place.ada, thread_id, "again")
        assert not (await bot.fetch_channel(int(thread_id))).archived


async def test_a_thread_archived_before_the_bot_came_is_not_in_its_cache(sim, place, connect):
    thread = await sim.open_thread(place.ada, place.channel, "old")
    await sim.archive(thread)
    async with connect() as bot:
        assert bot.get_channel(int(thread)) is None
        assert (await bot.fetch_channel(int(thread))).name == "old"


async def test_a_direct_message_comes_without_a_guild_and_is_answered(sim, place, connect):
    async with connect() as bot:
        dm = sim.dm(place.ada)
        await sim.say(place.ada, dm, "psst")
        heard = await bot.next()
        assert isinstance(heard.channel, discord.DMChannel)
        assert heard.guild is None
        assert heard.channel.recipient is None
        await heard.channel.send("yes?")
        opened = await bot.create_dm(discord.Object(int(place.ada.id)))
        assert str(opened.id) == dm
        assert [one.content for one in sim.messages(dm)] == ["psst", "yes?"]


async def test_history_is_read_before_after_and_around(sim, place, connect):
    said = [await sim.say(place.ada, place.channel, str(n)) for n in range(10)]
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        fifth = discord.Object(int(said[5].id))

        async def read(**how):
            return [one.content async for one in channel.history(**how)]

        assert await read(limit=3) == ["9", "8", "7"]
        assert await read(limit=3, before=fifth) == ["4", "3", "2"]
        assert await read(limit=3, after=fifth) == ["6", "7", "8"]
        assert await read(limit=3, around=fifth) == ["6", "5", "4"]
        assert (await channel.fetch_message(fifth.id)).content == "5"


async def test_the_bot_uploads_files_and_keeps_some_of_them_in_an_edit(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        files = [
            discord.File(io.BytesIO(b"one"), "a.md", description="first"),
            discord.File(io.BytesIO(b"two"), "b.md"),
        ]
        sent = await channel.send("both", files=files)
        [shown] = sim.messages(place.channel)
        assert [(one.name, one.data, one.description) for one in shown.attachments] == [
            ("a.md", b"one", "first"),
            ("b.md", b"two", None),
        ]
        assert sim.rest.calls[-1].body["content"] == "both"
        assert sim.changes.seen[-1].files == ("a.md", "b.md")
        assert await sent.attachments[0].read() == b"one"
        sim.cdn.expire()
        with pytest.raises(discord.NotFound):
            await sent.attachments[0].read()
        assert await (await sent.fetch()).attachments[1].read() == b"two"
        await sent.edit(attachments=[sent.attachments[1]])
        assert [one.name for one in shown.attachments] == ["b.md"]


async def test_a_file_of_the_bots_can_be_a_spoiler(sim, place, connect):
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        await channel.send(file=discord.File(io.BytesIO(b"1"), "a.png", spoiler=True))
        payload = '{"attachments": [{"id": 0, "filename": "b.png", "is_spoiler": true}]}'
        headers = {"Authorization": f"Bot {sim.app.token}"}
        form = aiohttp.FormData()
        form.add_field("files[0]", b"1", filename="b.png")
        form.add_field("payload_json", payload)
        url = f"{sim.api_url}/channels/{place.channel}/messages"
        async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=headers) as answer:
            assert (await answer.json())["attachments"][0]["flags"] == 8
        assert [(one.attachments[0].name, one.attachments[0].spoiler) for one in sim.messages(place.channel)] == [
            ("SPOILER_a.png", True),
            ("b.png", True),
        ]


async def test_an_old_attachment_link_is_dead_and_a_fetched_message_has_a_fresh_one(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, "", files=[("cat.png", b"meow")])
        heard = await bot.next()
        sim.cdn.expire()
        with pytest.raises(discord.NotFound):
            await heard.attachments[0].read()
        again = await heard.channel.fetch_message(int(said.id))
        assert await again.attachments[0].read() == b"meow"
        sim.settings.link_lifetime_s = -1.0
        with pytest.raises(discord.NotFound):
            await again.attachments[0].read()


async def test_what_happens_after_the_bot_connected_is_known_to_it(sim, connect):
    async with connect() as bot:
        guild = sim.add_guild("Second")
        channel = sim.add_channel(guild, "late")
        bob = sim.add_person("Bob", guild=guild)
        await sim.say(bob, channel, f"<@&{sim.bot_role(guild)}> hi")
        heard = await bot.next()
        assert (heard.guild.name, heard.channel.name) == ("Second", "late")
        assert [role.is_bot_managed() for role in heard.role_mentions] == [True]
        assert heard.mentions == []


async def test_commands_are_synchronised(connect):
    async with connect() as bot:
        tree = discord.app_commands.CommandTree(bot)
        assert await tree.sync() == []

        @tree.command(description="Ask")
        async def ask(interaction: discord.Interaction, question: str) -> None: ...

        assert [one.name for one in await tree.sync()] == ["ask"]
        assert [one.name for one in await tree.fetch_commands()] == ["ask"]
