"""What somebody wrote just before they called the bot: people send a picture first, and then the question."""

import asyncio
from collections import OrderedDict, deque

from bot.events import Incoming, Said

WITHIN_S = 60.0
MOST_MESSAGES = 5
_MOST_PEOPLE = 2000

_Who = tuple[str, str, str, str]


class Bursts:
    """The last messages of each person in each channel, for a minute; in memory only, so nobody's words are kept."""

    def __init__(self) -> None:
        self._heard: OrderedDict[_Who, deque[tuple[float, Incoming]]] = OrderedDict()

    def heard(self, message: Incoming) -> None:
        """Remember a message that was not for the bot."""
        if message.in_thread:  # a thread is read when the bot is called into it
            return
        mine = self._heard.setdefault(_who(message), deque(maxlen=MOST_MESSAGES))
        mine.append((_now_s(), message))
        self._heard.move_to_end(_who(message))
        self._tidy()

    def before(self, question: Incoming) -> tuple[Said, ...]:
        """Return what the author of a question said in its channel just before, oldest first."""
        if question.in_thread:
            return ()
        since_s = _now_s() - WITHIN_S
        mine = self._heard.pop(_who(question), ())
        return tuple(Said(m.author, m.text, m.uploads, message_id=m.key.message) for at_s, m in mine if at_s >= since_s)

    def _tidy(self) -> None:
        since_s = _now_s() - WITHIN_S
        while self._heard:
            oldest = next(iter(self._heard.values()))
            if oldest[-1][0] >= since_s and len(self._heard) <= _MOST_PEOPLE:
                return
            self._heard.popitem(last=False)


def _who(message: Incoming) -> _Who:
    return message.key.platform, message.key.workspace, message.key.channel, message.author.id


def _now_s() -> float:
    return asyncio.get_running_loop().time()
