"""Posting, editing, deleting and reading back, through the real client."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.slack import SimulatedSlack, SlackError

MARK = {"event_type": "parley", "event_payload": {"mark": "m-1"}}


async def test_a_reply_is_posted_edited_and_read_back_with_its_metadata(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "question")
    posted = await client.chat_postMessage(
        channel=general, thread_ts=root.ts, text="**part", metadata=MARK, unfurl_links=False, unfurl_media=False
    )
    blocks = [{"type": "markdown", "text": "**whole** answer"}]
    await client.chat_update(channel=general, ts=posted["ts"], text="whole", blocks=blocks)

    shown = slack.messages(general, root.ts)
    assert [m.shown for m in shown] == ["question", "**whole** answer"]
    assert shown[1].versions == ["**part", "**whole** answer"]
    assert shown[1].unfurl == {"unfurl_links": False, "unfurl_media": False}
    assert not shown[1].edited_flag
    assert [m.shown for m in slack.messages(general)] == ["question"]
    changes = [(c.kind, c.text, c.by_bot, c.thread) for c in slack.changes.seen]
    assert changes == [
        ("posted", "question", False, ""),
        ("posted", "**part", True, root.ts),
        ("edited", "**whole** answer", True, root.ts),
    ]

    read = await client.conversations_replies(channel=general, ts=root.ts, include_all_metadata=True)
    first, second = read["messages"]
    assert (first["thread_ts"], first["reply_count"], first["latest_reply"]) == (root.ts, 1, posted["ts"])
    assert second["metadata"] == MARK
    assert second["parent_user_id"] == ada.id
    assert second["bot_id"] == slack.app.bot.bot_id
    without = await client.conversations_replies(channel=general, ts=root.ts)
    assert "metadata" not in without["messages"][1]


async def test_an_edit_by_text_shows_that_it_was_edited_and_takes_the_blocks_away(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    general = slack.add_channel("general")
    posted = await client.chat_postMessage(channel=general, text="t", blocks=[{"type": "markdown", "text": "one"}])
    await client.chat_update(channel=general, ts=posted["ts"], text="two")
    (message,) = slack.messages(general)
    assert (message.shown, message.blocks, message.edited_flag) == ("two", [], True)


async def test_metadata_alone_can_be_replaced_and_leaves_what_is_shown(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    general = slack.add_channel("general")
    posted = await client.chat_postMessage(channel=general, text="one & two", metadata=MARK)
    new = {"event_type": "parley", "event_payload": {"mark": "m-2"}}
    await client.api_call("chat.update", json={"channel": general, "ts": posted["ts"], "metadata": new})
    (message,) = slack.messages(general)
    assert (message.shown, message.metadata, message.edited_flag) == ("one & two", new, False)


@pytest.mark.parametrize("way", ["json", "data", "params"])
async def test_arguments_may_come_as_json_as_a_form_and_in_the_query(
    slack: SimulatedSlack, client: AsyncWebClient, way: str
) -> None:
    general = slack.add_channel("general")
    root = await client.chat_postMessage(channel=general, text="root")
    args: dict[str, Any] = {"channel": general, "thread_ts": root["ts"], "text": "a+b & ü", "unfurl_links": "0"}
    args |= {"metadata": '{"event_type":"x","event_payload":{"n":1}}', "reply_broadcast": "true"}
    await client.api_call("chat.postMessage", **{way: args})
    message = slack.messages(general)[-1]
    assert (message.shown, message.broadcast, message.unfurl) == ("a+b & ü", True, {"unfurl_links": False})
    assert message.metadata == {"event_type": "x", "event_payload": {"n": 1}}
    assert slack.api.calls[-1].method == "chat.postMessage"
    assert slack.api.calls[-1].args["text"] == "a+b & ü"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": "C404", "text": "x"}, "channel_not_found"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "magic"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "markdown", "text": "x" * 6_001}] * 2}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [{"type": "markdown", "text": ""}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
         "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]},
         "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_700}}] * 5},
         "msg_blocks_too_long"),
        ({"text": "x", "blocks": [{"type": "context", "elements": []}]}, "invalid_blocks"),
    ],
)  # fmt: skip
async def test_a_post_slack_would_refuse_is_refused_and_not_shown(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any, args: dict[str, Any], error: str
) -> None:
    general = slack.add_channel("general")
    body = await refusal(client.api_call("chat.postMessage", json={"channel": general} | args))
    assert body["error"] == error
    assert slack.messages(general) == []
    assert slack.api.calls[-1].error == error


async def test_a_post_of_more_than_40000_characters_is_cut_off(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    general = slack.add_channel("general")
    await client.chat_postMessage(channel=general, text="x" * 40_001)
    await client.chat_postMessage(channel=general, markdown_text="x" * 12_000)
    assert [len(m.shown) for m in slack.messages(general)] == [40_000, 12_000]


async def test_an_edit_slack_would_refuse_is_refused(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    theirs = await slack.say(ada, general, "mine!")
    posted = await client.chat_postMessage(channel=general, text="x")
    cases = [
        ({"ts": theirs.ts, "text": "yours"}, "cant_update_message"),
        ({"ts": "1.000001", "text": "x"}, "message_not_found"),
        ({"ts": posted["ts"], "text": "x" * 4_001}, "msg_too_long"),
        ({"ts": posted["ts"], "text": ""}, "no_text"),
        ({"ts": posted["ts"], "blocks": []}, "no_text"),
    ]
    for args, error in cases:
        body = await refusal(client.api_call("chat.update", json={"channel": general} | args))
        assert body["error"] == error
    assert (await refusal(client.chat_delete(channel=general, ts=theirs.ts)))["error"] == "cant_delete_message"
    assert [m.versions for m in slack.messages(general)] == [["mine!"], ["x"]]


async def test_the_bot_can_delete_its_own_message(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    general = slack.add_channel("general")
    posted = await client.chat_postMessage(channel=general, text="oops")
    await client.chat_delete(channel=general, ts=posted["ts"])
    assert slack.messages(general) == []
    assert [c.kind for c in slack.changes.seen] == ["posted", "deleted"]


async def test_history_is_newest_first_and_replies_are_oldest_first_page_by_page(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    root = await slack.say(ada, general, "root")
    said = [await slack.say(ada, general, f"r{i}", thread=root.ts, broadcast=i == 2) for i in range(5)]
    await slack.say(ada, general, "last")

    async def texts(method: str, **args: Any) -> list[str]:
        answer = await client.api_call(method, http_verb="GET", params={"channel": general} | args)
        return [message["text"] for message in answer["messages"]]

    assert await texts("conversations.history") == ["last", "r2", "root"]
    assert await texts("conversations.replies", ts=root.ts) == ["root", "r0", "r1", "r2", "r3", "r4"]
    assert await texts("conversations.replies", ts=root.ts, oldest=said[1].ts) == ["root", "r2", "r3", "r4"]
    assert await texts("conversations.replies", ts=root.ts, latest=said[1].ts, inclusive=1) == ["root", "r0", "r1"]
    assert await texts("conversations.replies", ts=said[0].ts) == ["r0"]
    assert await texts("conversations.history", oldest=said[0].ts, latest=said[4].ts) == ["r2"]

    paged = await client.conversations_replies(channel=general, ts=root.ts, limit=2)
    pages = [[message["text"] for message in page["messages"]] async for page in paged]
    assert pages == [
        ["root", "r0", "r1"], ["root", "r2", "r3"], ["root", "r4"],
    ]  # fmt: skip
    assert (await refusal(client.conversations_replies(channel=general, ts="1.000001")))["error"] == "thread_not_found"
    body = await refusal(client.conversations_history(channel=general, oldest="yesterday"))
    assert body["error"] == "invalid_ts_oldest"
    assert (await refusal(client.conversations_history(channel=general, cursor="?")))["error"] == "invalid_cursor"


async def test_who_a_message_would_ping_is_known(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    active = f"<!channel> <!here|here> <@{ada.id}> <@U404> <!subteam^S1>"
    await client.chat_postMessage(channel=general, text=active)
    await client.chat_postMessage(channel=general, markdown_text=active)
    await client.chat_postMessage(channel=general, text="&lt;!channel&gt; @here @Ada")
    await client.chat_postMessage(channel=general, text="@here @Ada", link_names=True)
    user = {"type": "rich_text_section", "elements": [{"type": "user", "user_id": ada.id}]}
    await client.chat_postMessage(channel=general, text="x", blocks=[{"type": "rich_text", "elements": [user]}])
    everyone = {"channel", "here", ada.id, "S1"}
    assert [m.pings for m in slack.messages(general)] == [everyone, everyone, set(), {"here", ada.id}, {ada.id}]
    assert [m.shown for m in slack.messages(general)][2] == "<!channel> @here @Ada"


async def test_an_alert_bots_message_may_have_its_words_in_attachments_only(slack: SimulatedSlack, bolt: Any) -> None:
    alerts, general = slack.add_person("Alerts", bot=True), slack.add_channel("general")
    await slack.say(alerts, general, "", attachments=[{"fallback": "disk full"}])
    event = await bolt.next()
    assert (event["text"], event["attachments"]) == ("", [{"fallback": "disk full"}])
    assert slack.messages(general)[0].shown == "disk full"


async def test_a_status_is_shown_until_the_bot_posts_or_time_passes(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    ada = slack.add_person("Ada")
    dm = slack.dm(ada)
    root = await slack.say(ada, dm, "think")
    await client.assistant_threads_setStatus(channel_id=dm, thread_ts=root.ts, status="is thinking…")
    await client.chat_postMessage(channel=dm, thread_ts=root.ts, text="here")
    assert [(c.kind, c.text) for c in slack.changes.seen[1:]] == [
        ("status", "is thinking…"), ("status", ""), ("posted", "here"),
    ]  # fmt: skip
    slack.settings.status_lasts_s = 0.05
    since = len(slack.changes.seen)
    await client.assistant_threads_setStatus(channel_id=dm, thread_ts=root.ts, status="is reading…")
    gone = await slack.changes.wait(lambda c: c.kind == "status" and not c.text, since=since)
    assert (gone.place, gone.thread, gone.message, gone.by_bot) == (dm, root.ts, "", True)
    call = client.assistant_threads_setStatus(channel_id=dm, thread_ts="1.000001", status="x")
    assert (await refusal(call))["error"] == "invalid_thread_ts"


async def test_a_person_cannot_edit_anothers_message(slack: SimulatedSlack) -> None:
    ada, bob, general = slack.add_person("Ada"), slack.add_person("Bob"), slack.add_channel("general")
    said = await slack.say(ada, general, "mine")
    with pytest.raises(SlackError, match="cant_update_message"):
        await slack.edit(bob, general, said.ts, "no, mine")
