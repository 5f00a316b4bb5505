"""What each failure means for a turn, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.claude import AuthenticationRefused, ClaudeError, Overloaded
from bot.engine.answer.money.budget import OverBudget
from bot.engine.answer.verdict import DONE, WAITS, Verdict, What, known_of, say, verdict_of
from bot.engine.sentences import NOT_TAKEN, OUR_FAULT, sentence_for
from bot.errors import Forbidden, Gone, MediaError, RateLimited, Rejected, StoreError, Unreachable
from bot.events import TurnState

REFUSED = AuthenticationRefused("no such key")
UNREACHABLE, FULL = Unreachable("The chat cannot be reached."), StoreError("The disk is full.")
GONE, FORBIDDEN, REJECTED = Gone("It is gone."), Forbidden("Not here."), Rejected("Not like this.")
SLOW, OVER = RateLimited("Too many calls.", retry_after_s=1.0), OverBudget("Your share is used up.")
UNFORESEEN = KeyError("mentions")
SAYING, LEAVING, LEAVING_GONE = (
    say("Sorry."),
    Verdict(What.LEAVE, "Sorry."),
    Verdict(What.LEAVE, "Sorry.", TurnState.STOPPED),
)

TABLE = [
    # while the answer is made and shown
    (UNREACHABLE, DONE, WAITS),
    (FULL, DONE, WAITS),
    (REFUSED, DONE, say(sentence_for(REFUSED))),
    (OVER, DONE, say("Your share is used up.")),
    (GONE, DONE, Verdict(What.LEAVE, NOT_TAKEN, TurnState.STOPPED)),
    (FORBIDDEN, DONE, Verdict(What.LEAVE, NOT_TAKEN)),
    (REJECTED, DONE, Verdict(What.LEAVE, NOT_TAKEN)),
    (SLOW, DONE, Verdict(What.LEAVE, NOT_TAKEN)),
    (UNFORESEEN, DONE, say(OUR_FAULT)),
    # while readers are told why there is no more
    (UNREACHABLE, SAYING, WAITS),
    (FULL, SAYING, WAITS),
    (GONE, SAYING, Verdict(What.LEAVE, "Sorry.")),
    (REJECTED, SAYING, Verdict(What.LEAVE, "Sorry.")),
    (UNFORESEEN, SAYING, Verdict(What.END)),
    # while that stands below a reply that was refused
    (UNREACHABLE, LEAVING, WAITS),
    (FULL, LEAVING, WAITS),
    (FORBIDDEN, LEAVING, Verdict(What.END)),
    (GONE, LEAVING_GONE, Verdict(What.END, unsaid=TurnState.STOPPED)),
    (UNFORESEEN, LEAVING_GONE, Verdict(What.END, unsaid=TurnState.STOPPED)),
    # while the turn is only ended
    (FULL, Verdict(What.END), WAITS),
    (UNFORESEEN, Verdict(What.END), WAITS),
]


@pytest.mark.parametrize(("error", "during", "verdict"), TABLE, ids=repr)
def test_what_a_failure_means(error: Exception, during: Verdict, verdict: Verdict) -> None:
    assert verdict_of(error, during) == verdict


def test_what_a_conversation_without_an_end_is_told_differs_only_in_its_words() -> None:
    error = ClaudeError("cut")
    assert verdict_of(error, endless=True) == say(sentence_for(error, endless=True))


ERRORS = [error for error, during, _ in TABLE if during == DONE] + [MediaError("Unreadable."), Overloaded("busy")]


@given(st.lists(st.sampled_from(ERRORS), min_size=6, max_size=6))
def test_whatever_fails_on_the_way_a_turn_comes_to_an_end_or_waits(errors: list[Exception]) -> None:
    verdicts = [verdict_of(errors[0])]
    for error in errors[1:]:
        if not verdicts[-1].is_open:
            break
        verdicts.append(verdict_of(error, verdicts[-1]))
    assert verdicts[-1] in {DONE, WAITS}
    assert len(verdicts) <= 4
    assert all(verdict.sentence for verdict in verdicts if verdict.what in {What.SAY, What.LEAVE})


def test_the_log_has_the_trace_of_what_nobody_has_foreseen_and_the_reason_of_all_else() -> None:
    assert known_of(UNFORESEEN) is None
    assert known_of(MediaError("Unreadable.")) is None
    assert known_of(GONE) == ("platform_failed", {"detail": ""})
    happened, told = known_of(REFUSED) or ("", {})
    assert (happened, told["reason"]) == ("claude_failed", "no such key")
