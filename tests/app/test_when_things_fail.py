"""What a person sees when a platform, Claude or the process fails: one whole answer, or what there was and why."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.simulator.changes import Change
from bot.simulator.claude import Reply
from bot.simulator.faults import Fault
from bot.tryout.world import File, Room, ShownAnswer, World

STORY = "The first words are here. " + " ".join(f"Sentence number {n} follows." for n in range(60))
POSTS = {"discord": "POST /channels/*/messages", "slack": "chat.postMessage"}
EDITS = {"discord": "PATCH /channels/*/messages/*", "slack": "chat.update"}


def faults(here: World, place: Room) -> object:
    return here.discord.faults if place.platform == "discord" else here.slack.faults


async def ask_until(here: World, place: Room, text: str, shown: str, files: Sequence[File] = ()) -> ShownAnswer:
    """Ask, and wait until the answer shows a text: for answers that are not Claude's alone."""
    since = len(here.changes(place.platform).seen)
    message = await here.say("Ada", place, text, files)
    there = here.answered_in(place, message)

    def is_shown(change: Change) -> bool:
        return here.is_in(there, change) and shown in here.answer(there, message).text

    await here.changes(place.platform).wait(is_shown, since=since)
    return here.answer(there, message)


async def test_row_37_a_rate_limit_in_mid_answer_costs_nothing_but_time(here: World, channel: Room) -> None:
    here.claude.script(Reply(text=STORY, piece_s=0.01))
    faults(here, channel).add(Fault(EDITS[channel.platform], status=429, headers={"Retry-After": "1"}, times=1))
    answer = await here.ask("Ada", channel, "@parley Tell me")
    assert len(answer.lines) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_post_that_landed_but_answered_5xx_is_shown_once(here: World, channel: Room, status: int) -> None:
    faults(here, channel).add(Fault(POSTS[channel.platform], status=status, after=True))
    answer = await here.ask("Ada", channel, "@parley Hello")
    assert len(answer.lines) == 1


async def test_a_post_whose_answer_was_lost_is_shown_once(here: World, channel: Room) -> None:
    faults(here, channel).add(Fault(POSTS[channel.platform], drop=True, after=True))
    answer = await here.ask("Ada", channel, "@parley Hello")
    assert len(answer.lines) == 1


async def test_a_lost_post_whose_second_attempt_is_one_too_many_is_shown_once_and_whole(
    here: World, channel: Room
) -> None:
    here.claude.script(Reply(text=STORY, pieces=8, piece_s=0.05))
    limited = Fault("*", status=429, headers={"Retry-After": "0.5"})
    again = {"discord": POSTS["discord"], "slack": "conversations.replies"}[channel.platform]
    lost = {"discord": POSTS["discord"], "slack": "chat.[ps]*"}[channel.platform]
    faults(here, channel).add(Fault(lost, status=502, after=True), replace(limited, call=again))
    answer = await here.ask("Ada", channel, "@parley Tell me")
    assert answer.text == STORY
    assert len(answer.lines) == 1


async def test_a_post_that_never_arrived_is_made_again(here: World, channel: Room) -> None:
    faults(here, channel).add(Fault(POSTS[channel.platform], drop=True))
    answer = await here.ask("Ada", channel, "@parley Hello")
    assert len(answer.lines) == 1


async def test_edits_that_fail_are_made_good(here: World, channel: Room) -> None:
    here.claude.script(Reply(text=STORY, piece_s=0.01))
    faults(here, channel).add(Fault(EDITS[channel.platform], status=502, times=2))
    answer = await here.ask("Ada", channel, "@parley Tell me")
    assert len(answer.lines) == 1


async def test_row_34_a_stream_cut_half_way_is_asked_for_once_more_into_the_same_message(
    here: World, channel: Room
) -> None:
    here.claude.script(Reply(text=STORY, cut_after=20, piece_s=0.01), Reply(text=STORY))
    answer = await ask_until(here, channel, "@parley Tell me", STORY[-20:])
    assert "".join(answer.text.split()) == "".join(STORY.split())
    assert len(answer.lines) == 1


async def test_row_34_a_stream_cut_twice_keeps_what_was_shown_and_says_why(here: World, channel: Room) -> None:
    here.claude.script(*[Reply(text=STORY, cut_after=20, piece_s=0.01)] * 2)
    answer = await ask_until(here, channel, "@parley Tell me", "broke off")
    assert answer.text.startswith("The first words are here.")
    assert here.claude.count == 2

    def can_be_tried_again(_: Change) -> bool:  # where a stream's end is a call of its own, after its last words
        return here.answer(answer.place, answer.message).lines[-1].buttons == ("Retry",)

    await here.changes(channel.platform).wait(can_be_tried_again, since=0)


async def test_row_35_after_a_broken_answer_the_thread_goes_on_from_what_was_shown_of_it(
    here: World, channel: Room
) -> None:
    here.claude.script(*[Reply(text=STORY, error_after=10, error_type="api_error")] * 2)
    broken = await ask_until(here, channel, "@parley Tell me", "broke off")
    again = await here.ask("Ada", broken.place, "Are you there?")
    messages = here.claude.requests[-1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert "broke off here" in str(messages[1])
    assert "Are you there?" in again.text


async def test_row_33_when_claude_is_overloaded_the_bot_tries_again_and_then_says_so(
    here: World, channel: Room
) -> None:
    here.claude.script(Reply(status=529, error_type="overloaded_error"), Reply(text="Here I am."))
    answer = await ask_until(here, channel, "@parley Hello", "Here I am.")
    assert here.claude.count == 2
    assert answer.text == "Here I am."


async def test_a_key_that_is_refused_is_told_in_one_sentence(here: World, channel: Room) -> None:
    here.claude.script(Reply(status=401, error_type="authentication_error"))
    answer = await ask_until(here, channel, "@parley Hello", "key")
    assert here.claude.api_key not in answer.text
    assert "401" not in answer.text
    assert here.claude.count == 1


async def test_row_36_a_prompt_the_api_refuses_is_told_and_the_thread_goes_on(here: World, channel: Room) -> None:
    here.claude.script(Reply(status=400, error_type="invalid_request_error"))
    refused = await ask_until(here, channel, "@parley Hello", "refused")
    await here.ask("Ada", refused.place, "And now?")


async def test_row_36_an_answer_at_its_length_limit_says_so(here: World, channel: Room) -> None:
    here.claude.script(Reply(text="Only the beginning", stop_reason="max_tokens"))
    answer = await ask_until(here, channel, "@parley Tell me", "length limit")
    assert answer.text.startswith("Only the beginning")


async def test_the_same_message_delivered_twice_is_answered_once(here: World, channel: Room) -> None:
    first = await here.ask("Ada", channel, "@parley Hello")
    if channel.platform == "discord":
        await here.discord.redeliver(first.message)
    else:
        await here.slack.events.redeliver(channel.channel, first.message)
    second = await here.ask("Ada", first.place, "And again?")
    assert here.claude.count == 2
    assert len(here.answer(first.place, first.message).lines) == 1 + len(second.lines)


async def test_a_dropped_connection_loses_no_message(here: World, channel: Room) -> None:
    first = await here.ask("Ada", channel, "@parley Hello")
    if channel.platform == "discord":
        await here.discord.gateway.drop(resumable=True)
    else:
        await here.slack.sockets.refresh_all()
    await here.ask("Ada", first.place, "Still there?")


async def test_a_restart_in_mid_answer_ends_in_one_whole_answer_in_the_same_message(here: World, channel: Room) -> None:
    gate = asyncio.Event()
    here.claude.script(Reply(text=STORY, gate=gate, gate_at=12))
    half = await ask_until(here, channel, "@parley Tell me", "The first words")
    await here.bot.kill()
    here.claude.script(Reply(text=STORY))
    since = len(here.changes(channel.platform).seen)
    await here.start_bot()

    def is_whole(_: Change) -> bool:
        return here.answer(half.place, half.message).text == STORY

    await here.changes(channel.platform).wait(is_whole, since=since)
    assert [line.message for line in here.answer(half.place, half.message).lines] == [half.lines[0].message]
    assert here.claude.count == 2


async def test_told_to_stop_the_bot_lets_a_running_answer_end(here: World, channel: Room) -> None:
    gate = asyncio.Event()
    here.claude.script(Reply(text=STORY, gate=gate, gate_at=12))
    half = await ask_until(here, channel, "@parley Tell me", "The first words")
    stopping = asyncio.create_task(here.bot.stop())
    await asyncio.sleep(0)
    gate.set()
    await stopping
    assert here.answer(half.place, half.message).text == STORY
    assert here.claude.count == 1


async def test_a_person_who_may_not_speak_is_not_answered(here: World, channel: Room) -> None:
    here.bot.settings = here.bot.settings.model_copy(
        update={"access": here.bot.settings.access.model_copy(
            update={"denied_users": (here.person_id(channel.platform, "Grace"),)}
        )}
    )  # fmt: skip
    await here.restart_bot()
    await here.say("Grace", channel, "@parley Hello")
    await here.ask("Ada", channel, "@parley Hello")
    assert here.claude.count == 1


async def test_a_file_that_cannot_be_shown_is_named_and_the_rest_is_answered(here: World, channel: Room) -> None:
    film = ("film.png", b"\x00\x01\x02nothing known" * 9)
    answer = await ask_until(here, channel, "@parley What is it?", "film.png", [film])
    assert "What is it?" in answer.text
    assert here.claude.count == 1


async def test_every_slack_event_is_acknowledged(here: World) -> None:
    channel = here.places[2]
    answer = await here.ask("Ada", channel, "@parley Hello")
    await here.slack.events.acknowledged(channel.channel, answer.message)
    await here.slack.events.settled()
    assert all(envelope.acked for envelope in here.slack.events.envelopes)
