"""Answers that Slack streams: how they grow and end, and what becomes of them when streaming does not work."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.errors import Gone, RateLimited, Unreachable
from bot.events import Button, Pressed
from bot.platforms.slack.growth.load import WorkspaceLoad
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
async def scene(connected: Connected) -> Any:
    async with connected(delivery="stream") as scene:
        yield scene


def methods(scene: Any) -> list[str]:
    """The calls that made or changed messages, in order."""
    return [call.method for call in scene.slack.api.calls if call.method.startswith("chat.")]


async def test_an_answer_grows_by_what_is_appended_and_ends_with_its_buttons(scene: Any) -> None:
    surface = await scene.surface()
    assert surface.limits.append_only
    ts = await surface.post("One", "m.0", buttons=[Button.STOP], growing=True)
    await surface.edit(ts, "One two", buttons=[Button.STOP], growing=True)
    await surface.edit(ts, "One two three", buttons=[Button.RETRY])
    (message,) = scene.own(surface._thread)
    assert message.versions == ["One", "One two", "One two three"]
    assert message.buttons == ["Retry"]
    assert message.metadata["event_payload"]["mark"] == "m.0"
    assert message.stream.state == "stopped"
    assert methods(scene) == ["chat.startStream", "chat.appendStream", "chat.stopStream"]


async def test_the_budgets_are_those_of_the_methods_that_are_called(scene: Any) -> None:
    surface = await scene.surface()
    limits = surface.limits
    assert [budget.scope.rpartition(":")[2] for budget in (limits.posts, limits.edits, limits.ends)] == [
        "chat.startStream",
        "chat.appendStream",
        "chat.stopStream",
    ]
    assert [budget.calls for budget in (limits.posts, limits.edits, limits.ends)] == [20, 100, 20]


async def test_nothing_streamed_pings(scene: Any) -> None:
    surface = await scene.surface()
    wicked = surface.dialect.render(f"<@{scene.ben.id}> <!channel> <!here> @everyone")
    ts = await surface.post(wicked, "m.0", growing=True)
    await surface.edit(ts, wicked + wicked)
    assert scene.own(surface._thread)[0].pings == set()


async def test_a_message_that_does_not_grow_is_posted(scene: Any) -> None:
    surface = await scene.surface()
    await surface.post("A notice", "m.0", buttons=[Button.RETRY])
    assert methods(scene) == ["chat.postMessage"]


async def test_each_page_of_an_answer_is_a_stream_of_its_own(scene: Any) -> None:
    surface = await scene.surface()
    first = await surface.post("One", "m.0", growing=True)
    await surface.edit(first, "One!")
    second = await surface.post("Two", "m.1", growing=True)
    await surface.edit(second, "Two!")
    assert [message.shown for message in scene.own(surface._thread)] == ["One!", "Two!"]
    assert methods(scene).count("chat.startStream") == 2


async def test_a_dm_is_streamed_without_a_recipient(scene: Any) -> None:
    question = await scene.asked("hello", scene.slack.dm(scene.ann))
    surface = scene.at(question)
    await surface.post("Hi", "m.0", growing=True)
    (start,) = [call for call in scene.slack.api.calls if call.method == "chat.startStream"]
    assert start.status == 200
    assert "recipient_user_id" not in start.args


async def test_somebody_of_another_organisation_gets_edits(connected: Connected) -> None:
    async with connected(delivery="stream", deny="users") as scene:  # nothing is known of who asks
        surface = await scene.surface()
        assert not surface.limits.append_only
        ts = await surface.post("One", "m.0", growing=True)
        await surface.edit(ts, "Two", growing=True)
        assert methods(scene) == ["chat.postMessage", "chat.update"]


async def test_where_slack_refuses_a_stream_the_answer_is_posted_and_edited(scene: Any) -> None:
    scene.slack.faults.add(Fault("chat.startStream", body={"ok": False, "error": "not_allowed"}))
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", buttons=[Button.STOP], growing=True)
    assert not surface.limits.append_only
    assert scene.own(surface._thread)[0].buttons == ["Stop"]
    await surface.edit(ts, "Two")
    assert not surface.limits.append_only
    assert methods(scene) == ["chat.startStream", "chat.postMessage", "chat.update"]


async def test_a_workspace_that_refuses_all_streams_is_soon_not_asked_any_more(scene: Any) -> None:
    scene.slack.faults.add(Fault("chat.startStream", body={"ok": False, "error": "unknown_method"}, times=9))
    with capture_logs() as logs:
        for _ in range(5):
            await (await scene.surface()).post("One", "m.0", growing=True)
    assert methods(scene).count("chat.startStream") == 3
    assert [entry["log_level"] for entry in logs if entry["event"] == "slack_does_not_stream"] == ["warning"]


async def test_a_workspace_that_lets_no_stream_end_is_soon_not_asked_any_more(scene: Any) -> None:
    scene.slack.faults.add(Fault("chat.stopStream", body={"ok": False, "error": "some_new_error"}, times=99))
    for _ in range(5):  # a message that is streamed cannot be edited: each costs calls, and the asker time
        surface = await scene.surface()
        ts = await surface.post("One", "m.0", growing=True)
        with suppress(Unreachable):
            await surface.edit(ts, "One two")
    assert methods(scene).count("chat.startStream") == 3


async def test_streams_that_people_stop_are_no_reason_to_stream_no_more(scene: Any) -> None:
    scene.slack.faults.add(Fault("chat.stopStream", body={"ok": False, "error": "stopped_by_user"}, times=99))
    for _ in range(4):
        surface = await scene.surface()
        ts = await surface.post("One", "m.0", growing=True)
        with suppress(Unreachable, RateLimited):  # the last ones find Slack's limit used up
            await surface.edit(ts, "One two")
    assert methods(scene).count("chat.startStream") == 4


@pytest.mark.parametrize(
    "error", ["message_not_in_streaming_state", "stopped_by_user", "msg_too_long", "unknown_method"]
)
async def test_when_a_stream_fails_the_rest_goes_by_edits_of_the_whole_text(scene: Any, error: str) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.faults.add(Fault("chat.appendStream", body={"ok": False, "error": error}))
    await surface.edit(ts, "One two", buttons=[Button.STOP], growing=True)
    (message,) = scene.own(surface._thread)
    assert (message.shown, message.buttons) == ("One two", ["Stop"])
    assert not surface.limits.append_only
    await surface.edit(ts, "One two three")
    assert message.shown == "One two three"
    assert message.metadata["event_payload"]["mark"] == "m.0"
    assert await surface.post("Next", "m.1", growing=True)
    assert methods(scene).count("chat.startStream") == 1


async def test_row_44_an_expired_stream_goes_on_by_edits(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.settings.stream_lasts_s = 0.0
    await surface.edit(ts, "One two", growing=True)
    await surface.edit(ts, "One two three")
    (message,) = scene.own(surface._thread)
    assert message.shown == "One two three"
    assert message.metadata["event_payload"]["mark"] == "m.0"
    assert scene.slack.session(scene.channel, surface._thread)["status"] == "active"


async def test_row_44_a_stream_is_stopped_before_it_is_too_old(scene: Any) -> None:
    scene.platform._delivering.stream_for_s = 0.0
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    assert not surface.limits.append_only
    await surface.edit(ts, "One two", growing=True)
    (message,) = scene.own(surface._thread)
    assert (message.shown, message.stream.state) == ("One two", "stopped")
    assert methods(scene) == ["chat.startStream", "chat.stopStream", "chat.update"]


async def test_a_text_that_does_not_begin_with_what_is_shown_replaces_it(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    await surface.edit(ts, "Two", growing=True)
    await surface.edit(ts, "Three")
    assert scene.own(surface._thread)[0].versions[-1] == "Three"


async def test_text_beyond_what_a_stream_takes_is_never_appended(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("x" * 7000, "m.0", growing=True)
    await surface.edit(ts, "x" * 12_000, growing=True)
    assert "chat.update" not in methods(scene)
    scene.slack.api.calls.clear()
    scene.slack.faults.add(Fault("chat.update", body={"ok": False, "error": "msg_blocks_too_long"}))
    with pytest.raises(Exception, match="did not accept"):
        await surface.edit(ts, "x" * 12_001, growing=True)
    assert methods(scene) == ["chat.stopStream", "chat.update", "chat.update"]  # the second is plain


async def test_what_was_perhaps_appended_is_not_appended_twice(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.faults.add(Fault("chat.appendStream", status=502, after=True))
    with pytest.raises(Unreachable):
        await surface.edit(ts, "One two", growing=True)
    assert not surface.limits.append_only
    await surface.edit(ts, "One two three", growing=True)
    await surface.edit(ts, "One two three four")
    assert scene.own(surface._thread)[0].shown == "One two three four"


async def test_an_end_whose_answer_is_lost_is_made_certain(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.faults.add(Fault("chat.stopStream", drop=True, after=True))
    with pytest.raises(Unreachable):
        await surface.edit(ts, "One two", buttons=[Button.RETRY])
    await surface.edit(ts, "One two", buttons=[Button.RETRY])
    (message,) = scene.own(surface._thread)
    assert (message.shown, message.buttons) == ("One two", ["Retry"])


async def test_a_rate_limit_leaves_a_stream_as_it_is(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.faults.add(Fault("chat.appendStream", status=429, headers={"Retry-After": "3"}))
    with pytest.raises(RateLimited):
        await surface.edit(ts, "One two", growing=True)
    assert surface.limits.append_only
    await surface.edit(ts, "One two three", growing=True)
    assert scene.own(surface._thread)[0].shown == "One two three"


async def test_a_stream_that_cannot_be_stopped_for_now_holds_nobody_elses_edits_up(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.faults.add(Fault("chat.stopStream", status=429, headers={"Retry-After": "50"}))
    with pytest.raises(Unreachable):  # its own reply tries again; a `RateLimited` would be a limit for all edits
        await surface.edit(ts, "Another")


async def test_a_rate_limited_start_is_tried_again_as_a_stream(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault("chat.startStream", status=429, headers={"Retry-After": "3"}))
    with pytest.raises(RateLimited):
        await surface.post("One", "m.0", growing=True)
    await surface.post("One", "m.0", growing=True)
    assert methods(scene) == ["chat.startStream", "chat.startStream"]


async def test_row_45_a_message_that_somebody_deleted_is_gone(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    await scene.slack.delete(scene.channel, ts)
    with pytest.raises(Gone):
        await surface.edit(ts, "One two", growing=True)


@pytest.mark.parametrize(
    "fault", [Fault("chat.startStream", status=502, after=True), Fault("chat.startStream", drop=True, after=True)]
)
async def test_a_start_whose_answer_is_lost_makes_one_message(scene: Any, fault: Fault) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(fault)
    ts = await surface.post("One", "m.0", growing=True)
    await surface.edit(ts, "One two", growing=True)
    await surface.edit(ts, "One two three")
    (message,) = scene.own(surface._thread)
    assert (message.ts, message.shown) == (ts, "One two three")
    assert message.metadata["event_payload"]["mark"] == "m.0"


async def test_a_stream_whose_process_died_is_adopted_by_the_next_one(scene: Any) -> None:
    question = await scene.asked()
    done = scene.at(question)
    finished = await done.post("Done", "m.0", growing=True)
    await done.edit(finished, "Done!")
    orphan = await scene.at(question).post("Half an", "m.1", growing=True)
    later = scene.at(question)
    assert await later.post("Half an answer", "m.1", growing=True, may_exist=True) == orphan
    await later.edit(orphan, "A whole answer", growing=True)
    await later.edit(orphan, "A whole answer.")
    assert [message.shown for message in scene.own(question.key.message)] == ["Done!", "A whole answer."]
    assert await scene.at(question).post("Next", "m.2", may_exist=True) not in {finished, orphan}


async def test_a_stream_that_is_known_by_its_id_is_stopped_and_edited_after_a_restart(scene: Any) -> None:
    question = await scene.asked()
    ts = await scene.at(question).post("Half", "m.0", growing=True)
    later = scene.at(question)
    await later.edit(ts, "Another", growing=True)
    assert not later.limits.append_only
    await later.edit(ts, "Another one")
    (message,) = scene.own(question.key.message)
    assert (message.shown, message.stream.state) == ("Another one", "stopped")
    assert scene.slack.session(scene.channel, question.key.message)["status"] == "active"
    assert await scene.at(question).post("Next", "m.1", may_exist=True) != ts


async def test_a_streamed_message_can_be_taken_away(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    await surface.delete(ts)
    await surface.delete(ts)
    assert scene.own(surface._thread) == []


async def test_slacks_own_stop_button_is_shown_while_an_answer_is_streamed_and_stops_it(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.heard.sentence = "Stopped."
    await scene.slack.press_stop(scene.ann, scene.channel, surface._thread)
    pressed = await scene.heard.next(Pressed)
    assert (await scene.slack.whispered(scene.ann)).text == "Stopped."
    assert (pressed.message.message, pressed.button, pressed.person.id) == (ts, Button.STOP, scene.ann.id)
    await surface.edit(ts, "One (stopped)", buttons=[Button.RETRY])
    assert scene.own(surface._thread)[0].shown == "One (stopped)"
    assert scene.slack.session(scene.channel, surface._thread)["status"] == "active"
    with pytest.raises(LookupError):
        await scene.slack.press_stop(scene.ben, scene.channel, surface._thread)


async def test_slacks_own_stop_button_works_when_the_stream_has_become_edits(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("One", "m.0", growing=True)
    scene.slack.settings.stream_lasts_s = 0.0
    await surface.edit(ts, "One two", growing=True)
    await scene.slack.press_stop(scene.ann, scene.channel, surface._thread)
    assert (await scene.heard.next(Pressed)).message.message == surface._address.message


@pytest.mark.parametrize("delivery", ["auto", "stream"])
async def test_an_app_that_is_no_agent_says_so_once_and_keeps_working(connected: Connected, delivery: str) -> None:
    async with connected(delivery=delivery) as scene:
        scene.slack.app.unsubscribe("agent_session_stopped")
        with capture_logs() as logs:
            for native in (True, delivery == "stream"):
                surface = await scene.surface()
                assert surface.limits.append_only is native
                ts = await surface.post("One", "m.0", growing=True)
                await surface.edit(ts, "One two")
                assert scene.own(surface._thread)[0].shown == "One two"
        assert len([entry for entry in logs if entry["event"] == "slack_has_no_stop_button"]) == 1


async def test_of_many_replies_some_are_streamed_and_the_others_edited(connected: Connected) -> None:
    async with connected(delivery="auto") as scene:
        surfaces = [await scene.surface() for _ in range(6)]
        assert [surface.limits.append_only for surface in surfaces] == [True, False, True, True, False, True]


async def test_an_answer_that_is_done_makes_room(connected: Connected) -> None:
    async with connected(delivery="auto") as scene:
        for _ in range(3):
            surface = await scene.surface()
            ts = await surface.post("One", "m.0", growing=True)
            await surface.edit(ts, "Two")
        assert methods(scene).count("chat.startStream") == 3


TROUBLE = {
    "refused connection": {"drop": True},
    "lost answer": {"drop": True, "after": True},
    "502": {"status": 502},
    "502 after the effect": {"status": 502, "after": True},
    "rate limit": {"status": 429, "headers": {"Retry-After": "0"}},
    "refusal": {"body": {"ok": False, "error": "not_allowed"}},
}
CALLS = ["chat.startStream", "chat.appendStream", "chat.stopStream", "agents.sessions.setStatus"]


async def insist(call: Callable[[bool], Any]) -> Any:
    """Make a call as the live reply does: again after trouble, and then it may have landed."""
    for attempt in range(5):
        try:
            return await call(attempt > 0)
        except (RateLimited, Unreachable):
            continue
    raise AssertionError("it never works")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "two processes"])
async def test_whatever_goes_wrong_once_there_is_one_whole_answer(
    scene: Any, call: str, trouble: str, restarts: bool
) -> None:
    scene.slack.faults.add(Fault(call, **TROUBLE[trouble]))
    question = await scene.asked()
    surface = scene.at(question)
    ts = await insist(lambda again: surface.post("One", "m.0", growing=True, may_exist=again))
    await insist(lambda _: surface.edit(ts, "One two", growing=True))
    if restarts:
        surface = scene.at(question)
        assert await insist(lambda _: surface.post("One", "m.0", growing=True, may_exist=True)) == ts
        await insist(lambda _: surface.edit(ts, "One two", growing=True))
    await insist(lambda _: surface.edit(ts, "One two three", buttons=[Button.RETRY]))
    (message,) = scene.own(question.key.message)
    assert (message.shown, message.buttons) == ("One two three", ["Retry"])
    assert message.metadata["event_payload"]["mark"] == "m.0"
    assert message.stream is None or message.stream.state == "stopped"


async def test_while_a_later_page_is_streamed_the_session_goes_on(scene: Any) -> None:
    surface = await scene.surface()
    first = await surface.post("One", "m.0", growing=True)
    second = await surface.post("Two", "m.1", growing=True)
    await surface.edit(first, "One!")
    assert scene.slack.session(scene.channel, surface._thread)["status"] == "processing"
    await surface.edit(second, "Two!")
    assert scene.slack.session(scene.channel, surface._thread)["status"] == "active"
    assert [message.shown for message in scene.own(surface._thread)] == ["One!", "Two!"]


async def test_a_session_that_cannot_be_set_does_not_hold_the_answer_up(scene: Any) -> None:
    scene.platform._delivering.sessions.patience_s = 0.1
    scene.slack.faults.add(
        Fault("agents.sessions.setStatus", delay_s=0.5), Fault("agents.sessions.setStatus", status=500)
    )
    async with asyncio.timeout(120):
        for _ in range(2):
            surface = await scene.surface()
            ts = await surface.post("One", "m.0", growing=True)
            await surface.edit(ts, "One two")
            assert scene.own(surface._thread)[0].shown == "One two"


async def test_no_more_streams_begin_within_a_minute_than_slack_allows() -> None:
    load = WorkspaceLoad()
    for _ in range(18):
        assert load.favours_native()
        growing = load.add(native=True)
        load.started(growing)
        load.drop(growing)
    assert not load.favours_native()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60))
def test_streams_and_edited_replies_always_share_the_load(steps: list[tuple[bool, int]]) -> None:
    async def run() -> None:
        load, growing = WorkspaceLoad(), []
        for begins, index in steps:
            if begins or not growing:
                edited = sum(not one.native for one in growing)
                streams = len(growing) - edited
                native = load.favours_native()
                assert native is False or (streams <= 2 * edited and streams < 18)
                growing.append(load.add(native=native))
            else:
                load.drop(growing.pop(index % len(growing)))

    asyncio.run(run())


async def test_a_reply_that_nobody_holds_any_more_does_not_count() -> None:
    load = WorkspaceLoad()
    growing = load.add(native=True)
    assert not load.favours_native()
    del growing
    await asyncio.sleep(0)
    assert load.favours_native()
