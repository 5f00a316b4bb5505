"""The least mean visible lag that the limits allow: what a perfect executor would show, with no latency at all.

In the long run K replies that share r updates a second are each updated every K/r seconds, and a character waits half
of that: K/(2r). A reply of 50 seconds is not the long run: a window that is still empty gives a burst, first posts have
a limit of their own, and what is unseen when Claude ends must queue. So `least` plays it: updates happen in no time, as
soon as the window allows or at the even gaps that can be kept up for ever, whichever is better. Each goes to the
message with the most unseen text (or the longest waiting in sum): the order that takes most lag away per call. What
comes out is the least of these plays. Where replies may be streamed or edited (`slack-auto`), so many are streamed as
gives it.

It is no proof of a minimum. A still better order may give a little. And whoever knew that an answer ends within the
minute for which Slack counts could use the minute up before: one edit a second shows 50 seconds sooner than fifty edits
a minute can be kept up, and a longer answer then stands still for ten seconds.
"""

from collections import deque
from dataclasses import dataclass, field
from functools import cache

from load import CAP_S, CHARACTERS, DURATION_S, RATE

_PIECE = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits as (calls, per seconds). `page`: characters a message holds. `apart`: each reply has its own limits.

    `ends`: of calls that may bring the last text of a message, on top of edits.
    """

    page: int
    posts: tuple[int, float]
    edits: tuple[int, float]
    posts_apart: bool = False
    edits_apart: bool = False
    ends: tuple[int, float] | None = None
    overall: tuple[int, float] = (10**9, 1.0)


BOTH_WAYS = ("slack-auto", "slack-bursts")
RULES = {
    "discord-channel": Rules(2000, (5, 5.0), (5, 5.0), overall=(50, 1.0)),
    "discord-threads": Rules(2000, (5, 5.0), (5, 5.0), posts_apart=True, edits_apart=True, overall=(50, 1.0)),
    "discord-asked": Rules(2000, (5, 5.0), (5, 5.0), posts_apart=True, edits_apart=True, overall=(50, 1.0)),
    "slack-edits": Rules(8000, (5, 5.0), (50, 60.0), posts_apart=True),
    "slack-native": Rules(8000, (20, 60.0), (100, 60.0), ends=(20, 60.0)),
}


@dataclass(slots=True)
class _Window:
    """At most `calls` in any `per_s` seconds, and while text is written no two within `gap_s`."""

    calls: int
    per_s: float
    gap_s: float = 0.0
    made: deque[float] = field(default_factory=deque)

    def ready_s(self) -> float:
        after = self.made[-1] + self.gap_s if self.made and self.made[-1] < DURATION_S else 0.0
        return max(after, self.made[0] + self.per_s) if len(self.made) == self.calls else after

    def take(self, now_s: float) -> None:
        if len(self.made) == self.calls:
            self.made.popleft()
        self.made.append(now_s)


@dataclass(slots=True, eq=False)
class _Message:
    """One page of a reply: characters `first` to `end` of its text."""

    first: int
    end: int
    posts: _Window
    edits: _Window
    ends: _Window | None
    seen: int = 0
    seen_s: float = 0.0
    posted: bool = False

    def written(self, now_s: float) -> int:
        so_far = (int(now_s * RATE / _PIECE + 1e-6) + 1) * _PIECE
        return max(0, min(self.end, so_far) - self.first)

    def window(self, now_s: float) -> _Window:
        """Return the window its next update counts in."""
        if not self.posted:
            return self.posts
        whole = self.written(now_s) == self.end - self.first
        if self.ends is not None and whole and self.ends.ready_s() < self.edits.ready_s():
            return self.ends
        return self.edits

    def show(self, now_s: float) -> float:
        """Update it; return the character-seconds that took away."""
        lag = self.lag(now_s)
        self.window(now_s).take(now_s)
        self.seen, self.seen_s, self.posted = self.written(now_s), now_s, True
        return lag

    def lag(self, now_s: float) -> float:
        """Return the character-seconds that the unseen text has waited."""
        return sum(now_s - (self.first + at) / RATE for at in range(self.seen, self.written(now_s), _PIECE)) * _PIECE


def steady(place: str, replies: int) -> float:
    """Return K/(2r), in seconds: r by edits alone, for each update but a message's first is one."""
    both = ("slack-native", "slack-edits") if place in BOTH_WAYS else (place,)
    rules = RULES[both[0]]
    rate = sum(RULES[one].edits[0] / RULES[one].edits[1] for one in both) * (replies if rules.edits_apart else 1)
    return replies / (2 * min(rate, rules.overall[0] / rules.overall[1]))


@cache
def least(place: str, replies: int) -> float:
    """Return the least mean visible lag found, in seconds."""
    if not replies:
        return 0.0
    if place in BOTH_WAYS:
        splits = {min(replies, streamed) for streamed in (round(replies * 2 / 3), 20, 30, 40, 1000)}
        return min(
            (streamed * least("slack-native", streamed) + edited * least("slack-edits", edited)) / replies
            for streamed, edited in ((split, replies - split) for split in splits)
        )
    rules = RULES[place]
    even_s = rules.edits[1] / rules.edits[0]
    return min(_play(rules, replies, gap * even_s, area=area) for gap in (0.0, 1.0) for area in (True, False))


def _messages(rules: Rules, replies: int, gap_s: float) -> list[_Message]:
    posts, edits = _Window(*rules.posts), _Window(*rules.edits, gap_s)
    ends = _Window(*rules.ends) if rules.ends else None
    found = []
    for _ in range(replies):
        posts = _Window(*rules.posts) if rules.posts_apart else posts
        edits = _Window(*rules.edits, gap_s) if rules.edits_apart else edits
        found += [
            _Message(first, min(first + rules.page, CHARACTERS), posts, edits, ends)
            for first in range(0, CHARACTERS, rules.page)
        ]
    return found


def _play(rules: Rules, replies: int, gap_s: float, *, area: bool) -> float:
    left = _messages(rules, replies, gap_s)
    overall = _Window(*rules.overall)
    total, now_s = 0.0, 0.0
    while left:
        now_s = max(now_s, overall.ready_s())
        if now_s >= CAP_S:
            total += sum(message.lag(CAP_S) for message in left)
            break
        best, next_s = _best(left, now_s, area=area)
        if best is None:
            piece_s = (int(now_s * RATE / _PIECE + 1e-6) + 1) * _PIECE / RATE
            now_s = next_s if now_s >= DURATION_S else min(next_s, piece_s)
            continue
        total += best.show(now_s)
        overall.take(now_s)
        if best.seen == best.end - best.first:
            left.remove(best)
    return total / (replies * CHARACTERS)


def _best(messages: list[_Message], now_s: float, *, area: bool) -> tuple[_Message | None, float]:
    """Return the message to update now, if any can be, and when the next can."""
    best, best_key, next_s = None, (0, 0.0), float("inf")
    for message in messages:
        unseen = message.written(now_s) - message.seen
        if unseen <= 0:
            continue
        ready_s = message.window(now_s).ready_s()
        if ready_s > now_s + 1e-9:
            next_s = min(next_s, ready_s)
            continue
        key = (0 if message.posted else 1, unseen * (now_s - message.seen_s) if area else float(unseen))
        if key > best_key:
            best, best_key = message, key
    return best, next_s
