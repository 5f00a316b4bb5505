"""Buttons: what Slack refuses, what a press sends, and what the presser is shown."""

import asyncio
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.simulator.faults import Fault
from bot.simulator.slack import SimulatedSlack, SlackError


def button(label: str, action_id: str = "", **more: Any) -> dict[str, Any]:
    found = {"type": "button", "text": {"type": "plain_text", "text": label}} | more
    return found | ({"action_id": action_id} if action_id else {})


def below(text: str, *buttons: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "markdown", "text": text}, {"type": "actions", "block_id": "parley", "elements": list(buttons)}]


class Answer:
    """An answer in a thread with a Stop button, and the person who asked."""

    def __init__(self, slack: SimulatedSlack, client: AsyncWebClient) -> None:
        self.slack, self.client = slack, client
        self.ada, self.general = slack.add_person("Ada Lovelace"), slack.add_channel("general")
        self.root, self.ts = "", ""

    async def post(self) -> None:
        self.root = (await self.slack.say(self.ada, self.general, "tell me")).ts
        blocks = below("an answer", button("Stop", "stop", value="t1", style="danger"), button("Retry", "retry"))
        posted = await self.client.chat_postMessage(
            channel=self.general, thread_ts=self.root, text="an answer", blocks=blocks
        )
        self.ts = posted["ts"]

    async def press(self, label: str = "Stop", wait_s: float = 0.05) -> str:
        return await self.slack.press(self.ada, self.general, self.ts, label, wait_s=wait_s)


@pytest.fixture
async def answer(slack: SimulatedSlack, client: AsyncWebClient) -> Answer:
    answer = Answer(slack, client)
    await answer.post()
    return answer


async def test_the_buttons_below_a_message_are_shown_apart_from_its_text(answer: Answer) -> None:
    message = answer.slack.messages(answer.general, answer.root)[1]
    assert (message.shown, message.buttons) == ("an answer", ["Stop", "Retry"])
    blocks = below("whole", button("Retry", "r"))
    await answer.client.chat_update(channel=answer.general, ts=answer.ts, text="whole", blocks=blocks)
    assert (message.shown, message.buttons) == ("whole", ["Retry"])
    await answer.slack.delete(answer.general, answer.ts)
    assert message.buttons == []


async def test_a_button_beside_a_section_is_a_button(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    general = slack.add_channel("general")
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": button("Go", "go")}
    await client.chat_postMessage(channel=general, text="x", blocks=[section])
    assert slack.messages(general)[0].buttons == ["Go"]
    section["accessory"] = button("G" * 76)
    call = client.chat_postMessage(channel=general, text="x", blocks=[section])
    assert (await refusal(call))["error"] == "invalid_blocks"


@pytest.mark.parametrize(
    "elements",
    [
        [],
        [button(str(n), f"a{n}") for n in range(26)],
        [button("x" * 76)],
        [button("")],
        [button("x", "a" * 256)],
        [button("x", "same"), button("y", "same")],
        [button("x", value="v" * 2_001)],
        [button("x", url="u" * 3_001)],
        [button("x", style="loud")],
        [button("x") | {"text": {"type": "mrkdwn", "text": "x"}}],
        [button("x") | {"text": "x"}],
        ["x"],
    ],
)
async def test_buttons_slack_would_refuse_are_refused(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, elements: list[Any]
) -> None:
    general = slack.add_channel("general")
    body = await refusal(client.chat_postMessage(channel=general, text="x", blocks=below("x", *elements)))
    assert body["error"] == "invalid_blocks"
    assert slack.messages(general) == []


async def test_two_blocks_with_one_id_are_refused(slack: SimulatedSlack, client: AsyncWebClient, refusal: Any) -> None:
    blocks = [below("x", button("x"))[1]] * 2
    call = client.chat_postMessage(channel=slack.add_channel("general"), text="x", blocks=blocks)
    assert (await refusal(call))["errors"] == ["`block_id` already exists [json-pointer:/blocks]"]


async def test_the_largest_buttons_are_taken(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    general = slack.add_channel("general")
    most = [button("x" * 75, f"{n:0>255}", value="v" * 2_000) for n in range(25)]
    await client.chat_postMessage(channel=general, text="x", blocks=below("x", *most))
    assert len(slack.messages(general)[0].buttons) == 25


async def test_a_press_reaches_bolt_with_who_where_and_what(answer: Answer, bolt: Any) -> None:
    presses: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.app.action("stop")
    async def pressed(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        presses.put_nowait(body)
        await client.chat_postEphemeral(
            channel=body["channel"]["id"], user=body["user"]["id"], text="*Stopped*", thread_ts=answer.root
        )
        await ack()

    assert await answer.press(wait_s=5.0) == "*Stopped*"
    body = presses.get_nowait()
    assert body["user"]["id"] == answer.ada.id
    assert (body["team"]["id"], body["channel"]) == (
        answer.slack.app.team_id,
        {"id": answer.general, "name": "general"},
    )
    assert body["container"]["message_ts"] == body["message"]["ts"] == answer.ts
    assert body["container"]["thread_ts"] == answer.root
    (action,) = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("stop", "parley", "t1")
    assert body["trigger_id"]
    whisper = await answer.slack.whispered(answer.ada)
    assert (whisper.text, whisper.thread, whisper.channel) == ("*Stopped*", answer.root, answer.general)
    assert [m.ts for m in answer.slack.messages(answer.general, answer.root)] == [answer.root, answer.ts]


async def test_an_answer_that_comes_after_the_ack_is_seen_and_a_late_one_can_be_waited_for(
    answer: Answer, bolt: Any
) -> None:
    go_on = asyncio.Event()

    @bolt.app.action("stop")
    async def stop(ack: Any, respond: Any) -> None:
        await ack()
        await respond("Stopping.")

    @bolt.app.action("retry")
    async def retry(ack: Any, respond: Any) -> None:
        await ack()
        await go_on.wait()
        await respond("At last.")

    assert await answer.press(wait_s=5.0) == "Stopping."
    assert await answer.press("Retry") == ""
    go_on.set()
    assert (await answer.slack.whispered(answer.ada, since=1)).text == "At last."


async def test_a_press_nobody_acknowledges_is_a_warning_sign_and_comes_once(answer: Answer, bolt: Any) -> None:
    answer.slack.settings.acknowledge_press_within_s = 0.05
    bolt.deaf = True
    with pytest.raises(TimeoutError, match="did not acknowledge"):
        await answer.press()
    assert [e.event_type for e in answer.slack.events.envelopes].count("block_actions") == 1
    assert not any(e.acked for e in answer.slack.events.envelopes if e.event_type == "block_actions")


async def test_without_a_connection_or_without_interactivity_a_press_is_a_warning_sign(answer: Answer) -> None:
    with pytest.raises(TimeoutError, match="no connection"):
        await answer.press()
    answer.slack.settings.interactivity = False
    with pytest.raises(TimeoutError, match="switched off"):
        await answer.press()


async def test_what_is_not_there_cannot_be_pressed(answer: Answer) -> None:
    with pytest.raises(LookupError, match="no button 'Continue'"):
        await answer.press("Continue")
    with pytest.raises(LookupError, match="no such message"):
        await answer.slack.press(answer.ada, answer.general, "1.000001", "Stop")
    alerts = answer.slack.add_person("Alerts", bot=True)
    theirs = await answer.slack.say(alerts, answer.general, "", blocks=below("x", button("Snooze")))
    with pytest.raises(LookupError, match="another app"):
        await answer.slack.press(answer.ada, answer.general, theirs.ts, "Snooze")


async def _pressed(answer: Answer, bolt: Any) -> AsyncWebhookClient:
    """Press Stop and return the SDK's client for its response_url."""
    urls: asyncio.Queue[str] = asyncio.Queue()

    @bolt.app.action("stop")
    async def pressed(ack: Any, body: dict[str, Any]) -> None:
        urls.put_nowait(body["response_url"])
        await ack()

    assert await answer.press() == ""
    return AsyncWebhookClient(urls.get_nowait(), retry_handlers=[])


async def test_a_response_url_takes_five_answers_and_is_private_unless_told_otherwise(
    answer: Answer, bolt: Any
) -> None:
    webhook = await _pressed(answer, bolt)
    bad = await webhook.send(text="")
    assert (bad.status_code, "no_text" in bad.body) == (400, True)
    assert (await webhook.send(text="for you")).status_code == 200
    assert (await webhook.send(text="for all", response_type="in_channel")).status_code == 200
    assert (await webhook.send(text="new text", replace_original=True)).status_code == 200
    shown = [m.shown for m in answer.slack.messages(answer.general, answer.root)]
    assert shown == ["tell me", "new text"]
    assert answer.slack.messages(answer.general)[-1].shown == "for all"
    assert (await webhook.send(delete_original=True)).status_code == 200
    assert (await webhook.send(text="the fifth")).status_code == 200
    assert [m.ts for m in answer.slack.messages(answer.general, answer.root)] == [answer.root]
    refused = await webhook.send(text="the sixth")
    assert (refused.status_code, "used_url" in refused.body) == (404, True)
    assert answer.slack.whispers(answer.ada) == ["for you", "the fifth"]


async def test_a_response_url_expires(answer: Answer, bolt: Any) -> None:
    webhook = await _pressed(answer, bolt)
    answer.slack.presses.expire_urls()
    refused = await webhook.send(text="too late")
    assert (refused.status_code, "expired_url" in refused.body) == (404, True)
    stranger = AsyncWebhookClient(webhook.url + "0", retry_handlers=[])
    assert (await stranger.send(text="x")).status_code == 404


async def test_a_response_url_can_fail(answer: Answer, bolt: Any) -> None:
    webhook = await _pressed(answer, bolt)
    answer.slack.faults.add(Fault("response_url", status=503))
    assert (await webhook.send(text="lost")).status_code == 503
    assert answer.slack.whispers(answer.ada) == []


async def test_an_ephemeral_message_is_for_a_member_and_in_a_thread_only_if_there_is_one(
    answer: Answer, refusal: Any
) -> None:
    stranger, place = answer.slack.add_person("Eve"), {"channel": answer.general, "text": "psst"}
    body = await refusal(answer.client.chat_postEphemeral(**place, user=stranger.id))
    assert body["error"] == "user_not_in_channel"
    assert (await refusal(answer.client.chat_postEphemeral(channel="C404", user=stranger.id, text="x")))["error"] == (
        "channel_not_found"
    )
    alone = await answer.slack.say(answer.ada, answer.general, "no replies yet")
    sent = await answer.client.chat_postEphemeral(**place, user=answer.ada.id, thread_ts=alone.ts)
    assert sent["message_ts"]
    assert answer.slack.whispers(answer.ada) == []
    await answer.client.chat_postEphemeral(**place, user=answer.ada.id, blocks=below("**psst**", button("OK")))
    assert answer.slack.whispers(answer.ada) == ["**psst**"]
    read = await answer.client.conversations_history(channel=answer.general)
    assert "psst" not in str(read["messages"])


async def test_a_dm_is_pressed_by_its_person_alone(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    ada, eve = slack.add_person("Ada"), slack.add_person("Eve")
    posted = await client.chat_postMessage(channel=slack.dm(ada), text="x", blocks=below("x", button("OK")))
    with pytest.raises(SlackError, match="channel_not_found"):
        await slack.press(eve, slack.dm(ada), posted["ts"], "OK")
