"""Slack's agent sessions: while one is processing, Slack itself shows a Stop button in the thread.

Slack docs, ai/agent-sessions: only an app that is declared an agent has them, and only one that hears
`agent_session_stopped` gets the button. Without it, an answer that is streamed has none until it is done.
"""

import asyncio

import structlog

from bot.errors import Gone, PlatformError, RateLimited, Unreachable
from bot.platforms.slack.calls import Calls

log = structlog.get_logger()

_NO_BUTTON = "missing_agent_session_stopped_event_subscription"
_REMEDY = "declare the app an agent and subscribe it to agent_session_stopped, as in docs/slack-manifest.yaml"
_PATIENCE_S = 2.0
"""An answer does not wait longer for its Stop button."""


class Sessions:
    """The sessions of one workspace's threads.

    `working`: (channel, thread) → the question that is being answered there, while its session is processing.
    `can_stop`: whether Slack shows its Stop button, as far as is known. `patience_s`: how long a call may take.
    """

    def __init__(self, calls: Calls, *, patience_s: float = _PATIENCE_S) -> None:
        self._calls = calls
        self.patience_s = patience_s
        self.working: dict[tuple[str, str], str] = {}
        self.can_stop = True

    async def begin(self, channel: str, thread: str, question: str) -> None:
        """Show that a question is being answered. Never raises."""
        if not self.can_stop:
            return
        self.working[channel, thread] = question
        await self._set(channel, thread, "processing")

    async def end(self, channel: str, thread: str, *, of_another_process: bool = False) -> None:
        """Show that the answer is done; `of_another_process`: whether an earlier one may have shown that it was not.

        Never raises. Slack does not do it by itself, not even when somebody has pressed Stop.
        """
        if self.ended(channel, thread) or (of_another_process and self.can_stop):
            await self._set(channel, thread, "active")

    def ended(self, channel: str, thread: str) -> bool:
        """Note that the session was told to be active; return whether it was processing."""
        return self.working.pop((channel, thread), None) is not None

    async def _set(self, channel: str, thread: str, status: str) -> None:
        try:
            async with asyncio.timeout(self.patience_s):
                answer = await self._calls.write(
                    "agents.sessions.setStatus", channel_id=channel, thread_ts=thread, status=status
                )
        except (Gone, RateLimited, Unreachable, TimeoutError) as error:
            reason = error.detail if isinstance(error, PlatformError) else f"no answer within {self.patience_s} s"
            log.info("slack_session_not_set", channel=channel, status=status, reason=reason)
        except PlatformError as error:
            self._is_without(error.detail)
        else:
            if _NO_BUTTON in str(answer.get("warning") or ""):
                self._is_without(_NO_BUTTON)

    def _is_without(self, reason: str) -> None:
        if self.can_stop:
            self.can_stop = False
            log.warning("slack_has_no_stop_button", reason=reason, remedy=_REMEDY)
        self.working.clear()
