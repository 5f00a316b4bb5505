"""Who is answered, from end to end on both platforms: edits that make a question, and rules that hold for all."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from pydantic import SecretStr

from bot.config.settings import AccessSettings
from bot.engine.sentences import ANEW, NOT_IN_DMS, NOT_YOU
from bot.simulator.changes import Change
from bot.simulator.claude import Pace, Reply
from bot.tryout.world import Room, World, world

Ruled = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def ruled() -> Ruled:
    @asynccontextmanager
    async def run(**rules: object) -> AsyncIterator[World]:
        async with world(SecretStr(""), Pace()) as here:
            await rule(here, **rules)
            yield here

    return run


async def rule(here: World, **rules: object) -> None:
    """Start the bot again with these rules."""
    await here.bot.stop()
    here.bot.settings = here.bot.settings.model_copy(update={"access": AccessSettings(**rules)})  # type: ignore[arg-type]
    await here.start_bot()


def of(here: World, platform: str, *, direct: bool = False) -> Room:
    return next(place for place in here.places if place.platform == platform and place.direct is direct)


async def shown(here: World, there: Room, message: str, words: str) -> None:
    def is_there(change: Change) -> bool:
        return here.is_in(there, change) and words in here.answer(there, message).text

    await here.changes(there.platform).wait(is_there)


async def test_a_mention_that_is_added_by_an_edit_is_answered_once(here: World, channel: Room) -> None:
    message = await here.say("Ada", channel, "Is https://example.org right?")
    await here.edit("Ada", channel, message, "@parley Is https://example.org right?")
    there = here.answered_in(channel, message)
    await shown(here, there, message, "asked")
    await unfurl(here, channel, message)
    await here.ask("Ada", channel, "@parley Next")
    assert here.claude.count == 2


async def unfurl(here: World, channel: Room, message: str) -> None:
    if channel.platform == "discord":
        await here.discord.unfurl(message)
    else:
        await here.slack.unfurl(channel.channel, message)


async def test_a_file_that_is_added_by_an_edit_is_seen(here: World, channel: Room) -> None:
    answer = await here.ask("Ada", channel, "@parley What does it say?")
    message, text = answer.place.thread, f"{here.mention(channel.platform)} What does it say?"
    here.claude.script(Reply(text="It is a secret."))
    files = [("a.txt", b"The secret of the file")]
    if channel.platform == "discord":
        await here.discord.edit(here.discord_person("Ada"), message, text, files=files)
    else:
        await here.slack.edit(here.slack_person("Ada"), channel.channel, message, text, files=files)
    await shown(here, answer.place, message, "It is a secret.")
    assert "The secret of the file" in str(here.claude.requests[-1].body["messages"])


async def test_who_lost_the_role_is_answered_neither_by_an_edit_nor_after_a_restart(ruled: Ruled) -> None:
    async with ruled() as here:
        role, channel = here.discord.role(here.guild, "staff"), of(here, "discord")
        ada = here.discord_person("Ada")
        here.discord.join(ada, here.guild, ["staff"])
        await rule(here, allowed_roles=(role,))
        answer = await here.ask("Ada", channel, "@parley Hello")
        here.claude.script(Reply(pieces=["The first half of it", " and", " more."], piece_s=0.05, stall_after=2))
        message = await here.say("Ada", channel, "@parley A story")
        there = here.answered_in(channel, message)
        await shown(here, there, message, "The first half")
        await here.bot.kill()
        here.discord.join(ada, here.guild, [])
        since = len(here.discord.changes.seen)
        await here.start_bot()
        await here.discord.changes.wait(lambda change: NOT_YOU in change.text, since=since)
        assert [line.buttons for line in here.answer(there, message).lines] == [()]
        dm = of(here, "discord", direct=True)
        await here.edit("Ada", channel, answer.place.thread, "@parley Hello again")
        await here.discord.changes.wait(lambda change: change.place == dm.channel and change.text == NOT_YOU)
        assert here.claude.count == 2


@pytest.mark.parametrize("platform", ["discord", "slack"])
async def test_who_may_not_ask_is_told_so_once_and_in_private(ruled: Ruled, platform: str) -> None:
    async with ruled() as here:
        channel = of(here, platform)
        grace = here.person_id(channel.platform, "Grace")
        await rule(here, denied_users=(grace,))
        for _ in range(2):
            await here.say("Grace", channel, "@parley Hello")
        await here.ask("Ada", channel, "@parley Hello")
        if platform == "discord":
            dm = here.discord.dm(here.discord_person("Grace"))
            if not here.discord.messages(dm):
                await here.discord.changes.wait(lambda change: change.place == dm)
            assert [message.content for message in here.discord.messages(dm)] == [NOT_YOU]
        else:
            assert (await here.slack.whispered(here.slack_person("Grace"))).text == NOT_YOU
            assert len(here.slack.whispers(here.slack_person("Grace"))) == 1
        assert (here.claude.count, [line for line in here.lines(channel) if line.by_bot]) == (1, [])


async def test_without_dms_those_of_several_people_are_not_answered_either(ruled: Ruled) -> None:
    async with ruled(dms=False) as here:
        ada, grace = here.slack_person("Ada"), here.slack_person("Grace")
        place = here.slack.dm(ada, grace)
        here.slack.events.delay(0.1, "message")  # so that the event comes first that does not tell the kind of channel
        await here.slack.say(ada, place, f"{here.slack.app.mention} Hello")
        assert (await here.slack.whispered(ada)).text == NOT_IN_DMS
        await here.slack.events.settled()
        assert here.claude.count == 0


async def test_in_threads_a_mention_may_be_needed(ruled: Ruled) -> None:
    async with ruled(mention_in_threads=True) as here:
        for channel in (of(here, "discord"), of(here, "slack")):
            first = await here.ask("Ada", channel, "@parley Hello")
            await here.say("Grace", first.place, "I have a secret to add")
            await here.ask("Ada", first.place, "@parley And now?")
            last = str(here.claude.requests[-1].body["messages"][-1])
            assert ("I have a secret to add" in last, "Hello" in last) == (True, False)
        assert here.claude.count == 4


async def test_a_discord_dm_is_begun_anew_by_a_word(here: World) -> None:
    dm = of(here, "discord", direct=True)
    await here.ask("Ada", dm, "My name is Ada")
    message = await here.say("Ada", dm, "/new")
    await shown(here, dm, message, ANEW)
    await here.ask("Ada", dm, "What is my name?")
    assert "My name is Ada" not in str(here.claude.requests[-1].body["messages"])
