"""What every platform promises of what was said while the bot was away: nothing is missed, nothing is doubled, and each
conversation keeps its order, whatever is said meanwhile and whatever fails.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from contracts.absent import CONVERSATIONS, Conversation, InMemory, there
from contracts.stages import Where
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import ThreadKey


@pytest.fixture(params=CONVERSATIONS)
async def talk(request: pytest.FixtureRequest) -> AsyncIterator[Conversation]:
    """A conversation in which the bot was, and from which it is away now."""
    async with CONVERSATIONS[request.param]() as opened:
        async with there(opened):
            await opened.say("before")
            await opened.inbox.until(opened.inbox.texts)
            await opened.inbox.noted.wait()
        yield opened


async def heard(talk: Conversation, *said: str) -> None:
    """Wait until all of it was taken; hold that it was taken once, and in each conversation in its order."""
    await talk.inbox.until(lambda: set(said) <= set(talk.inbox.texts()))
    there: dict[ThreadKey, list[str]] = defaultdict(list)
    for message in talk.inbox.accepted:
        there[message.thread].append(message.text)
    for texts in there.values():
        of_bot = [text for text in texts if text in said]
        assert of_bot == sorted(of_bot, key=said.index)


async def test_what_was_said_while_the_bot_was_away_is_taken_once_and_in_its_order(talk: Conversation) -> None:
    for number in range(3):
        await talk.say(f"missed {number}")
    async with there(talk):
        await heard(talk, "before", "missed 0", "missed 1", "missed 2")
        await talk.say("live")
        await heard(talk, "before", "missed 0", "missed 1", "missed 2", "live")


async def test_what_is_said_live_comes_after_what_was_missed(talk: Conversation) -> None:
    await talk.say("missed")
    talk.reads_are_slow()
    async with there(talk):
        await talk.say("live")
        await heard(talk, "missed", "live")


async def test_it_does_so_also_if_what_was_missed_cannot_be_read_at_once(talk: Conversation) -> None:
    await talk.say("missed")
    talk.reads_fail(1)
    async with there(talk):
        await talk.say("live")
        await heard(talk, "missed", "live")


async def test_it_does_so_also_if_it_cannot_be_taken_at_once(talk: Conversation) -> None:
    await talk.say("missed")
    await talk.say("missed, too")
    talk.inbox.refuses = 1
    async with there(talk):
        await heard(talk, "missed", "missed, too")
        await talk.say("live")
        await heard(talk, "missed", "missed, too", "live")


async def test_no_checkpoint_is_written_before_what_was_missed_is_taken(talk: Conversation) -> None:
    until_s = talk.inbox.until_s
    await talk.say("missed")
    talk.inbox.held = asyncio.Event()
    async with there(talk):
        await talk.inbox.entered.wait()
    assert talk.inbox.until_s == until_s
    talk.inbox.held = None
    async with there(talk):
        await heard(talk, "before", "missed")
        await talk.inbox.noted.wait()
    assert talk.inbox.until_s > until_s


@pytest.mark.parametrize("place", [place for place in CONVERSATIONS if "channel" in place])
async def test_a_bot_that_was_never_there_hears_nothing_of_the_past(place: str) -> None:
    async with CONVERSATIONS[place]() as talk:
        await talk.say("long ago")
        async with there(talk):
            await talk.inbox.noted.wait()
            await talk.say("now")
            await heard(talk, "now")
        assert talk.inbox.texts() == ["now"]


@pytest.mark.parametrize("place", [place for place in CONVERSATIONS if "channel" in place])
async def test_a_mention_that_was_added_meanwhile_is_found_where_something_else_was_said(place: str) -> None:
    async with CONVERSATIONS[place]() as talk:
        message = await talk.say("what do you think?", to_bot=False)
        async with there(talk):
            await talk.inbox.noted.wait()
        await talk.edit(message, "what do you think?")
        await talk.say("and you?")
        async with there(talk):
            await heard(talk, "and you?")
            inbox = talk.inbox
            await inbox.until(lambda: [m for m in [*inbox.accepted, *inbox.edited] if m.key.message == message])
        assert all(m.mentions_bot for m in [*inbox.accepted, *inbox.edited])


STEPS = st.lists(st.sampled_from(["say", "come", "leave", "reads fail", "is refused"]), max_size=16)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS, where=st.sampled_from(["channel", "thread", "direct"]))
def test_whatever_happens_in_whatever_order_nothing_is_missed_or_doubled(steps: list[str], where: Where) -> None:
    asyncio.run(happens(InMemory(where), ["come", *steps, "leave", "come"]))


async def happens(talk: InMemory, steps: list[str]) -> None:
    said: list[str] = []
    async with AsyncExitStack() as here:
        for step in steps:
            if step == "say":
                said.append(f"{len(said):02}")
                await talk.say(said[-1])
            elif step == "reads fail":
                talk.reads_fail(2)
            elif step == "is refused":
                talk.inbox.refuses = 1
            elif step == "leave":
                await here.aclose()
            elif not talk.is_there:
                await here.enter_async_context(there(talk))
                await asyncio.sleep(0) if talk.inbox.until_s else await talk.inbox.noted.wait()
        await talk.inbox.until(lambda: set(said) <= set(talk.inbox.texts()))
    texts = [text for text in talk.inbox.texts() if text in said]
    assert sorted(texts) == said
    assert texts == said or "is refused" in steps or talk.where == "channel"
