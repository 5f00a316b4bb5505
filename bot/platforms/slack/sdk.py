"""slack_bolt and slack_sdk as they are made and asked here, and what of them is not documented: the words of their log.

An event is handed to bolt by its public `async_dispatch`. What slack_bolt.adapter.socket_mode does around that, and
slack_sdk's own Socket Mode clients, are not used (see `socket_mode`).
"""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.calls import Me

_SECRET = re.compile(r"(?<=ticket=)[^&\s'\")]+|\bx(?:ox[a-z]|app)-[\w-]+")


class _Discreet(logging.Filter):
    """Keeps messages and secrets out of the log: below warnings the SDK writes down whole messages, and in a failure
    the address of a connection, which is a ticket to it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if "`token`" in record.msg and record.msg.endswith(("unused.", "ignored.")):
            return False  # bolt finds SLACK_BOT_TOKEN by itself; our client has it already
        record.msg, record.args = _SECRET.sub("…", record.getMessage()), ()
        record.exc_info = record.exc_text = None  # a trace would repeat the message
        return True


def sdk_logger() -> logging.Logger:
    """Return the logger for all of bolt and slack_sdk; bolt makes its own ones like it."""
    logger = logging.getLogger("slack_sdk.parley")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_Discreet())
    return logger


def web_client(session: aiohttp.ClientSession, token: str | None = None, *, api_url: str = "") -> AsyncWebClient:
    """Return a client that makes each call once. `api_url`: "" for Slack's own; with another one no proxy is used, as
    slack_sdk would even to reach this very machine.
    """
    base_url = api_url or AsyncWebClient.BASE_URL
    client = AsyncWebClient(token, base_url, session=session, retry_handlers=[], logger=sdk_logger())
    if api_url:
        client.proxy = None
    return client


def bolt_app(client: AsyncWebClient, me: Me) -> AsyncApp:
    """Return an app that asks Slack nothing by itself: neither who it is, which would keep its first event waiting, nor
    for what bolt would attach to an event. It takes what the bot itself says, too (see `own`).
    """
    return AsyncApp(
        client=client,
        authorize=_authorized_as(me),
        logger=sdk_logger(),
        name="parley",
        attaching_conversation_kwargs_enabled=False,
        ignoring_self_events_enabled=False,
    )


async def acknowledgement(app: AsyncApp, envelope: Mapping[str, Any]) -> str | None:
    """Let an app take what came over Socket Mode; return what acknowledges it, None if it is to be sent again."""
    request = SocketModeRequest.from_dict(dict(envelope))
    if request is None:
        return None
    answer = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=request.payload))
    return json.dumps(SocketModeResponse(request.envelope_id).to_dict()) if answer.status == 200 else None


def _authorized_as(me: Me) -> Callable[[], Awaitable[AuthorizeResult]]:
    result = AuthorizeResult(enterprise_id=me.enterprise or None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot)

    async def authorize() -> AuthorizeResult:
        return result

    return authorize
