"""The corpus through the whole bot, between the simulated platforms: what a person sees is what Claude wrote."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from corpus_answers import answers
from corpus_checks import DISCORD, SLACK, Target, check_words, letters, loose, open_code, read
from pydantic import SecretStr

from bot.reply import pages
from bot.simulator.changes import Change
from bot.simulator.claude import Pace, Reply
from bot.tryout.world import Room, World, world

ANSWERS = answers()
SELECTION = ["nested_list", "table", "east_asian", "emoji", "quotes", "mathematics"]
_ASKED = re.compile(r"question number (\d+)\.")


@asynccontextmanager
async def asked_for(texts: Sequence[str], channels: int, piece_s: float) -> AsyncIterator[tuple[World, list[Room]]]:
    """Run a world in which question number n is answered with text n, and with so many channels on each platform."""

    def reply(body: Mapping[str, Any]) -> Reply:
        number = int(_ASKED.findall(str(body["messages"][-1]["content"]))[-1])
        return Reply(text=texts[number], pieces=max(1, len(texts[number]) // 150))

    async with world(SecretStr(""), Pace(piece_s=piece_s)) as here:
        settings = here.bot.settings
        pages_enough = settings.limits.model_copy(update={"answer_pages": 50})  # nothing ends in a file
        here.bot.settings = settings.model_copy(update={"limits": pages_enough})
        await here.restart_bot()
        here.claude.script(*itertools.repeat(reply, 2 * len(texts)))
        places = []
        for number in range(channels):
            places.append(Room("discord", f"#d{number}", here.discord.add_channel(here.guild, f"d{number}")))
            places.append(Room("slack", f"#s{number}", here.slack.add_channel(f"s{number}")))
        yield here, places


async def ask_all(
    texts: Sequence[str], *, channels: int, at_once: int, piece_s: float = 0.0, strict: bool = False
) -> None:
    """Have each text as an answer on both platforms, and check what is seen of it, at the end and on the way."""
    gate = asyncio.Semaphore(at_once)
    async with asked_for(texts, channels, piece_s) as (here, places), asyncio.TaskGroup() as asking:
        for target in (DISCORD, SLACK):
            rooms = [place for place in places if place.platform == target.name]
            for number, text in enumerate(texts):
                asking.create_task(ask(here, rooms[number % channels], number, text, target, gate=gate, strict=strict))


async def ask(
    here: World, place: Room, number: int, text: str, target: Target, *, gate: asyncio.Semaphore, strict: bool
) -> None:
    expected = [page.text for page in pages(text, target.dialect, target.size) if page.text.strip()]
    seen_as = letters(read("".join(expected), target))
    async with gate:
        since = len(here.changes(place.platform).seen)
        message = await here.say("Ada", place, f"@parley Answer question number {number}.")
        there = here.answered_in(place, message)

        def is_whole(change: Change) -> bool:
            if not change.by_bot or not here.is_in(there, change):
                return False
            lines = here.answer(there, message).lines
            return len(lines) == len(expected) and letters("".join(line.text for line in lines)) == seen_as

        try:
            await here.changes(place.platform).wait(is_whole, since=since, timeout_s=240.0)
        except TimeoutError:
            shown = [line.text for line in here.answer(there, message).lines]
            pytest.fail(f"{place.title}: {text[:300]!r} was to be seen as {expected!r}, not {shown!r}")
    lines = here.answer(there, message).lines
    check_words(text, [line.text for line in lines])
    for change in here.changes(place.platform).seen[since:]:
        if target is DISCORD and change.by_bot and change.kind in {"posted", "edited"} and here.is_in(there, change):
            assert not open_code(change.text, target), change.text
            assert not strict or not loose(change.text), change.text


async def test_long_answers_arrive_whole_on_both_platforms() -> None:
    await ask_all([ANSWERS[name] for name in SELECTION], channels=3, at_once=20, strict=True)


async def test_the_specifications_texts_arrive_whole_on_both_platforms(sections: dict[str, list[str]]) -> None:
    some = ("Tabs", "Fenced code blocks", "Lists", "Emphasis and strong emphasis", "Links", "HTML blocks")
    await ask_all(["\n\n".join(sections[name]) for name in some], channels=3, at_once=20)


@pytest.mark.long
async def test_every_answer_arrives_whole_on_both_platforms() -> None:
    await ask_all(list(ANSWERS.values()), channels=6, at_once=24, piece_s=0.02, strict=True)


@pytest.mark.long
async def test_each_of_the_specifications_texts_arrives_whole_on_both_platforms(
    sections: dict[str, list[str]],
) -> None:
    await ask_all([text for section in sections.values() for text in section], channels=20, at_once=40)
