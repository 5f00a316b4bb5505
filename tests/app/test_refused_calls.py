"""Each call of a turn refused, once and for ever: the end is the whole answer or a sentence, and no dead button."""

from collections.abc import Sequence
from typing import Any

import pytest

from bot.engine.sentences import NOT_TAKEN
from bot.simulator.claude import Reply
from bot.simulator.faults import Fault
from bot.tryout.world import Room, World

STORY = "The first words are here. " + "Then follows more of it, on and on. " * 80 + "That is all."
"""Two messages on Discord."""
FOR_EVER = 1000
DISCORD_CALLS = (
    "POST /channels/*/messages", "PATCH /channels/*/messages/*", "POST /channels/*/messages/*/threads",
    "POST /channels/*/typing",
)  # fmt: skip
DISCORD_REFUSALS = (
    (400, 50035), (400, 240000), (400, 160002), (400, 0), (401, 0), (403, 50013), (403, 50001), (404, 0), (405, 0),
    (409, 0), (410, 0), (413, 40005), (422, 0),
)  # fmt: skip
DISCORD_FAILURES = (500, 502, 503, 504)
SLACK_CALLS = {
    "edit": ("chat.postMessage", "chat.update", "assistant.threads.setStatus", "users.info"),
    "stream": (
        "chat.startStream", "chat.appendStream", "chat.stopStream", "assistant.threads.setStatus",
        "agents.sessions.setStatus", "users.info",
    ),
}  # fmt: skip
EACH_WAY = [(delivery, call) for delivery, calls in SLACK_CALLS.items() for call in calls]
SLACK_REFUSALS = (
    "invalid_blocks", "msg_too_long", "msg_blocks_too_long", "no_text", "invalid_arguments", "some_new_error",
    "invalid_metadata_format", "restricted_action", "not_in_channel", "missing_scope", "cant_update_message",
    "edit_window_closed", "channel_not_found", "message_not_found", "message_not_in_streaming_state",
)  # fmt: skip
GONE = {"channel_not_found", "message_not_found"}
SLACK_FAILURES = ("internal_error", "fatal_error", "service_unavailable")


def bare(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


class Seen:
    """What became of one question."""

    def __init__(self, here: World, there: Room, message: str) -> None:
        self._here, self._there, self._message = here, there, message

    @property
    def lines(self) -> tuple[Any, ...]:
        beside = [self._there, Room(self._there.platform, self._there.name, self._there.channel)]
        found = {li.message: li for place in beside for li in self._here.answer(place, self._message).lines}
        return tuple(found.values())

    def has_ended(self) -> bool:
        text = bare("".join(line.text for line in self.lines))
        whole, said = text == bare(STORY), text.endswith(bare(NOT_TAKEN))
        return (whole or said) and not any("Stop" in line.buttons for line in self.lines)


async def ask(here: World, place: Room, number: int) -> Seen:
    here.claude.script(Reply(text=STORY, piece_s=0.001))
    message = await here.say("Ada", place, f"@parley {number}")
    return Seen(here, here.answered_in(place, message), message)


async def ends(here: World, seen: Seen, why: object) -> None:
    try:
        await here.changes(seen._there.platform).wait(lambda _: seen.has_ended())
    except TimeoutError:
        pytest.fail(f"{why}: {[(line.text[-80:], line.buttons) for line in seen.lines]}")


def refused(call: str, answer: Any, times: int) -> Fault:
    if isinstance(answer, tuple):
        return Fault(call, status=answer[0], body={"message": "No.", "code": answer[1]}, times=times, skip=0)
    if isinstance(answer, int):
        return Fault(call, status=answer, times=times)
    return Fault(call, body={"ok": False, "error": answer}, times=times)


@pytest.fixture(autouse=True)
def _unlimited(here: World) -> None:
    here.discord.limits.switch_off()
    here.slack.limits.switch_off()


def some(answers: Sequence[Any], *indices: int) -> list[Any]:
    """A few of the answers in the short profile, all of them in the long one."""
    return [
        pytest.param([answers[index] for index in indices], id="some"),
        pytest.param(list(answers), id="all", marks=pytest.mark.long),
    ]


@pytest.mark.parametrize("answers", some((*DISCORD_REFUSALS, *DISCORD_FAILURES), 0, 5, 7, 15))
@pytest.mark.parametrize("call", DISCORD_CALLS)
async def test_each_call_to_discord_refused_once(here: World, call: str, answers: list[Any]) -> None:
    fired = 0
    for number, answer in enumerate(answers):
        fault = refused(call, answer, 1)
        fault.skip = number % 3
        here.discord.faults.add(fault)
        await ends(here, await ask(here, here.places[0], number), (call, answer, number % 3))
        fired += not fault.times
        here.discord.faults.clear()
    assert fired, "this call is never made"


@pytest.mark.parametrize("answers", some(DISCORD_REFUSALS, 0, 5, 7))
@pytest.mark.parametrize("call", DISCORD_CALLS[1:])
async def test_each_call_to_discord_refused_for_ever(here: World, call: str, answers: list[Any]) -> None:
    fired = 0
    for number, answer in enumerate(answers):
        fault = refused(call, answer, FOR_EVER)
        here.discord.faults.add(fault)
        await ends(here, await ask(here, here.places[0], number), (call, answer))
        fired += fault.times < FOR_EVER
        here.discord.faults.clear()
    assert fired, "this call is never made"


async def test_where_discord_takes_no_post_at_all_the_next_answer_comes(here: World) -> None:
    for number, answer in enumerate(DISCORD_REFUSALS[:6:5]):
        here.discord.faults.add(refused(DISCORD_CALLS[0], answer, FOR_EVER))
        await ask(here, here.places[0], number)
        await here.claude.next_disconnect()
        here.discord.faults.clear()
    await here.ask("Grace", here.places[2], "@parley Hello there")
    await ends(here, await ask(here, here.places[0], 99), "afterwards")


@pytest.mark.parametrize("answers", some((*SLACK_REFUSALS, *SLACK_FAILURES), 0, 8, 13, 15))
@pytest.mark.parametrize(("delivery", "call"), EACH_WAY)
async def test_each_call_to_slack_refused_once(here: World, call: str, delivery: str, answers: list[Any]) -> None:
    await _deliver(here, delivery)
    fired = 0
    for number, answer in enumerate(answers):
        fault = refused(call, answer, 1)
        fault.skip = number % 3
        here.slack.faults.add(fault)
        await ends(here, await ask(here, here.places[2], number), (call, answer, number % 3))
        fired += not fault.times
        here.slack.faults.clear()
    assert fired, "this call is never made"


@pytest.mark.parametrize("answers", some(SLACK_REFUSALS, 0, 8))
@pytest.mark.parametrize(("delivery", "call"), EACH_WAY[1:])
async def test_each_call_to_slack_refused_for_ever(here: World, call: str, delivery: str, answers: list[Any]) -> None:
    await _deliver(here, delivery)
    here.slack.settings.stream_lasts_s = 3.0
    fired = 0
    for number, answer in enumerate(answers):
        # Slack says this for ever of a message that was deleted (there is no button either), and of a channel that the
        # bot was removed from, where it says so to every call: nothing can take the button away. It is believed.
        if call == "chat.update" and answer in GONE:
            continue
        fault = refused(call, answer, FOR_EVER)
        here.slack.faults.add(fault)
        await ends(here, await ask(here, here.places[2], number), (call, answer))
        fired += fault.times < FOR_EVER
        here.slack.faults.clear()
    assert fired, "this call is never made"


async def _deliver(here: World, delivery: str) -> None:
    slack = here.bot.settings.slack.model_copy(update={"delivery": delivery})
    here.bot.settings = here.bot.settings.model_copy(update={"slack": slack})
    await here.restart_bot()
