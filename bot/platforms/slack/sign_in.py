"""The first two calls, made before any connection: slack_sdk would try a refused token for ever."""

from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import StartupError
from bot.platforms.slack.calls import REFUSED, Me, Refused, call
from bot.platforms.slack.scopes import BOT_SCOPES

log = structlog.get_logger()


async def sign_in(client: AsyncWebClient) -> Me:
    """Return who the bot is. Raises `StartupError` if Slack refuses the token, other `PlatformError`s if it is away."""
    try:
        answer, headers = await call(client, "auth.test", json={})
    except Refused as error:
        if error.code not in REFUSED:
            raise
        raise StartupError(
            "Slack refuses SLACK_BOT_TOKEN: copy the Bot User OAuth Token (xoxb-…) from the app's OAuth & Permissions "
            "page, and install the app to the workspace if that page has none.",
            error.detail,
        ) from error
    if not answer.get("bot_id"):
        raise StartupError("SLACK_BOT_TOKEN is not a bot's token: it is the one that begins with xoxb-.")
    _check_scopes(next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None))
    return Me(
        user=str(answer["user_id"]),
        bot=str(answer["bot_id"]),
        team=str(answer["team_id"]),
        name=str(answer.get("user") or "bot"),
        enterprise=str(answer.get("enterprise_id") or ""),
    )


async def new_socket_url(client: AsyncWebClient, app_token: str) -> str:
    """Return the address of a new Socket Mode connection, good for one try. Raises as `sign_in` does."""
    arguments: dict[str, Any] = {"token": app_token}
    try:
        answer, _ = await call(client, "apps.connections.open", json=arguments)
    except Refused as error:
        raise StartupError(
            "Slack refuses SLACK_APP_TOKEN: generate an app-level token (xapp-…) with the scope connections:write on "
            "the app's Basic Information page, and switch on Socket Mode.",
            error.detail,
        ) from error
    return str(answer["url"])


def _check_scopes(granted: str | None) -> None:
    """Say in the log what the app was not allowed when it was installed."""
    if granted is None:
        return
    missing = BOT_SCOPES - {scope.strip() for scope in granted.split(",")}
    if missing:
        remedy = "add them on the app's OAuth & Permissions page, then reinstall the app to the workspace"
        log.warning("slack_scopes_missing", scopes=sorted(missing), remedy=remedy)
