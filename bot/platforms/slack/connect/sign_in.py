"""The first two calls, made before any connection: slack_sdk would try a refused token for ever."""

import asyncio
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import PlatformError, RateLimited, StartupError, Unreachable
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.clock import PlatformClock
from bot.platforms.slack.calls import Me, Refused, SlackRejected, call, field, header
from bot.platforms.slack.connect.scopes import BOT_SCOPES

log = structlog.get_logger()

BACK_OFF = BackOff(0.5, 15.0, spread=True)
"""After an outage, however long, the bot is back within this time; four calls a minute burden nobody."""

_REINSTALL = "then install the app to the workspace again (OAuth & Permissions)."
_ADVICE = {
    "forbidden_team": "Slack does not let this workspace use the app with this SLACK_APP_TOKEN: install the app to the "
    "workspace that SLACK_BOT_TOKEN is of, and take both tokens from that same app.",
    "account_inactive": "The bot's account in Slack was switched off, or the workspace is gone: install the app to the "
    "workspace again and copy its new SLACK_BOT_TOKEN.",
    "token_revoked": "SLACK_BOT_TOKEN or SLACK_APP_TOKEN was revoked: install the app to the workspace again, and copy "
    "both tokens anew.",
    "token_expired": "This Slack token has expired: switch off token rotation for the app, " + _REINSTALL,
    "missing_scope": "SLACK_APP_TOKEN lacks the scope connections:write: generate an app-level token with it on the "
    "app's Basic Information page.",
    "not_allowed_token_type": "A Slack token is of the wrong kind: SLACK_BOT_TOKEN begins with xoxb-, and "
    "SLACK_APP_TOKEN with xapp-.",
    "team_access_not_granted": "The app may not enter this workspace: ask an admin of the Slack organisation for it.",
    "access_denied": "Slack's admins do not let the app in: ask one of them to approve it for the workspace.",
    "no_permission": "Slack's admins do not let the app in: ask one of them to approve it for the workspace.",
    "enterprise_is_restricted": "The Slack organisation does not let this app in: ask one of its admins to approve it.",
    "org_login_required": "The workspace is being moved into a Slack organisation: wait until that is done, "
    + _REINSTALL,
    "ekm_access_denied": "The Slack organisation's admins have suspended the access to its data: ask one of them.",
    "two_factor_setup_required": "The account that installed the app must set up two-factor sign-in in Slack first.",
    "accesslimited": "Slack limits the access to this workspace at the moment: ask one of its admins.",
    "team_added_to_org": "The workspace is being moved into a Slack organisation: wait until that is done, "
    + _REINSTALL,
}
"""Slack docs, the errors of auth.test and apps.connections.open, of which the usual sentence would lead astray."""


async def sign_in_when_there(client: AsyncWebClient, app_token: str, clock: PlatformClock) -> tuple[Me, str]:
    """Return who the bot is and a ticket for its first connection, as soon as Slack can be reached; `clock` goes right.

    Raise `StartupError`, with what to do, if Slack, or whatever answers in its place, says anything else.
    """
    failures = 0
    while True:
        try:
            me = await sign_in(client, clock)
            return me, await new_socket_url(client, app_token)
        except (Unreachable, RateLimited) as error:
            failures += 1
            wait_s = max(BACK_OFF.wait_s(failures), error.retry_after_s if isinstance(error, RateLimited) else 0.0)
            log.warning("slack_unreachable", reason=error.detail, wait_s=round(wait_s, 1))
        except PlatformError as error:
            raise _refused(error, "Slack does not let the bot sign in: check slack.api_url.") from error
        await asyncio.sleep(wait_s)


async def sign_in(client: AsyncWebClient, clock: PlatformClock) -> Me:
    """Return who the bot is. Raise `StartupError` if Slack refuses the token, other `PlatformError`s if it is away."""
    try:
        answer, headers = await call(client, "auth.test", json={})
    except Refused as error:
        raise _refused(
            error,
            "Slack refuses SLACK_BOT_TOKEN: copy the Bot User OAuth Token (xoxb-…) from the app's OAuth & Permissions "
            "page, and install the app to the workspace if that page has none.",
        ) from error
    clock.told(header(headers, "Date"))
    if not answer.get("bot_id"):
        raise StartupError("SLACK_BOT_TOKEN is not a bot's token: it is the one that begins with xoxb-.")
    _check_scopes(header(headers, "X-OAuth-Scopes"))
    return Me(
        user=field(answer, "user_id", "auth.test"),
        bot=field(answer, "bot_id", "auth.test"),
        team=field(answer, "team_id", "auth.test"),
        name=str(answer.get("user") or "bot"),
        enterprise=str(answer.get("enterprise_id") or ""),
        workspace=str(answer.get("team") or ""),
    )


async def new_socket_url(client: AsyncWebClient, app_token: str) -> str:
    """Return the address of a new Socket Mode connection, good for one try. Raise as `sign_in` does."""
    arguments: dict[str, Any] = {"token": app_token}
    try:
        answer, _ = await call(client, "apps.connections.open", json=arguments)
    except (Refused, SlackRejected) as error:
        if isinstance(error, SlackRejected) and error.code not in _ADVICE:
            raise
        raise _refused(
            error,
            "Slack refuses SLACK_APP_TOKEN: generate an app-level token (xapp-…) with the scope connections:write on "
            "the app's Basic Information page, and switch on Socket Mode.",
        ) from error
    return field(answer, "url", "apps.connections.open")


def _refused(error: PlatformError, usual: str) -> StartupError:
    """Return what a person reads of a refusal: what Slack's word for it calls for, or else the `usual` sentence."""
    code = error.code if isinstance(error, (Refused, SlackRejected)) else ""
    return StartupError(_ADVICE.get(code, usual), error.detail)


def _check_scopes(granted: str | None) -> None:
    """Say in the log what the app was not allowed when it was installed."""
    if granted is None:
        return
    missing = BOT_SCOPES - {scope.strip() for scope in granted.split(",")}
    if missing:
        remedy = "add them on the app's OAuth & Permissions page, then reinstall the app to the workspace"
        log.warning("slack_scopes_missing", scopes=sorted(missing), remedy=remedy)
