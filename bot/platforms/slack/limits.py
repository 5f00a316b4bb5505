"""How often each method of Slack's Web API may be called, and in what bursts: learned from the first refusal, and kept.

Slack states a rate for each method, counted per workspace. It tolerates bursts, but does not say how long they may be
(docs, apis/web-api/rate-limits). Each method's page states its tier; chat.stopStream is counted as chat.startStream.
"""

from dataclasses import replace

import structlog

from bot.events import Budget
from bot.reply.pacing.pace import Rank, in_bursts_of
from bot.reply.pacing.pacer import Pacer

log = structlog.get_logger()

STARTS_PER_MIN = 20
APPENDS_PER_MIN = 100
UPDATES_PER_MIN = 50
_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
_PER_MIN = {
    "chat.startStream": STARTS_PER_MIN,
    "chat.stopStream": STARTS_PER_MIN,
    "chat.appendStream": APPENDS_PER_MIN,
    "chat.update": UPDATES_PER_MIN,
    "chat.delete": _TIER_3,
    "chat.postEphemeral": _TIER_4,
    "users.info": _TIER_4,
    "bots.info": _TIER_3,
    "team.info": _TIER_3,
    "users.conversations": _TIER_3,
    "conversations.info": _TIER_3,
    "files.info": _TIER_4,
    "files.getUploadURLExternal": _TIER_4,
    "files.completeUploadExternal": _TIER_4,
    "agents.sessions.setStatus": _TIER_3,
    "assistant.threads.setStatus": 600,  # it has a limit of its own, which is not stated
}
_POST = "chat.postMessage"
_POSTS = Budget(f"slack:{_POST}", 300, 60.0, guessed=True)
_READING = frozenset({"conversations.history", "conversations.replies"})
"""Tier 3, but one call a minute for apps that are sold. The readers keep a pace of their own for both, and learn from
refusals themselves: with a burst cut to one call, no live message could wait for what was missed before it.
"""
_READS_PER_MIN = 600
SLOW_AFTER_S = 30.0
"""No wait at tier 3 is this long, so a longer one shows the class of apps that are sold."""
_STATUS = "assistant.threads.setStatus"


def shared_budget() -> Budget:
    """Return the budget of posts in all channels together; Slack has such a limit, but does not state it."""
    return _POSTS


def rank_of(method: str) -> Rank:
    """Return the urgency of a call that no reply has asked for."""
    if method == _STATUS:
        return Rank.TYPING
    return Rank.FIRST if method.startswith("chat.") else Rank.LOOK


class WorkspaceBudgets:
    """The budgets of one bot's calls. `pacer`: paces and counts its calls."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._recent: dict[tuple[str, str], int] = {}

    def of(self, team: str, method: str, channel: str = "") -> Budget:
        """Return a method's budget in a workspace, as far as is known; posts are counted per channel."""
        if method == _POST:
            stated = Budget(f"{_POSTS.scope}:{team}:{channel}", 5, 5.0, guessed=True)  # about one a second
        else:
            stated = Budget(f"slack:{team}:{method}", _PER_MIN.get(method, _TIER_2), 60.0, guessed=True)
        if method in _READING:
            return replace(stated, calls=_READS_PER_MIN)
        burst = self._recent.get((team, method))
        return stated if burst is None else in_bursts_of(stated, burst)

    def refused(self, team: str, method: str, budget: Budget, retry_after_s: float) -> None:
        """Record that Slack refused a call made in a budget.

        Nobody calls until the time that Slack named, and from now on the method's bursts are no longer than what it
        took.
        """
        if method in _READING:
            if retry_after_s < SLOW_AFTER_S:
                self._pacer.pause(budget.scope, retry_after_s)
            return
        burst = self._pacer.refused(budget.scope, retry_after_s)
        if burst is not None:
            self._recent[team, method] = burst
        log.info("slack_limited", method=method, retry_after_s=retry_after_s, burst=self._recent.get((team, method)))
