"""What is heard when a message changes or goes."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack


async def test_a_preview_changes_a_message_and_not_its_text(slack: SimulatedSlack, bolt: Any) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    said = await slack.say(ada, general, f"{slack.app.mention} see https://example.com/a?b=1&c=2 please")
    before = [await bolt.next(), await bolt.next()][0]  # the message or its app_mention: they say the same
    await slack.unfurl(general, said.ts, "An example")
    changed = await bolt.next()
    assert (changed["subtype"], changed["hidden"], changed["channel_type"]) == ("message_changed", True, "channel")
    assert changed["message"]["text"] == changed["previous_message"]["text"] == before["text"]
    assert "edited" not in changed["message"]
    assert changed["message"]["attachments"][0]["title"] == "An example"
    assert "attachments" not in changed["previous_message"]
    assert not said.edited_flag
    await slack.events.settled()
    assert [e.event_type for e in slack.events.envelopes] == ["message", "app_mention", "message"]


async def test_a_message_posted_without_previews_gets_none(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    general = slack.add_channel("general")
    posted = await client.chat_postMessage(channel=general, text="https://example.com", unfurl_links=False)
    assert (await slack.unfurl(general, posted["ts"])).attachments == []
    shown = await client.chat_postMessage(channel=general, text="https://example.com")
    assert len((await slack.unfurl(general, shown["ts"])).attachments) == 1
    plain = await client.chat_postMessage(channel=general, text="no link")
    with pytest.raises(LookupError, match="no link"):
        await slack.unfurl(general, plain["ts"])


async def test_an_edit_of_a_reply_with_a_file_keeps_thread_and_file(slack: SimulatedSlack, bolt: Any) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "root")
    said = await slack.say(ada, general, "look", files=[("a.png", b"png")], thread=root.ts)
    for _ in range(2):
        await bolt.next()
    await slack.edit(ada, general, said.ts, "look here")
    changed = await bolt.next()
    await slack.delete(general, said.ts)
    deleted = await bolt.next()
    for message in (changed["message"], changed["previous_message"], deleted["previous_message"]):
        assert (message["ts"], message["thread_ts"], message["files"][0]["name"]) == (said.ts, root.ts, "a.png")
        assert message["client_msg_id"] == said.client_msg_id
    assert said.ts not in {changed["ts"], deleted["ts"]}
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", said.ts)
    assert deleted["previous_message"]["edited"]["user"] == ada.id


async def test_the_bots_own_edits_and_deletions_are_heard_too(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient
) -> None:
    general = slack.add_channel("general")
    posted = await client.chat_postMessage(channel=general, text="one")
    assert "subtype" not in await bolt.next()
    await client.chat_update(channel=general, ts=posted["ts"], text="two")
    assert (await bolt.next())["subtype"] == "message_changed"
    await client.chat_delete(channel=general, ts=posted["ts"])
    deleted = await bolt.next()
    assert (deleted["subtype"], deleted["previous_message"]["bot_id"]) == ("message_deleted", slack.app.bot.bot_id)
