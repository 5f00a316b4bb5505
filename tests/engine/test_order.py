"""What is answered next in a thread."""

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.engine import take_next
from bot.events import Incoming, MessageKey, Person, ThreadKey, Turn

THREAD = ThreadKey("discord", "G", "C", "T")


def question(message: int) -> Incoming:
    return Incoming(MessageKey("discord", "G", "C", str(message)), THREAD, Person("U", "Ada"), "text")


@given(st.lists(st.integers(0, 10**19), unique=True, min_size=1))
def test_what_has_gathered_is_one_turn_in_the_platforms_order(messages: list[int]) -> None:
    waiting = [Turn((question(message),), "accepted") for message in messages]
    turn = take_next(waiting)
    assert [int(q.key.message) for q in turn.questions] == sorted(messages)
    assert waiting == []


def test_a_turn_begun_before_a_restart_comes_first_and_alone() -> None:
    begun = Turn((question(1), question(2)), "answering")
    answered = Turn((question(3),), "answered", answer="text")
    later = Turn((question(4),), "accepted")
    waiting = [later, begun, answered]
    assert [take_next(waiting), take_next(waiting), take_next(waiting)] == [begun, answered, later]
    assert waiting == []
