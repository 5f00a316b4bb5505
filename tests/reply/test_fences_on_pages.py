"""A Markdown file in a code block, cut by a page's end: its blocks stay in it, and what follows it is no code."""

import re

import pytest
from reply_fakes import Plain

from bot.platforms.discord import DiscordDialect
from bot.platforms.slack.markup import SlackDialect
from bot.ports import Dialect
from bot.reply import Paginator, pages

LINES = "".join(f"Some words of line {n} in the file.\n" for n in range(8))
FILE = f"```markdown\n# Title\n{LINES}```sh\npip install it\n```\n{LINES}```py\nx = 1\n```\n{LINES}```"
AFTER = "\nAnd *so* on, the answer goes on.\n\n```js\ny\n```\nThe end."
LAST = ("And ", "so", "on, the answer goes on.", "The end.")


def code_and_text(shown: str) -> tuple[str, str]:
    """Return what stands in blocks of code, and what outside of them, as a reader of the simplest kind sees it."""
    code, text, fence = "", "", ""
    for line in shown.split("\n"):
        match = re.match(r"(`{3,})(\S*)$", line)
        if match and not fence:
            fence = match[1]
        elif match and len(match[1]) >= len(fence) and not match[2]:
            fence = ""
        elif fence:
            code += f"{line}\n"
        else:
            text += f"{line}\n"
    assert not fence
    return code, text


@pytest.mark.parametrize("size", [*range(200, 400, 7), 500, 700, 1200])
@pytest.mark.parametrize("dialect", [DiscordDialect(), SlackDialect()], ids=["discord", "slack"])
def test_what_follows_the_file_is_no_code_wherever_a_page_ends(dialect: Dialect, size: int) -> None:
    seen = [code_and_text(page.text) for page in pages(FILE + AFTER, dialect, size)]
    code, text = "".join(code for code, _ in seen), "".join(text for _, text in seen)
    assert all(f"line {n} in the file." in code for n in range(8))
    assert "line" not in text
    assert "pip install it" in code
    assert all(word in text for word in LAST)
    assert not any(word in code for word in LAST)


@pytest.mark.parametrize("step", [1, 7, 100])
@pytest.mark.parametrize(
    "text", [FILE + AFTER, f"```md\n# T\n```py\nx\n```\n\nThat is all.{AFTER}", "```md\n# T\n```\nText"]
)
def test_where_text_can_only_be_added_nothing_that_was_shown_changes(text: str, step: int) -> None:
    paginator = Paginator(SlackDialect(), 300)
    before: list[str] = []
    for at in range(0, len(text), step):
        paginator.add(text[at : at + step])
        now = [page.text for page in paginator.pages(steady=True)]
        assert all(new.startswith(old) for old, new in zip(before, now, strict=False))
        before = now
    now = [page.text for page in paginator.pages(done=True)]
    assert all(new.startswith(old) for old, new in zip(before, now, strict=False))


def test_the_file_is_taken_up_with_the_block_that_was_cut() -> None:
    text = "```md\n# Title\n```sh\n" + "pip install it\n" * 20 + "```\nMore.\n```\nThe *end*."
    first, second = (page.text for page in pages(text, Plain(), 250))
    assert first.startswith("````md\n# Title\n```sh\npip")
    assert first.endswith("pip install it\n````")
    assert second.startswith("````md\n```sh\npip install it\n")
    assert second.endswith("```\nMore.\n````\nThe *end*.")


def test_while_it_grows_the_file_is_shown_as_one_block() -> None:
    paginator = Paginator(DiscordDialect(), 2000)
    paginator.add("```md\n# Title\n```sh\npip\n```\nMore of the file, and ")
    assert code_and_text(paginator.pages()[0].text) == (
        "# Title\n``\u200b`sh\npip\n``\u200b`\nMore of the file, and \n",
        "",
    )


def test_dashes_under_a_text_are_a_table_only_with_a_bar() -> None:
    assert [page.text for page in pages("a\n:-\n" + "words\n" * 50, Plain(), 200)][1].startswith("words")
    assert [page.text for page in pages("|a|\n|-|\n" + "words\n" * 50, Plain(), 200)][1].startswith("|a|")
