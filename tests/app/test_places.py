"""What differs by place, from end to end on both platforms: two channels beside each other, each with its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from bot.config import PlaceSettings
from bot.engine.sentences import NOT_YOU
from bot.simulator.claude import Pace, Reply
from bot.tryout.world import Room, World, world

Furnished = Callable[..., AbstractAsyncContextManager[tuple[World, Room, Room]]]
LONG = "\n\n".join(f"Paragraph {number}: " + "word " * 150 for number in range(60))


@pytest.fixture
def furnished(platform: str) -> Furnished:
    """A world with two channels of a platform: one where the sections hold, and one with a table of its own."""

    @asynccontextmanager
    async def run(**values: Any) -> AsyncIterator[tuple[World, Room, Room]]:
        async with world(SecretStr(""), Pace()) as here:
            general = next(place for place in here.places if place.platform == platform and not place.direct)
            added = here.discord.add_channel(here.guild, "maths") if platform == "discord" else None
            maths = Room(platform, "#maths", added or here.slack.add_channel("maths"))
            await here.bot.stop()
            await furnish(here, {"where": {"channel": maths.channel}, **values})
            yield here, general, maths

    return run


async def furnish(here: World, *tables: dict[str, Any]) -> None:
    """Start the bot with these tables."""
    places = tuple(PlaceSettings.model_validate(table) for table in tables)
    here.bot.settings = here.bot.settings.model_copy(update={"place": places})
    await here.start_bot()


def body(here: World, request: int = -1) -> dict[str, Any]:
    return dict(here.claude.requests[request].body)


async def test_a_channel_has_its_own_model_instructions_and_lengths(furnished: Furnished) -> None:
    own = {"model": "claude-opus-5-5", "effort": "low", "system": "Show every step.", "max_tokens": 3_000}
    async with furnished(**own) as (here, general, maths):
        there = await here.ask("Ada", maths, "@parley What is 2 + 2?")
        mine, in_maths = body(here), str(body(here)["system"])
        await here.ask("Ada", general, "@parley What is 2 + 2?")
        common, in_general = body(here), str(body(here)["system"])
        assert (mine["model"], common["model"]) == ("claude-opus-5-5", "claude-sonnet-5-5")
        assert (mine["max_tokens"], common["max_tokens"]) == (3_000, 16_000)
        assert (mine["output_config"], common.get("output_config")) == ({"effort": "low"}, None)
        assert ("Show every step." in in_maths, "Show every step." in in_general) == (True, False)
        await here.ask("Ada", there.place, "And 3 + 3?")
        assert body(here)["model"] == "claude-opus-5-5", "a thread counts as its channel"


async def test_a_channel_has_answers_of_its_own_length(furnished: Furnished) -> None:
    async with furnished(answer_pages=1) as (here, general, maths):
        for place in (general, maths):
            here.claude.script(Reply(text=LONG))
            message = await here.say("Ada", place, "@parley Everything, please")
            there = here.answered_in(place, message)
            await until(
                here, there, lambda there=there, message=message, one=place is maths: ends(here, there, message, one)
            )


def ends(here: World, there: Room, message: str, in_one_page: bool) -> bool:
    """Say whether an answer has more than two pages, or ends in a file after the first."""
    lines = here.answer(there, message).lines
    pages = [line for line in lines if not line.files]
    return (len(pages), len(lines)) == (1, 2) if in_one_page else len(pages) > 2


async def until(here: World, there: Room, true: Callable[[], bool]) -> None:
    if not true():
        await here.changes(there.platform).wait(lambda _: true())


async def test_a_channel_has_rules_of_its_own_for_who_may_ask(furnished: Furnished, platform: str) -> None:
    async with furnished() as (here, general, maths):
        await here.bot.stop()
        grace = here.person_id(platform, "Grace")
        await furnish(here, {"where": {"channel": maths.channel}, "denied_users": [grace]})
        await here.say("Grace", maths, "@parley Hello")
        await told(here, platform, "Grace", NOT_YOU)
        await here.ask("Grace", general, "@parley Hello")
        await here.ask("Ada", maths, "@parley Hello")
        assert here.claude.count == 2


async def told(here: World, platform: str, who: str, sentence: str) -> None:
    """Return when somebody was told a sentence in private."""
    if platform == "slack":
        assert (await here.slack.whispered(here.slack_person(who))).text == sentence
        return
    dm = here.discord.dm(here.discord_person(who))
    if not here.discord.messages(dm):
        await here.discord.changes.wait(lambda change: change.place == dm)
    assert [message.content for message in here.discord.messages(dm)] == [sentence]


async def test_whom_the_whole_bot_denies_no_channel_lets_in(furnished: Furnished, platform: str) -> None:
    async with furnished() as (here, _, maths):
        await here.bot.stop()
        grace = here.person_id(platform, "Grace")
        access = here.bot.settings.access.model_copy(update={"denied_users": (grace,)})
        here.bot.settings = here.bot.settings.model_copy(update={"access": access})
        await furnish(here, {"where": {"channel": maths.channel}, "allowed_users": [grace], "denied_users": []})
        await here.say("Grace", maths, "@parley Hello")
        await told(here, platform, "Grace", NOT_YOU)
        assert here.claude.count == 0


async def test_in_one_channels_threads_a_mention_is_needed_and_in_the_others_none(furnished: Furnished) -> None:
    async with furnished(mention_in_threads=True) as (here, general, maths):
        there = (await here.ask("Ada", maths, "@parley Hello")).place
        elsewhere = (await here.ask("Ada", general, "@parley Hello")).place
        await here.say("Grace", there, "I have a secret to add")
        await here.ask("Ada", elsewhere, "And now?")
        await here.ask("Ada", there, "@parley And now?")
        assert here.claude.count == 4
        assert "I have a secret to add" in str(body(here)["messages"][-1]), "what was said between is brought along"


async def test_a_channel_shows_claude_its_own_share_of_what_was_said_before(furnished: Furnished) -> None:
    async with furnished(context_messages=0) as (here, general, maths):
        await here.ask("Ada", general, "@parley Hello")  # by then nothing is caught up with any more
        for place, is_shown in ((maths, False), (general, True)):
            root = await here.say("Grace", place, "What shall we do?")
            thread = await here.open_thread("Grace", place, root)
            await here.say("Grace", thread, "We could wait")
            await here.ask("Ada", thread, "@parley So?")
            assert ("We could wait" in str(body(here)["messages"])) is is_shown


async def test_a_channel_looks_at_as_many_files_as_it_says(furnished: Furnished) -> None:
    async with furnished(uploads_per_message=1) as (here, general, maths):
        for place, seen in ((maths, False), (general, True)):
            here.claude.script(Reply(text="Two files."))
            files = [("a.txt", b"The first file"), ("b.txt", b"The second file")]
            message = await here.say("Ada", place, "@parley What do they say?", files)
            there = here.answered_in(place, message)
            await shown(here, there, message, "Two files.")
            said = str(body(here)["messages"])
            assert ("The first file" in said, "The second file" in said) == (True, seen)


async def shown(here: World, there: Room, message: str, words: str) -> None:
    await until(here, there, lambda: words in here.answer(there, message).text)


async def test_a_channel_has_limits_of_its_own(furnished: Furnished) -> None:
    async with furnished(tokens_per_person=100) as (here, general, maths):
        message = await here.say("Ada", maths, "@parley Tell me")
        there = here.answered_in(maths, message)
        await shown(here, there, message, "share of Claude")
        await here.ask("Ada", general, "@parley Hello")


async def test_a_person_in_a_channel_wins_over_the_channel_and_the_workspace(
    furnished: Furnished, platform: str
) -> None:
    async with furnished() as (here, general, maths):
        await here.bot.stop()
        workspace = {"guild": str(here.guild)} if platform == "discord" else {"workspace": here.slack.app.team_id}
        ada = here.person_id(platform, "Ada")
        await furnish(
            here,
            {"where": {"person": ada, "channel": maths.channel}, "system": "To Ada there"},
            {"where": {"channel": maths.channel}, "system": "To all there"},
            {"where": workspace, "system": "To all", "model": "claude-haiku-5-5"},
        )
        found = []
        for who, place in (("Ada", maths), ("Grace", maths), ("Ada", general)):
            await here.ask(who, place, "@parley Hello")
            found.append((str(body(here)["system"]), body(here)["model"]))
        assert [model for _, model in found] == ["claude-haiku-5-5"] * 3
        for (system, _), words in zip(found, ("To Ada there", "To all there", "To all"), strict=True):
            assert f"{words}'" in system
