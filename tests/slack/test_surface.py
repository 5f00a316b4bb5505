"""What the bot posts and edits, as people in Slack see it, and what it does when Slack does not answer well."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from loop_clock import until

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Unreachable
from bot.platforms.slack.calls import NoMessage, SlackRejected
from bot.platforms.slack.seal import Seal, seal_key
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]
WICKED = "@everyone @here <@{ben}> <!channel> <!here> <!everyone> <!subteam^S1> &lt;!here&gt; https://example.com/x"


def shown(scene: Any, surface: Any) -> list[str]:
    return [message.shown for message in scene.own(surface._thread)]


async def test_an_answer_stands_in_the_thread_of_its_question(scene: Any) -> None:
    surface = await scene.surface()
    message_id = await surface.post(surface.dialect.render("**Hello** a<b & c"), "m.0")
    (message,) = scene.own(surface._thread)
    assert message.ts == message_id
    assert message.shown == "**Hello** a<b & c"
    assert message.text == "**Hello** a&lt;b &amp; c"
    assert message.metadata["event_payload"]["mark"] == "m.0"
    assert message.unfurl == {"unfurl_links": False, "unfurl_media": False}
    assert not message.broadcast


async def test_an_edit_replaces_the_text_and_does_not_show_as_one(scene: Any) -> None:
    surface = await scene.surface()
    message_id = await surface.post("One", "m.0")
    await surface.edit(message_id, "One two")
    (message,) = scene.own(surface._thread)
    assert message.versions == ["One", "One two"]
    assert not message.edited_flag


async def test_a_full_page_is_taken(scene: Any) -> None:
    surface = await scene.surface()
    page = surface.dialect.render("& < >")
    page = (page * surface.limits.page_size)[: surface.limits.page_size - 10]
    message_id = await surface.post(page, "m.0")
    await surface.edit(message_id, page)
    assert len(shown(scene, surface)) == 1


async def test_nothing_posted_or_edited_pings(scene: Any) -> None:
    surface = await scene.surface()
    wicked = surface.dialect.render(WICKED.format(ben=scene.ben.id))
    message_id = await surface.post(wicked, "m.0")
    assert scene.own(surface._thread)[0].pings == set()
    await surface.edit(message_id, wicked + " again")
    assert scene.own(surface._thread)[0].pings == set()


async def test_a_notification_shows_the_first_words(scene: Any) -> None:
    surface = await scene.surface()
    await surface.post("> one\n\n&lt;!here&gt; " + "word " * 100, "m.0")
    text = next(call.args["text"] for call in scene.slack.api.calls if call.method == "chat.postMessage")
    assert text.startswith("&gt; one &lt;!here&gt; word")
    assert len(text) <= 151


@pytest.mark.parametrize(
    "fault",
    [
        Fault("chat.postMessage", status=502, after=True),
        Fault("chat.postMessage", drop=True, after=True),
        Fault("chat.postMessage", status=200, body={"ok": False, "error": "fatal_error"}, after=True),
    ],
    ids=["502", "connection lost", "fatal_error"],
)
async def test_rows_6_and_10_a_post_whose_answer_is_lost_is_made_once(scene: Any, fault: Fault) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(fault)
    message_id = await surface.post("Once", "m.0")
    assert [message.ts for message in scene.own(surface._thread)] == [message_id]
    assert scene.calls("chat.postMessage") == 1
    assert scene.calls("conversations.replies") == 1


async def test_a_post_that_never_arrived_is_made_again(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault("chat.postMessage", status=503))
    await surface.post("Once", "m.0")
    assert shown(scene, surface) == ["Once"]


async def test_a_later_process_finds_what_an_earlier_one_posted(scene: Any) -> None:
    question = await scene.asked()
    first = await scene.at(question).post("Once", "m.0")
    await scene.say("in between", thread=question.key.message)
    later = scene.at(question)
    assert await later.post("Once", "m.0", may_exist=True) == first
    second = await later.post("Twice", "m.1", may_exist=True)
    assert second != first
    assert shown(scene, later) == ["Once", "Twice"]


async def test_what_slack_carries_out_after_the_process_that_asked_is_dead_is_found(scene: Any) -> None:
    question = await scene.asked()
    scene.slack.faults.add(Fault("chat.postMessage", delay_s=1.0))
    first = asyncio.create_task(scene.at(question).post("The first try", "m.0"))
    await until(lambda: not scene.slack.faults._waiting)  # Slack has the call
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    later = scene.at(question)
    await later.post("The second try", "m.0", may_exist=True)
    assert shown(scene, later) == ["The first try"]


async def test_a_message_of_another_bot_with_our_mark_is_not_taken_for_ours(scene: Any) -> None:
    surface = await scene.surface()
    forged = await scene.say("Forged", who=scene.robot, thread=surface._thread)
    forged.metadata = surface._seal.on("m.0")
    assert await surface.post("Ours", "m.0", may_exist=True) != forged.ts
    assert shown(scene, surface) == ["Ours"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"event_type": "parley_part", "event_payload": {"mark": "m.0"}},
        {"event_type": "parley_part", "event_payload": {"mark": "m.0", "sig": "0" * 64}},
        {"event_type": "parley_part", "event_payload": {"mark": "m.0", "sig": "é"}},
        {"event_type": "parley_part", "event_payload": "m.0"},
        {"event_type": "other"},
    ],
)
def test_row_9_a_mark_that_we_did_not_sign_is_none(metadata: dict[str, Any]) -> None:
    assert Seal(seal_key("xoxb-1"), "C1", "1.0").idempotency_key_of({"metadata": metadata}) == ""


def test_row_9_a_mark_that_was_signed_for_another_thread_or_by_another_app_is_none() -> None:
    ours = Seal(seal_key("xoxb-1"), "C1", "1.0")
    assert ours.idempotency_key_of({"metadata": ours.on("m.0")}) == "m.0"
    for other in (Seal(seal_key("xoxb-2"), "C1", "1.0"), Seal(seal_key("xoxb-1"), "C1", "2.0")):
        assert ours.idempotency_key_of({"metadata": other.on("m.0")}) == ""


async def test_an_answer_in_a_long_thread_is_found(scene: Any) -> None:
    question = await scene.asked()
    first = await scene.at(question).post("Once", "m.0")
    for number in range(220):
        await scene.slack.say(scene.ben, scene.channel, f"line {number}", thread=question.key.message)
    assert await scene.at(question).post("Once", "m.0", may_exist=True) == first


async def test_row_7_where_the_thread_may_not_be_read_a_lost_post_is_made_once_more_and_labelled(
    connected: Connected,
) -> None:
    async with connected() as scene:
        surface = await scene.surface()
        scene.slack.app.deny("history")
        scene.slack.faults.add(Fault("chat.postMessage", status=502, after=True))
        message_id = await surface.post("Once", "m.0")
        await surface.edit(message_id, "Once more")
        assert shown(scene, surface) == ["Once", "Once more\n(resent)"]


async def test_where_the_thread_may_not_be_read_a_second_lost_post_ends_it(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.app.deny("history")
    scene.slack.faults.add(Fault("chat.postMessage", status=502, after=True, times=2))
    with pytest.raises(Unreachable):
        await surface.post("Once", "m.0")
    with pytest.raises(Forbidden):
        await surface.post("Once", "m.0", may_exist=True)
    assert len(shown(scene, surface)) == 2


async def test_a_post_that_was_refused_a_connection_is_not_in_doubt(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.app.deny("history")
    client, _ = await scene.platform._calls._gate.client()
    here, client.base_url = client.base_url, "http://127.0.0.1:1/api/"
    with pytest.raises(Unreachable):
        await surface.post("Once", "m.0")
    client.base_url = here
    await surface.post("Once", "m.0", may_exist=True)
    assert shown(scene, surface) == ["Once"]


async def test_a_rate_limit_is_passed_on_with_its_wait(scene: Any) -> None:
    surface = await scene.surface()
    message_id = await surface.post("Text", "m.0")
    scene.slack.faults.add(Fault("chat.update", status=429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited) as limited:
        await surface.edit(message_id, "More")
    assert limited.value.retry_after_s == 7.0
    assert scene.calls("chat.update") == 1


async def test_editing_too_fast_is_limited_by_slack(scene: Any) -> None:
    surface = await scene.surface()
    message_id = await surface.post("Text", "m.0")
    for number in range(surface.limits.edits.calls):
        await surface.edit(message_id, f"Text {number}")
    with pytest.raises(RateLimited):
        await surface.edit(message_id, "One too many")
    assert scene.own(surface._thread)[0].shown == f"Text {surface.limits.edits.calls - 1}"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("message_not_found", NoMessage),
        ("channel_not_found", Gone),
        ("is_archived", Gone),
        ("missing_scope", Forbidden),
        ("not_in_channel", Forbidden),
        ("restricted_action_read_only_channel", Forbidden),
        ("token_revoked", Forbidden),
        ("internal_error", Unreachable),
        ("ratelimited", RateLimited),
    ],
)
async def test_row_39_what_slack_refuses_is_told_apart(scene: Any, error: str, kind: type[PlatformError]) -> None:
    surface = await scene.surface()
    # twice: what is not taken as it is goes out once more as nothing but text
    scene.slack.faults.add(Fault("chat.update", body={"ok": False, "error": error}, times=2))
    with pytest.raises(PlatformError) as refused:
        await surface.edit("1.0", "More")
    assert type(refused.value) is kind or (kind is Forbidden and isinstance(refused.value, Forbidden))
    assert error in refused.value.detail
    assert error not in refused.value.sentence


async def test_an_edit_that_is_not_taken_in_its_plainest_form_either_is_rejected(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault("chat.update", body={"ok": False, "error": "msg_blocks_too_long"}, times=2))
    with pytest.raises(SlackRejected, match="msg_blocks_too_long"):
        await surface.edit("1.0", "More")
    assert [bool(c.args["blocks"]) for c in scene.slack.api.calls if c.method == "chat.update"] == [True, False]


async def test_the_status_shows_in_the_thread_and_can_be_taken_away(scene: Any) -> None:
    surface = await scene.surface()
    await surface.status("is thinking…")
    await surface.status("")
    statuses = [(c.text, c.thread) for c in scene.slack.changes.seen if c.kind == "status"]
    assert statuses == [("is thinking…", surface._thread), ("", surface._thread)]


async def test_a_status_that_is_refused_harms_nothing(scene: Any) -> None:
    surface = await scene.surface()
    scene.slack.faults.add(Fault("assistant.threads.setStatus", body={"ok": False, "error": "missing_scope"}))
    await surface.status("is thinking…")
    scene.slack.faults.add(Fault("assistant.threads.setStatus", status=500))
    await surface.status("is thinking…")


async def test_a_dm_is_answered_in_its_thread(scene: Any) -> None:
    place = scene.slack.dm(scene.ann)
    question = await scene.asked("hello", place)
    await scene.at(question).post("Hi", "m.0")
    assert [m.shown for m in scene.slack.messages(place, question.key.message)] == ["hello", "Hi"]
    assert [m.shown for m in scene.slack.messages(place)] == ["hello"]


async def test_the_budgets_are_slacks_scopes(scene: Any) -> None:
    one, two = (await scene.surface()).limits, (await scene.surface()).limits
    assert one.edits == two.edits
    assert scene.channel in one.posts.scope
    assert scene.channel not in one.edits.scope
