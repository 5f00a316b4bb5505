"""The buttons below an answer: how they are sent, and what a press of one means."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.errors import PlatformError
from bot.events import Button, MessageKey, Pressed
from bot.platforms.kernel.buttons import LABELS, NOT_HEARD, button_of, id_of
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Calls, Me
from bot.platforms.slack.read.translate import Translator
from bot.platforms.slack.whisper import whisper
from bot.ports import EventHandler

log = structlog.get_logger()


def actions(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Return the blocks that show buttons, one or none (Slack docs, reference/block-kit/blocks/actions-block)."""
    elements = [
        {"type": "button", "action_id": id_of(button), "text": {"type": "plain_text", "text": LABELS[button]}}
        for button in buttons
    ]
    return [{"type": "actions", "elements": elements}] if elements else []


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button. `message`, `thread`: a `ts`; `thread` is "" outside of threads."""

    channel: str
    message: str
    thread: str
    user: str
    button: Button


def presses_in(payload: Mapping[str, Any]) -> list[Press]:
    """Return the presses of our buttons in an interaction; none if it is about something else.

    (Slack docs, reference/interaction-payloads/block_actions-payload.)
    """
    place = payload.get("container") or {}
    found = [button_of(action.get("action_id")) for action in payload.get("actions") or ()]
    if not place.get("message_ts"):
        return []
    channel, message, thread = (str(place.get(name) or "") for name in ("channel_id", "message_ts", "thread_ts"))
    return [Press(channel, message, thread, str(payload["user"]["id"]), button) for button in found if button]


class Presses:
    """A middleware of a bolt app for presses of our buttons and of Slack's own Stop. `tasks` handles each.

    Slack sends a press once, and warns its presser if it is not acknowledged within three seconds (docs,
    interactivity/handling-user-interaction), so that is done first. `working`: (channel, thread) → the question that is
    being answered there.
    """

    def __init__(
        self,
        handle: EventHandler,
        calls: Calls,
        translator: Translator,
        me: Me,
        *,
        working: Mapping[tuple[str, str], str],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._handle = handle
        self._calls = calls
        self._translator = translator
        self._me = me
        self._working = working
        self._tasks = tasks

    async def take(self, body: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:  # noqa: A002 - bolt's name
        """Answer 200 for a press, which is then handled; leave everything else to the others."""
        presses: list[Press] | None = None
        try:
            event = body.get("event") or {}
            if body.get("type") == "block_actions":
                presses = presses_in(body)
            elif event.get("type") == "agent_session_stopped":
                presses = self._stops(event)
        except MISREAD as error:
            misread("slack_press_unreadable", body, error)
            return BoltResponse(status=200)
        if presses is None:
            return await next()
        for press in presses:
            self._tasks.create_task(self._take_one(press), name="slack-press")
        return BoltResponse(status=200)

    def _stops(self, event: Mapping[str, Any]) -> list[Press]:
        """Return the presses that Slack's own Stop stands for: one for each stream that Slack has ended.

        While the answer is edited there are none, and the question stands for it (Slack docs,
        reference/events/agent_session_stopped).
        """
        channel, thread = str(event["channel"]), str(event["thread_ts"])
        question = self._working.get((channel, thread))
        stopped = event.get("streaming_message_ts") or ([question] if question else [])
        return [Press(channel, str(ts), thread, str(event["user"]), Button.STOP) for ts in stopped]

    async def _take_one(self, press: Press) -> None:
        try:
            person = await self._translator.person(press.user)
            message = MessageKey("slack", self._me.team, press.channel, press.message)
            if sentence := await self._handled(Pressed(message, press.button, person)):
                await whisper(self._calls, press.user, sentence, press.channel, press.thread)
        except PlatformError as error:
            log.info("slack_press_not_answered", button=press.button, reason=error.detail)
        except Exception:
            # One press must not end the connection, and nobody can be handed the error.
            log.exception("slack_press_not_answered", button=press.button)

    async def _handled(self, pressed: Pressed) -> str:
        try:
            return (await self._handle(pressed)).text
        except Exception:
            # Slack does not send a press again; only the presser can repeat it.
            log.exception("slack_press_not_heard", button=pressed.button)
            return NOT_HEARD
