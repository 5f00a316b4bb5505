"""A Markdown file that Claude shows in a code block has code blocks itself."""

import time

import pytest

from bot.platforms.discord import DiscordDialect
from bot.platforms.slack.markup import SlackDialect
from bot.reply.markdown.fences import apart

README = "```markdown\n# Title\n```sh\npip install x\n```\nMore.\n```py\nx\n```\n```"


def test_the_outer_fence_of_a_markdown_block_is_longer_than_those_in_it() -> None:
    assert apart(f"{README}\nAnd *so* on.") == README.replace("```markdown", "````markdown")[:-3] + "````\nAnd *so* on."


def test_what_was_closed_at_the_very_end_for_another_reading_is_dropped() -> None:
    assert apart(f"{README}\nAnd so on.\n```").endswith("````\nAnd so on.\n")


@pytest.mark.parametrize(
    "text",
    [
        "```py\nx\n```\nText\n```js\ny\n```",
        "```\n```js\ncode\n```\nThen\n```\nfoo\n```",
        "```md\n# Title\n```\nText\n```py\nx\n```",
        "```md\n# Title\n```py\nx\n```\n\nThat is all.",
        "````md\n```py\nx\n```\n````\nText",
        "~~~md\n```py\nx\n```\n~~~\nText",
        "```py\nx",
        "no code",
    ],
)
def test_all_other_code_stays_as_commonmark_reads_it(text: str) -> None:
    assert apart(text) == text


def test_neither_platform_shows_the_rest_of_the_answer_as_code() -> None:
    text = f"{README}\nAnd *so* on, a < b.\n\n```py\ny\n```\nEnd."
    discord = DiscordDialect().render(text)
    assert discord.count("```") == 4
    assert discord.endswith("```\nAnd *so* on, a < b.\n```py\ny\n```\nEnd.".replace(".\n```py", ".\n\n```py"))
    assert "\n````\nAnd *so* on, a &lt; b.\n" in SlackDialect().render(text)


@pytest.mark.parametrize(
    "piece",
    ["```md\n", "```md\n```py\n", "```md\n```py\n```\n", "```\n", "~~~md\n```\n", "```md\n```\n", "``` ", "```md\n\n"],
)
def test_the_work_is_linear(piece: str) -> None:
    start = time.process_time()
    apart(piece * (64_000 // len(piece)))
    assert time.process_time() - start < 1.5
