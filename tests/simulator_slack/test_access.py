"""Who the bot is, what it may do, how often, and what happens when the line is bad."""

import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.faults import Fault
from bot.simulator.slack import SimulatedSlack


async def test_the_bot_finds_out_who_it_is_and_who_is_there(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    me = await client.auth_test()
    assert (me["user_id"], me["bot_id"], me["team_id"]) == (slack.app.bot.id, slack.app.bot.bot_id, slack.app.team_id)
    assert (await client.bots_info(bot=slack.app.bot.bot_id))["bot"]["app_id"] == slack.app.id
    assert (await client.team_info())["team"]["id"] == slack.app.team_id
    ada, eve = slack.add_person("Ada Lovelace"), slack.add_person("Eve", guest=True)
    user = (await client.users_info(user=ada.id))["user"]
    assert (user["profile"]["display_name"], user["is_bot"], user["is_restricted"]) == ("Ada Lovelace", False, False)
    assert (await client.users_info(user=eve.id))["user"]["is_restricted"]
    assert (await refusal(client.users_info(user="U404")))["error"] == "user_not_found"
    assert (await refusal(client.bots_info(bot="B404")))["error"] == "bot_not_found"


async def test_conversations_are_opened_and_described(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    ada, bob = slack.add_person("Ada"), slack.add_person("Bob")
    general = slack.add_channel("general", member=False)
    channel = (await client.conversations_info(channel=general))["channel"]
    assert (channel["name"], channel["is_channel"], channel["is_member"]) == ("general", True, False)
    dm = (await client.conversations_open(users=ada.id))["channel"]["id"]
    assert dm == slack.dm(ada)
    assert (await client.conversations_info(channel=dm))["channel"]["user"] == ada.id
    group = (await client.conversations_open(users=[ada.id, bob.id], return_im=True))["channel"]
    assert group["is_mpim"]
    members = (await client.conversations_members(channel=group["id"]))["members"]
    assert set(members) == {ada.id, bob.id, slack.app.bot.id}
    assert (await client.chat_postMessage(channel=ada.id, text="hi"))["channel"] == dm
    here = await client.users_conversations(types="public_channel,im,mpim")
    assert [c["id"] for c in here["channels"]] == [dm, group["id"]]
    assert (await refusal(client.conversations_open(users="U404")))["error"] == "user_not_found"
    assert (await refusal(client.conversations_info(channel="C404")))["error"] == "channel_not_found"


async def test_a_wrong_token_is_named_for_what_it_is(
    slack: SimulatedSlack, client: AsyncWebClient, session: aiohttp.ClientSession, refusal: Any
) -> None:
    def other(token: str | None) -> AsyncWebClient:
        return AsyncWebClient(token, base_url=slack.api_url, session=session, retry_handlers=[])

    assert (await refusal(other("xoxb-wrong").auth_test()))["error"] == "invalid_auth"
    assert (await refusal(other(None).auth_test()))["error"] == "not_authed"
    assert (await refusal(other(slack.app.app_token).users_info(user="U1")))["error"] == "not_allowed_token_type"
    assert (await other(slack.app.app_token).auth_test())["app_id"] == slack.app.id
    opening = client.apps_connections_open(app_token=slack.app.bot_token)
    assert (await refusal(opening))["error"] == "not_allowed_token_type"
    opening = client.apps_connections_open(app_token="xapp-wrong")
    assert (await refusal(opening))["error"] == "invalid_auth"
    assert (await refusal(client.api_call("chat.sing")))["error"] == "unknown_method"
    assert all("token" not in call.args for call in slack.api.calls)


async def test_a_scope_that_is_denied_is_named_in_the_answer_and_its_events_stay_away(
    slack: SimulatedSlack, bolt: Any, client: AsyncWebClient, refusal: Any
) -> None:
    ada, general = slack.add_person("Ada"), slack.add_channel("general")
    slack.app.deny("channels:history", "files")
    body = await refusal(client.conversations_history(channel=general))
    assert (body["error"], body["needed"]) == ("missing_scope", "channels:history")
    assert "im:history" in body["provided"].split(",")
    assert "files:read" not in body["provided"]
    assert (await refusal(client.files_info(file="F1")))["needed"] == "files:read"
    await slack.say(ada, general, f"{slack.app.mention} hello")
    await slack.say(ada, slack.dm(ada), "hello")
    assert [(await bolt.next())["type"] for _ in range(2)] == ["app_mention", "message"]
    with pytest.raises(ValueError, match="no such feature: singing"):
        slack.app.deny("singing")


async def test_one_edit_too_many_in_a_minute_is_429_for_the_whole_workspace(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    general, random = slack.add_channel("general"), slack.add_channel("random")
    posts = [(c, (await client.chat_postMessage(channel=c, text="x"))["ts"]) for c in (general, random)]
    for n in range(50):
        await client.chat_update(channel=posts[n % 2][0], ts=posts[n % 2][1], text=str(n))
    body = await refusal(client.chat_update(channel=general, ts=posts[0][1], text="one too many"))
    assert body == {"ok": False, "error": "ratelimited"}
    assert slack.api.limited == 1
    assert slack.api.calls[-1].status == 429
    assert slack.messages(general)[0].shown == "48"


async def test_posts_are_limited_per_channel_and_the_waiting_time_is_told_and_true(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=1)]
    patient = AsyncWebClient(slack.app.bot_token, base_url=slack.api_url, session=session, retry_handlers=handlers)
    general, random = slack.add_channel("general"), slack.add_channel("random")
    for n in range(5):
        await patient.chat_postMessage(channel=general, text=str(n))
    await patient.chat_postMessage(channel=random, text="another channel")
    assert slack.api.limited == 0
    url, headers = f"{slack.api_url}chat.postMessage", {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with session.post(url, json={"channel": general, "text": "5"}, headers=headers) as answer:
        assert answer.status == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
    assert len(slack.messages(general)) == 5


async def test_a_method_may_take_fewer_calls_at_once_than_in_a_minute_and_more_as_time_passes(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    slack.limits.set_burst("users.info", 2)
    client = AsyncWebClient(slack.app.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
    ada = slack.add_person("Ada")
    for _ in range(2):
        await client.users_info(user=ada.id)
    with pytest.raises(SlackApiError) as refused:
        await client.users_info(user=ada.id)
    assert refused.value.response.headers["Retry-After"] == "1"
    handler = AsyncRateLimitErrorRetryHandler(max_retry_count=1)  # one call more is taken after 0.6 s
    client.retry_handlers.append(handler)
    await client.users_info(user=ada.id)


async def test_the_limits_can_be_switched_off(session: aiohttp.ClientSession) -> None:
    async with SimulatedSlack(limits=False) as slack:
        client = AsyncWebClient(slack.app.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        general = slack.add_channel("general")
        for n in range(60):
            await client.chat_postMessage(channel=general, text=str(n))
        assert slack.api.limited == 0


async def test_a_response_lost_after_landing_leaves_the_message_there(
    slack: SimulatedSlack, client: AsyncWebClient
) -> None:
    general = slack.add_channel("general")
    slack.faults.add(Fault("chat.postMessage", drop=True, after=True))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=general, text="landed")
    assert [m.shown for m in slack.messages(general)] == ["landed"]
    assert (slack.api.calls[-1].status, slack.api.calls[-1].error) == (0, "dropped")


async def test_the_sdks_own_retries_post_a_lost_response_twice(
    slack: SimulatedSlack, session: aiohttp.ClientSession
) -> None:
    default = AsyncWebClient(slack.app.bot_token, base_url=slack.api_url, session=session)
    general = slack.add_channel("general")
    slack.faults.add(Fault("chat.postMessage", drop=True, after=True))
    await default.chat_postMessage(channel=general, text="once?")
    assert [m.shown for m in slack.messages(general)] == ["once?", "once?"]


async def test_faults_answer_with_their_status_body_and_headers(
    slack: SimulatedSlack, client: AsyncWebClient, refusal: Any
) -> None:
    general = slack.add_channel("general")
    slack.faults.add(
        Fault("chat.*", status=503),
        Fault("chat.*", status=429),
        Fault("chat.*", body={"ok": False, "error": "fatal_error"}),
        Fault("chat.*", status=500, after=True),
    )
    errors = [(await refusal(client.chat_postMessage(channel=general, text=str(n))))["error"] for n in range(4)]
    assert errors == ["service_unavailable", "ratelimited", "fatal_error", "internal_error"]
    assert [call.status for call in slack.api.calls] == [503, 429, 200, 500]
    assert slack.api.limited == 1
    assert [m.shown for m in slack.messages(general)] == ["3"]


async def test_a_fault_that_only_delays_lets_the_call_through(slack: SimulatedSlack, client: AsyncWebClient) -> None:
    slack.faults.add(Fault("auth.test", delay_s=0.1))
    started_s = time.monotonic()
    assert (await client.auth_test())["ok"]
    assert time.monotonic() - started_s >= 0.1


async def test_a_body_that_is_no_json_object_is_refused(slack: SimulatedSlack, session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {slack.app.bot_token}", "Content-Type": "application/json"}
    for body, error in ((b"{", "invalid_json"), (b"[]", "json_not_object")):
        async with session.post(f"{slack.api_url}auth.test", data=body, headers=headers) as answer:
            assert (await answer.json())["error"] == error
