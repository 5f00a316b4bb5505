import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.claude import long_text

LENGTHS = st.integers(0, 20_000)


def holds(n: int) -> None:
    text = long_text(n)
    assert len(text) == n
    assert text == text.rstrip()
    numbers = [int(found) for found in re.findall(r"Sentence (\d+): ", text)]
    assert numbers == list(range(1, len(numbers) + 1))
    whole = [line for line in re.split(r"(?<=\.)\s+", text) if line]
    assert len(set(whole)) == len(whole)


@settings(max_examples=50, deadline=None)
@given(LENGTHS)
def test_a_long_text_has_exactly_the_length_asked_for_and_every_sentence_once(n):
    holds(n)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(LENGTHS)
def test_a_long_text_has_exactly_the_length_asked_for_at_length(n):
    holds(n)


@settings(max_examples=50, deadline=None)
@given(st.integers(100, 5000))
def test_a_longer_text_begins_with_the_shorter_one_but_for_its_last_characters(n):
    assert long_text(n + 500).startswith(long_text(n)[:-2])


def test_a_text_of_negative_length_is_refused():
    with pytest.raises(ValueError, match="-1 characters"):
        long_text(-1)
