"""What somebody wrote just before they asked the bot: people send a picture first, and then the question."""

import asyncio
from collections import OrderedDict, deque

from bot.events import Incoming, MessageKey, Said

WITHIN_S = 60.0
MOST_MESSAGES = 5
_MOST_PEOPLE = 2000

_Who = tuple[str, str, str, str]


class RecentMessages:
    """The last messages of each person in each channel, for a minute; in memory only, so nobody's words are kept."""

    def __init__(self) -> None:
        self._heard: OrderedDict[_Who, deque[tuple[float, Incoming]]] = OrderedDict()

    def add(self, message: Incoming) -> None:
        """Remember a message that was not for the bot."""
        if message.in_thread:  # a thread is read when the bot is asked in it
            return
        mine = self._heard.setdefault(_who(message), deque(maxlen=MOST_MESSAGES))
        mine.append((_now_s(), message))
        self._heard.move_to_end(_who(message))
        self._tidy()

    def edited(self, message: Incoming) -> None:
        """Remember what a message says now, if it is remembered."""
        mine = self._heard.get(_who(message), deque())
        for place, (at_s, heard) in enumerate(mine):
            if heard.key == message.key:
                mine[place] = (at_s, message)

    def forget(self, key: MessageKey) -> None:
        """Forget a message that was deleted."""
        for who, mine in list(self._heard.items()):
            left = [(at_s, heard) for at_s, heard in mine if heard.key != key]
            if not left:
                del self._heard[who]
            elif len(left) < len(mine):
                self._heard[who] = deque(left, maxlen=MOST_MESSAGES)

    def before(self, question: Incoming) -> tuple[Said, ...]:
        """Return what the author of a question wrote in its channel just before, oldest first."""
        if question.in_thread:
            return ()
        since_s = _now_s() - WITHIN_S
        mine = self._heard.pop(_who(question), ())
        return tuple(_said(m) for at_s, m in mine if at_s >= since_s)

    def _tidy(self) -> None:
        since_s = _now_s() - WITHIN_S
        while self._heard:
            oldest = next(iter(self._heard.values()))
            if oldest[-1][0] >= since_s and len(self._heard) <= _MOST_PEOPLE:
                return
            self._heard.popitem(last=False)


def _said(message: Incoming) -> Said:
    at_s = message.sent_at_s
    return Said(message.author, message.text, message.uploads, message_id=message.key.message, sent_at_s=at_s)


def _who(message: Incoming) -> _Who:
    return message.key.platform, message.key.workspace, message.key.channel, message.author.id


def _now_s() -> float:
    return asyncio.get_running_loop().time()
