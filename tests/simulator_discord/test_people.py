"""What people do in the simulated Discord, as the real discord.py hears it."""

import asyncio

import discord
import pytest


async def test_a_text_file_may_come_without_a_content_type_and_a_spoiler_is_marked(sim, place, connect):
    async with connect() as bot:
        await sim.say(place.ada, place.channel, "", files=[("message.txt", b"long")], untyped=True, spoiler=True)
        [file] = (await bot.next()).attachments
        assert file.content_type is None
        assert file.is_spoiler()
        assert (file.filename, file.flags.spoiler) == ("SPOILER_message.txt", True)


async def test_a_reply_brings_what_it_replies_to_and_pings_unless_told_not_to(sim, place, connect):
    async with connect() as bot:
        own = await bot.get_channel(int(place.channel)).send("an answer")
        await sim.say(place.ada, place.channel, "go on", reply_to=str(own.id))
        heard = await bot.next()
        assert bot.user in heard.mentions
        assert heard.reference.resolved.content == "an answer"
        quiet = await sim.say(place.ada, place.channel, "quietly", reply_to=str(own.id), ping=False)
        assert (await bot.next()).mentions == []
        for said, pings in ((str(heard.id), [bot.user]), (quiet.id, [])):
            await sim.edit(place.ada, said, "go further")
            assert (await asyncio.wait_for(bot.edits.get(), 120)).message.mentions == pings


async def test_a_forward_shows_what_the_message_was_then_and_not_who_wrote_it(sim, place, connect):
    async with connect() as bot:
        first = await sim.say(place.ada, place.channel, "the original", files=[("a.txt", b"1")])
        await bot.next()
        forward = await sim.forward(place.ada, first.id, sim.dm(place.ada))
        await sim.edit(place.ada, first.id, "changed")
        await sim.delete(first.id)
        heard = await bot.next()
        assert (heard.content, heard.flags.forwarded, heard.guild) == ("", True, None)
        reference = heard.reference
        assert reference.type is discord.MessageReferenceType.forward
        assert (reference.channel_id, reference.guild_id) == (int(place.channel), int(place.guild))
        [snapshot] = (await heard.fetch()).message_snapshots
        assert snapshot.content == "the original"
        assert await snapshot.attachments[0].read() == b"1"
        assert sim.messages(sim.dm(place.ada))[0].forwarded.content == "the original"
        await sim.forward(place.ada, forward.id, place.channel)
        assert (await bot.next()).message_snapshots[0].content == "the original"


async def test_edits_deletions_and_previews_by_others_are_told(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, "helo")
        await sim.edit(place.ada, said.id, "hello")
        edit = await asyncio.wait_for(bot.edits.get(), 120)
        assert (edit.message.content, edit.message.edited_at is None) == ("hello", False)
        other = await sim.say(place.ada, place.channel, "https://example.org")
        await sim.unfurl(other.id)
        assert (await asyncio.wait_for(bot.edits.get(), 120)).message.edited_at is None
        await sim.delete(said.id)
        assert str((await asyncio.wait_for(bot.deletions.get(), 120)).message_id) == said.id


async def test_a_preview_leaves_the_time_of_the_last_edit_as_it_was(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, "https://example.org")
        await sim.edit(place.ada, said.id, "see https://example.org")
        edited_at = (await asyncio.wait_for(bot.edits.get(), 120)).message.edited_at
        assert edited_at is not None
        await sim.unfurl(said.id)
        preview = (await asyncio.wait_for(bot.edits.get(), 120)).message
        assert (preview.edited_at, preview.content) == (edited_at, "see https://example.org")
        assert [change.kind for change in sim.changes.seen] == ["posted", "edited"]


async def test_messages_deleted_in_one_go_are_told_in_one_event(sim, place, connect):
    async with connect() as bot:
        said = [(await sim.say(place.ada, place.channel, str(n))).id for n in range(3)]
        await sim.delete_many(said[:2])
        purge = await asyncio.wait_for(bot.purges.get(), 120)
        assert (purge.message_ids, purge.channel_id) == ({int(said[0]), int(said[1])}, int(place.channel))
        assert purge.guild_id == int(place.guild)
        assert [one.id for one in sim.messages(place.channel)] == said[2:]
        assert [change.text for change in sim.changes.seen if change.kind == "deleted"] == ["0", "1"]
        with pytest.raises(ValueError, match="2 to 100"):
            await sim.delete_many(said[2:])


async def test_a_reaction_brings_who_put_it_there_and_whether_they_moderate(sim, place, connect):
    eve = sim.add_person("Eve", guild=place.guild)
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        sent = str((await channel.send("…")).id)
        sim.promote(place.ada, place.guild)
        for person, moderates in ((place.ada, True), (eve, False)):
            await sim.react(person, sent, "❌")
            event = await asyncio.wait_for(bot.reactions.get(), 120)
            assert (str(event.member.id), event.message_author_id) == (person.id, bot.user.id)
            assert channel.permissions_for(event.member).manage_messages is moderates
        await sim.say(place.ada, place.channel, "I moderate")
        assert (await bot.next()).author.guild_permissions.manage_messages
        private = await sim.say(place.ada, sim.dm(place.ada), "hm")
        await sim.react(place.ada, private.id, "❌")
        assert (await asyncio.wait_for(bot.reactions.get(), 120)).member is None


async def test_the_same_message_can_be_delivered_twice(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, "once")
        await sim.redeliver(said.id)
        assert (await bot.next()).id == (await bot.next()).id


async def test_reactions_and_typing_are_seen(sim, place, connect):
    async with connect() as bot:
        said = await sim.say(place.ada, place.channel, "hm")
        heard = await bot.next()
        await heard.add_reaction("👀")
        await sim.react(place.ada, said.id, "👀")
        again = await heard.channel.fetch_message(heard.id)
        assert [(one.emoji, one.count, one.me) for one in again.reactions] == [("👀", 2, True)]
        await heard.remove_reaction("👀", bot.user)
        assert said.reactions == {"👀": [place.ada.id]}
        await heard.channel._state.http.send_typing(heard.channel.id)
        change = await sim.changes.wait(lambda one: one.kind == "status")
        assert (change.place, change.text, change.by_bot) == (place.channel, "typing…", True)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda sim, place: sim.say(place.ada, "1", "x"), "no channel"),
        (lambda sim, place: sim.say(place.ada, place.channel, " "), "empty message"),
        (lambda sim, place: sim.say(place.ada, place.channel, "x" * 2001), "2000"),
        (lambda sim, place: sim.say(sim.add_person("Eve"), place.channel, "x"), "not in this guild"),
        (lambda sim, place: sim.say(place.ada, sim.dm(sim.add_person("Eve")), "x"), "not Ada's"),
        (lambda sim, place: sim.say(place.ada, place.channel, "x", reply_to="1"), "no message"),
        (lambda sim, place: sim.forward(place.ada, "1", place.channel), "no message"),
    ],
)
async def test_what_people_cannot_do_is_an_error_that_says_why(sim, place, act, words):
    with pytest.raises(ValueError, match=words):
        await act(sim, place)


async def test_a_bot_that_was_put_out_of_a_guild_hears_and_may_nothing_there(sim, place, connect):
    other = sim.add_guild("Second")
    there = sim.add_channel(other, "late")
    bob = sim.add_person("Bob", guild=other)
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        sim.kick_bot(place.guild)
        await sim.say(place.ada, place.channel, "are you gone?")
        await sim.say(bob, there, "here I am")
        assert (await bot.next()).content == "here I am"
        assert [guild.id for guild in bot.guilds] == [int(other)]
        with pytest.raises(discord.Forbidden, match="50001"):
            await channel.send("x")
        with pytest.raises(discord.NotFound, match="10004"):
            await bot.fetch_guild(int(place.guild))
    async with connect() as bot:
        assert [guild.id for guild in bot.guilds] == [int(other)]


async def test_what_was_said_yesterday_is_old_and_stands_before_what_was_said_today(sim, place, connect):
    today = await sim.say(place.ada, place.channel, "today")
    sim.settings.clock_ahead_s = -86_400.0
    yesterday = await sim.say(place.ada, place.channel, "yesterday")
    sim.settings.clock_ahead_s = 0.0
    now = await sim.say(place.ada, place.channel, "now")
    async with connect() as bot:
        channel = bot.get_channel(int(place.channel))
        said = [one async for one in channel.history(oldest_first=True)]
        assert [str(one.id) for one in said] == [yesterday.id, today.id, now.id]
        assert 86_390 < (said[1].created_at - said[0].created_at).total_seconds() < 86_410
        assert str(channel.last_message_id) == now.id
