"""What is answered next in a thread."""

from dataclasses import replace
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.turns.line import Waiting, expires_at_s, is_wordless, take_next
from bot.events import Incoming, MessageKey, Outcome, Person, ThreadKey, Turn, TurnState, Upload

THREAD = ThreadKey("discord", "G", "C", "T")


def question(message: object, sent_at_s: float = 0.0) -> Incoming:
    key = MessageKey("discord", "G", "C", str(message))
    return Incoming(key, THREAD, Person("U", "Ada"), "text", sent_at_s=sent_at_s)


@given(st.dictionaries(st.text(), st.floats(0.0, 1e10), min_size=1))
def test_what_has_gathered_is_one_turn_in_the_order_in_which_it_was_said(said: dict[str, float]) -> None:
    line = [Waiting(Turn((question(message, at_s),), TurnState.ACCEPTED)) for message, at_s in said.items()]
    taken = take_next(line)
    assert [q.key.message for q in taken.turn.questions] == sorted(said, key=lambda message: (said[message], message))
    assert line == []


def test_a_turn_begun_before_a_restart_comes_first_and_alone() -> None:
    begun = Waiting(Turn((question(1), question(2)), TurnState.ANSWERING))
    answered = Waiting(Turn((question(3),), TurnState.ANSWERED, outcome=Outcome("text")))
    later = Waiting(Turn((question(4),), TurnState.ACCEPTED))
    line = [later, begun, answered]
    assert [take_next(line).turn for _ in range(3)] == [begun.turn, answered.turn, later.turn]
    assert line == []


def test_what_has_gathered_expires_when_the_newest_of_it_does() -> None:
    old, new = (Turn((question(number, sent_at_s=100.0 * number),), TurnState.ACCEPTED) for number in (1, 2))
    line = [Waiting(turn, expires_at_s(turn, 900.0), taken_s) for turn, taken_s in ((old, 5.0), (new, 7.0))]
    taken = take_next(line)
    assert (taken.expires_at_s, taken.taken_s) == (1100.0, 5.0)
    assert expires_at_s(taken.turn, 900.0) == 1100.0


def test_a_question_of_which_nobody_knows_when_it_was_asked_never_expires() -> None:
    assert expires_at_s(Turn((question(1), question(2, sent_at_s=100.0)), TurnState.ACCEPTED), 900.0) == inf


def test_files_without_a_word_wait_for_the_words() -> None:
    picture = replace(question(1), text=" ", uploads=(Upload("7", "cat.png", "https://cdn.discordapp.com/cat.png"),))
    wordless = Turn((picture,), TurnState.ACCEPTED)
    assert is_wordless([wordless])
    assert not is_wordless([wordless, Turn((question(2),), TurnState.ACCEPTED)])
    assert not is_wordless([Turn((replace(question(1), text=""),), TurnState.ACCEPTED)])
    assert not is_wordless([replace(wordless, state=TurnState.ANSWERING)])
