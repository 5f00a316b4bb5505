"""One message that Slack streams: it grows by what is appended, until it is stopped.

Slack docs, reference/methods/chat.startStream and its neighbours. Not documented: it ends about five minutes after its
start, even while text keeps coming (slackapi/python-slack-sdk#1859), and takes about 12,000 characters in all.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import Gone, PlatformError, RateLimited, Unreachable
from bot.platforms.slack.calls import Calls, NotSent, SlackRejected, field

log = structlog.get_logger()

OLDEST_S = 240.0
"""A minute before Slack ends a stream, and so long that a slow call and its retry still fit."""
MOST_CHARACTERS = 12_000
_NOT_STREAMED = "message_not_in_streaming_state"
_OVER = frozenset({_NOT_STREAMED, "stopped_by_user"})
_LINK = re.compile(r"://|\bwww\.|\b[\w-]+\.[A-Za-z]{2,}/")


@dataclass(eq=False, slots=True)
class NativeStream:
    """A message in streaming state. `shown`: its text, as far as Slack confirmed. `begun_s`: the loop's clock.

    `sound`: False after a call that Slack refused, or whose outcome is not known: what was appended twice cannot be
    taken back, so the message is then stopped, and edited as a whole.
    """

    calls: Calls
    channel: str
    ts: str
    shown: str
    begun_s: float
    lasts_s: float = OLDEST_S
    sound: bool = True

    @property
    def is_good(self) -> bool:
        """Whether it can go on growing."""
        return self.sound and asyncio.get_running_loop().time() - self.begun_s < self.lasts_s

    def can_show(self, text: str) -> bool:
        """Return whether it can grow into this text."""
        fits = text.startswith(self.shown) and len(text) <= MOST_CHARACTERS
        return self.is_good and fits and not has_link(text)

    async def show(self, text: str) -> None:
        """Append what is new. Raise `PlatformError`s."""
        if text != self.shown:
            await self._call("chat.appendStream", markdown_text=text[len(self.shown) :])
            self.shown = text

    async def finish(
        self, text: str, blocks: Sequence[dict[str, Any]], metadata: dict[str, Any], *, more: bool
    ) -> None:
        """Append what is new, put blocks below it and stop. `more`: another message of the reply grows, so that the
        session goes on; else Slack makes it active. Raise `PlatformError`s.
        """
        new = {"markdown_text": text[len(self.shown) :]} if text != self.shown else {}
        below = {"blocks": list(blocks)} if blocks else {}
        session = {"session_status": "processing"} if more else {}
        await self._call("chat.stopStream", metadata=metadata, **new, **below, **session)

    async def _call(self, method: str, **arguments: Any) -> None:
        try:
            await self.calls.write(method, channel=self.channel, ts=self.ts, **arguments)
        except (NotSent, RateLimited):
            raise
        except PlatformError as error:
            self.sound = False
            log.info("slack_stream_broken", channel=self.channel, message=self.ts, reason=error.detail)
            raise


def is_over(error: PlatformError) -> bool:
    """Return whether a stream was refused because Slack, or somebody, has ended it already."""
    return isinstance(error, SlackRejected) and error.code in _OVER


def has_link(text: str) -> bool:
    """Return whether a text has what Slack might unfold, and so fetch: streams have no argument against it, as posts
    have (Slack docs, reference/methods/chat.startStream; apis, unfurling links in messages).
    """
    return _LINK.search(text) is not None


async def start(calls: Calls, channel: str, thread: str, text: str, recipient: dict[str, str]) -> NativeStream:
    """Begin a message. `recipient`: `recipient_user_id` and `recipient_team_id`, empty in a DM. Raises
    `PlatformError`s.
    """
    begun_s = asyncio.get_running_loop().time()
    answer = await calls.write("chat.startStream", channel=channel, thread_ts=thread, markdown_text=text, **recipient)
    return NativeStream(calls, channel, field(answer, "ts", "chat.startStream"), text, begun_s)


async def stop(calls: Calls, channel: str, ts: str, metadata: dict[str, Any]) -> bool:
    """Stop a message's stream so that it can be edited; return whether there was one: then its session is active.

    Raise `Gone` and `Unreachable`, also for a limit: it is not that of the call that the caller was granted, and
    nobody else's edits wait for it.
    """
    try:
        try:
            await calls.write("chat.stopStream", channel=channel, ts=ts, metadata=metadata)
        except SlackRejected as error:
            if error.code == _NOT_STREAMED:
                raise
            await calls.write("chat.stopStream", channel=channel, ts=ts)
    except (Gone, Unreachable):
        raise
    except RateLimited as error:
        raise Unreachable("Slack does not let go of the message yet.", error.detail) from error
    except PlatformError as error:
        log.debug("slack_stream_was_stopped", channel=channel, message=ts, reason=error.detail)
        return False
    return True
