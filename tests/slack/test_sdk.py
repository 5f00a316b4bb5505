"""Canaries: what of slack_bolt and slack_sdk the bot rests on, and what broke if a test here fails."""

import json
import logging
from typing import Any

import aiohttp
import pytest
from slack_bolt.response import BoltResponse

from bot.platforms.slack.calls import Me
from bot.platforms.slack.sdk import acknowledgement, bolt_app, sdk_logger, web_client

ME = Me("U1", "B1", "T1", "bot")
ENVELOPE = {"type": "events_api", "envelope_id": "e1", "payload": {"type": "event_callback", "event": {"type": "x"}}}


@pytest.mark.parametrize(("status", "acknowledged"), [(200, True), (500, False)])
async def test_an_event_is_handed_to_our_middleware_and_acknowledged_as_that_says(
    status: int, acknowledged: bool
) -> None:
    taken: list[dict[str, Any]] = []

    async def take(body: dict[str, Any]) -> BoltResponse:
        taken.append(body)
        return BoltResponse(status=status)

    async with aiohttp.ClientSession() as session:
        app = bolt_app(web_client(session), ME)
        app.use(take)
        answer = await acknowledgement(app, ENVELOPE)
    assert taken == [ENVELOPE["payload"]], "bolt hands events on in another way: nothing that people write is heard"
    wanted = {"envelope_id": "e1"} if acknowledged else None
    assert (answer and json.loads(answer)) == wanted, "an acknowledgement is made in another way: Slack sends all again"


async def test_what_is_no_envelope_is_not_acknowledged() -> None:
    async with aiohttp.ClientSession() as session:
        assert await acknowledgement(bolt_app(web_client(session), ME), {"envelope_id": "e1"}) is None


async def test_bolt_logs_by_our_logger_which_keeps_secrets_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    async with aiohttp.ClientSession() as session:
        app = bolt_app(web_client(session), ME)
    assert not caplog.records, "bolt warns in other words of the token that it finds in the environment"
    assert app.logger.filters == sdk_logger().filters, "bolt makes its logger without our filter: secrets are logged"
    assert app.logger.getEffectiveLevel() == logging.WARNING, "bolt logs below warnings: whole messages are logged"


async def test_a_client_makes_its_calls_over_our_session_and_may_go_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:1")
    async with aiohttp.ClientSession() as session:
        assert web_client(session).session is session, "slack_sdk's client has no session: files cannot be uploaded"
        own = web_client(session, api_url="http://127.0.0.1:1/api/")
        assert own.proxy is None, "slack_sdk's client uses a proxy to reach this very machine"
        assert not own.retry_handlers, "slack_sdk makes calls again by itself: a post may be made twice"
