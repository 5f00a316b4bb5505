"""Makes and calls the objects of slack_bolt and slack_sdk; relies on one undocumented thing, the words of their log.

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
    """Keeps messages and secrets out of the log.

    Below warnings the SDK logs whole messages. On a failure it logs a connection's address, which is a ticket to it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if "`token`" in record.msg and record.msg.endswith(("unused.", "ignored.")):
            return False  # bolt finds SLACK_BOT_TOKEN by itself; our client has it already
        record.msg, record.args = _SECRET.sub("…", record.getMessage()), ()
        record.exc_info = record.exc_text = None  # a trace would repeat the message
        return True


def sdk_logger() -> logging.Logger:
    """Return the logger for all of bolt and slack_sdk; bolt models its own loggers on it."""
    logger = logging.getLogger("slack_sdk.parley")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_Discreet())
    return logger


def web_client(session: aiohttp.ClientSession, token: str | None = None, *, api_url: str = "") -> AsyncWebClient:
    """Return a client that makes each call once. `api_url`: "" for Slack's own.

    With another one no proxy is used; slack_sdk would use one even to reach this very machine.
    """
    base_url = api_url or AsyncWebClient.BASE_URL
    client = AsyncWebClient(token, base_url, session=session, retry_handlers=[], logger=sdk_logger())
    if api_url:
        client.proxy = None
    return client


def bolt_app(client: AsyncWebClient, me: Me) -> AsyncApp:
    """Return an app that makes no calls of its own: neither who it is, which would delay its first event, nor for what
    bolt would attach to an event. It receives the bot's own messages, too (see `own`).
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
    """Let an app take what Socket Mode delivered; return its acknowledgement, None if it is to be sent again."""
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
