"""Coming, staying and leaving."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from contracts.listeners import NeverThere

from bot.errors import StartupError
from bot.events import Incoming
from bot.platforms.slack import SlackPlatform
from bot.platforms.slack.sdk import sdk_logger
from bot.simulator.faults import Fault
from bot.simulator.slack import SimulatedSlack

Connected = Callable[..., AbstractAsyncContextManager[Any]]


async def nobody(_: object) -> str:
    raise AssertionError("nothing was said")


def platform_for(slack: SimulatedSlack, bot_token: str = "", app_token: str = "") -> SlackPlatform:
    return SlackPlatform(bot_token or slack.app.bot_token, app_token or slack.app.app_token, api_url=slack.api_url)


async def refused(platform: SlackPlatform) -> StartupError:
    async with asyncio.timeout(120):
        with pytest.raises(StartupError) as error:
            await platform.run(nobody, NeverThere(), NeverThere().is_ours)
    return error.value


async def test_a_refused_bot_token_ends_the_start() -> None:
    async with SimulatedSlack() as slack:
        error = await refused(platform_for(slack, bot_token="xoxb-wrong"))
    assert "SLACK_BOT_TOKEN" in error.sentence
    assert "xoxb-wrong" not in str(error)


@pytest.mark.parametrize(
    ("method", "code", "advice"),
    [
        ("apps.connections.open", "forbidden_team", "take both tokens from that same app"),
        ("apps.connections.open", "missing_scope", "connections:write"),
        ("apps.connections.open", "some_new_error", "slack.api_url"),
        ("auth.test", "account_inactive", "install the app to the workspace again"),
        ("auth.test", "token_revoked", "copy both tokens anew"),
        ("auth.test", "org_login_required", "wait until that is done"),
        ("auth.test", "invalid_auth", "SLACK_BOT_TOKEN"),
    ],
)
async def test_each_refusal_of_slacks_says_what_to_do_about_it(method: str, code: str, advice: str) -> None:
    async with SimulatedSlack() as slack:
        slack.faults.add(Fault(method, body={"ok": False, "error": code}))
        assert advice in (await refused(platform_for(slack))).sentence


async def test_a_refused_app_token_ends_the_start() -> None:
    async with SimulatedSlack() as slack:
        error = await refused(platform_for(slack, app_token="xapp-wrong"))
    assert "SLACK_APP_TOKEN" in error.sentence
    assert "connections:write" in error.sentence


async def test_two_tokens_in_each_others_place_end_the_start() -> None:
    async with SimulatedSlack() as slack:
        error = await refused(platform_for(slack, slack.app.app_token, slack.app.bot_token))
        assert "SLACK_BOT_TOKEN" in error.sentence
        error = await refused(platform_for(slack, "", slack.app.bot_token))
        assert "SLACK_APP_TOKEN" in error.sentence


@pytest.mark.parametrize("answer", [{"ok": False, "error": "some_new_error"}, {"ok": False, "error": "unknown"}])
async def test_an_answer_nobody_expects_ends_the_start(answer: dict[str, object]) -> None:
    async with SimulatedSlack() as slack:
        slack.faults.add(Fault("auth.test", body=answer))
        error = await refused(platform_for(slack))
    assert "slack.api_url" in error.sentence


async def test_an_address_where_no_slack_is_ends_the_start() -> None:
    async with SimulatedSlack() as slack:
        elsewhere = slack.api_url.replace("/api/", "/elsewhere/")
        error = await refused(SlackPlatform(slack.app.bot_token, slack.app.app_token, api_url=elsewhere))
        assert "slack.api_url" in error.sentence
    error = await refused(SlackPlatform("xoxb-1", "xapp-1", api_url="no address"))
    assert "slack.api_url" in error.sentence


async def test_an_app_token_that_is_revoked_later_ends_the_run(scene: Any) -> None:
    scene.slack.faults.add(Fault("apps.connections.open", body={"ok": False, "error": "token_revoked"}, times=9))
    await scene.slack.sockets.refresh_all()
    with pytest.raises(StartupError, match="SLACK_APP_TOKEN"):
        await scene.running


async def test_slack_that_is_away_at_first_is_waited_for() -> None:
    async with SimulatedSlack() as slack:
        slack.faults.add(Fault("auth.test", status=503), Fault("apps.connections.open", drop=True))
        platform = platform_for(slack)
        running = asyncio.create_task(platform.run(nobody, NeverThere(), NeverThere().is_ours))
        await slack.sockets.ready()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_connection_that_slack_replaces_goes_on(scene: Any) -> None:
    await scene.asked("before")
    await scene.slack.sockets.refresh_all()
    await scene.slack.sockets.ready()
    assert (await scene.asked("after")).text == "after"


async def test_a_connection_that_slack_does_not_replace_at_once_comes_back(scene: Any) -> None:
    scene.slack.faults.add(Fault("apps.connections.open", status=429))
    await scene.slack.sockets.refresh_all()
    await scene.slack.sockets.ready()
    assert (await scene.asked("after")).text == "after"


async def test_what_is_said_while_the_connection_is_replaced_is_heard(scene: Any) -> None:
    for number in range(3):
        refresh = asyncio.create_task(scene.slack.sockets.refresh_all())
        await scene.say(f"number {number}")
        await refresh
    texts = set()
    while len(texts) < 3:
        texts.add((await scene.heard.next(Incoming)).text)
    assert texts == {"number 0", "number 1", "number 2"}


async def test_leaving_closes_everything(connected: Connected) -> None:
    before = asyncio.all_tasks()
    async with connected() as scene:
        await scene.asked()
        scene.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scene.running
        left = {task for task in asyncio.all_tasks() - before if "slack_" in repr(task) or "platforms" in repr(task)}
        assert left == set()
        await scene.slack.events.settled()
        await scene.slack.sockets.holds(0)


async def test_a_message_that_is_being_heard_when_the_bot_leaves_is_let_through(scene: Any) -> None:
    scene.heard.go_on.clear()
    message = await scene.say("at the last moment")
    await scene.heard.entered.wait()
    scene.running.cancel()
    asyncio.get_running_loop().call_soon(scene.heard.go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await scene.running
    await scene.slack.events.acknowledged(scene.channel, message.ts)
    assert [question.text for question in scene.heard.all] == ["at the last moment"]


async def test_the_bot_can_come_back(scene: Any) -> None:
    question = await scene.asked("before")
    scene.running.cancel()
    await asyncio.gather(scene.running, return_exceptions=True)
    again = asyncio.create_task(scene.platform.run(scene.heard, NeverThere(), NeverThere().is_ours))
    await scene.at(question).post("Late, but here", "m.0")
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert [m.shown for m in scene.own(question.key.message)] == ["Late, but here"]


def test_the_library_writes_down_neither_tokens_nor_traces(caplog: pytest.LogCaptureFixture) -> None:
    sdk_logger().error("with %s and %s", "xapp-1-secret", "xoxb-secret-2", exc_info=ValueError("xoxb-secret-1"))
    sdk_logger().log(logging.DEBUG, "a whole message")
    assert "with … and …" in caplog.text
    assert "secret" not in caplog.text
    assert "message" not in caplog.text
