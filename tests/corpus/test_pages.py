"""Long answers, and the texts of the CommonMark specification, cut into pages for both platforms."""

from pathlib import Path

import pytest
from corpus_answers import KINDS, answer, answers
from corpus_checks import DISCORD, SLACK, Target, check, loose
from corpus_parser import half_open, trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.reply import Paginator

ANSWERS = answers()
_calm = {"deadline": None, "suppress_health_check": list(HealthCheck)}
short = settings(max_examples=20, **_calm)  # type: ignore[arg-type]
long = settings(max_examples=10_000, **_calm)  # type: ignore[arg-type]
targets = st.sampled_from([DISCORD, SLACK])
steps = st.lists(st.integers(1, 900), max_size=30)
made = st.builds(
    answer, st.integers(0, 10**6), st.lists(st.sampled_from(list(KINDS)), min_size=1).map(tuple), st.integers(500, 9000)
)


@pytest.fixture(params=[DISCORD, SLACK], ids=lambda target: target.name)
def target(request: pytest.FixtureRequest) -> Target:
    return request.param


@pytest.mark.parametrize("name", KINDS)
def test_a_long_answer_is_shown_whole_on_pages_that_fit(name: str, target: Target) -> None:
    text = ANSWERS[name]
    check(text, [797] * len(text), target)


@pytest.mark.long
@pytest.mark.parametrize("name", ANSWERS)
def test_every_long_answer_is_shown_whole_on_pages_that_fit(name: str, target: Target) -> None:
    text = ANSWERS[name]
    check(text, [47] * len(text), target)


@pytest.mark.parametrize("name", KINDS)
def test_a_long_answer_shows_no_half_markup_while_it_grows(name: str) -> None:
    assert {found for state in discord_states(ANSWERS[name], 499) if (found := loose(state))} == set()


def test_every_text_of_the_specification_is_shown_whole(sections: dict[str, list[str]], target: Target) -> None:
    texts = [text for section in sections.values() for text in section]
    assert len(texts) > 600
    for text in texts:
        check(text, [1] * len(text), target)


def test_the_specifications_texts_one_after_another_are_shown_whole(
    sections: dict[str, list[str]], target: Target
) -> None:
    for section in sections.values():
        text = "\n\n".join(section)
        check(text, [97] * len(text), target)


@short
@given(made, steps, targets)
def test_any_long_answer_in_any_pieces_is_shown_whole(text: str, steps: list[int], target: Target) -> None:
    check(text, steps, target)


@pytest.mark.long
@long
@given(made, steps, targets)
def test_very_many_long_answers_in_any_pieces_are_shown_whole(text: str, steps: list[int], target: Target) -> None:
    check(text, steps, target)


@pytest.mark.long
def test_the_specifications_texts_in_any_order_and_any_pieces_are_shown_whole(sections: dict[str, list[str]]) -> None:
    texts = st.sampled_from([text for section in sections.values() for text in section])

    @long
    @given(st.lists(texts, min_size=1, max_size=60).map("\n\n".join), steps, targets)
    def in_any_order(text: str, steps: list[int], target: Target) -> None:
        check(text, steps, target)

    in_any_order()


@pytest.mark.long
def test_a_parser_of_discords_markdown_finds_nothing_half_open(pytestconfig: pytest.Config) -> None:
    states = {state for text in ANSWERS.values() for state in discord_states(text, 61)}
    found = trees(sorted(states), Path(pytestconfig.cache.mkdir("discord-markdown-parser")), 300.0)
    assert [tree for tree in found if half_open(tree)] == []


def discord_states(text: str, step: int) -> set[str]:
    """Return every text that would be sent to Discord while an answer grows by so many characters."""
    paginator = Paginator(DISCORD.dialect, DISCORD.size)
    states: set[str] = set()
    for at in range(0, len(text), step):
        paginator.add(text[at : at + step])
        states |= {page.text for page in paginator.pages(done=at + step >= len(text))}
    return states
