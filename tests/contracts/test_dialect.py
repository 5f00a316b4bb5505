"""What every dialect promises, the tests' own included."""

import pytest
import reply_fakes
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.discord.markup import DiscordDialect
from bot.platforms.slack.markup import SlackDialect
from bot.ports import Dialect

DIALECTS: dict[str, Dialect] = {
    "the reply's plain one": reply_fakes.Plain(),
    "the reply's that grows": reply_fakes.Growing(),
    "Discord": DiscordDialect(),
    "Slack": SlackDialect(),
}
MARKDOWN = st.lists(
    st.sampled_from(
        [*"abc &<>|*_`~#-\\\n日é👍", "```\n", "| a | b |\n|---|---|\n", "1. ", "- ", "> ", "https://x.example"]
    )
).map("".join)


@pytest.fixture(params=DIALECTS, scope="module")
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


@given(markdown=MARKDOWN | st.text())
def test_any_text_can_be_rendered_and_measured(dialect: Dialect, markdown: str) -> None:
    assert dialect.size(dialect.render(markdown)) >= 0


@given(markdown=MARKDOWN)
def test_to_render_is_pure(dialect: Dialect, markdown: str) -> None:
    first = dialect.render(markdown)
    dialect.render(markdown[::-1])
    assert dialect.render(markdown) == first


@given(rendered=st.text(), more=st.text())
def test_a_longer_text_is_not_shorter_to_the_platform(dialect: Dialect, rendered: str, more: str) -> None:
    whole = dialect.size(rendered + more)
    assert max(dialect.size(rendered), dialect.size(more)) <= whole
    assert whole <= dialect.size(rendered) + dialect.size(more)


@pytest.mark.parametrize("text", ["One two three.", "Grüße, 日本", "First line\n\nSecond paragraph"])
def test_plain_words_are_sent_as_they_are(dialect: Dialect, text: str) -> None:
    assert dialect.render(text) == text


def test_nothing_is_nothing(dialect: Dialect) -> None:
    assert dialect.render("") == ""
    assert dialect.size("") == 0
