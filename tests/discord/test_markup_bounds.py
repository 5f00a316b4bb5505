"""What is beyond the bounds of a paragraph is shown as it was written; all that people write is within them."""

import pytest

from bot.platforms.discord import DiscordDialect
from bot.platforms.discord.markup.bounds import DEEPEST_BRACKETS, bounds_of
from bot.reply.markdown.inline import LONGEST_RUN, MOST_RUNS

DIALECT = DiscordDialect()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("[a](u) and [b](v)", {0, 11}),
        ("[0, 1) [2, 3) [4, 5) [6, 7) [8, 9) [a](u)", {35}),
        ("\\[a](u)", set()),
        ("`[` [a](u)", {4}),
        ("[a `]` b](u)", {0}),
        ("<[> [a](u)", {4}),
        ("[x ![a](<[>) y](u)", {0, 4}),
        ("[a[b[c[d[e](u)](u)](u)](u)](u)", {0, 2, 4, 6}),
        ("[" * 9, set()),
        ("[a", set()),
    ],
)
def test_a_label_begins_at_a_bracket_that_is_closed_and_not_deep_in_others(text: str, labels: set[int]) -> None:
    assert bounds_of(text).labels == labels


def test_a_link_behind_many_open_brackets_is_a_link() -> None:
    assert DIALECT.render("[0, 1) " * 20 + "[the page](https://e.co/a)").endswith("[the page](https://e.co/a)")


def test_a_picture_in_very_many_pictures_is_a_link() -> None:
    depth = DEEPEST_BRACKETS + 2
    assert DIALECT.render("![" * depth + "x" + "](https://e.co)" * depth).count("[") == 1


def test_markers_beyond_very_many_in_one_paragraph_are_shown() -> None:
    text = DIALECT.render("*a* " * (MOST_RUNS // 2) + "*b*\n\n*c*")
    assert text.startswith("*a* ")
    assert "\\*b\\*" in text
    assert text.endswith("*c*")


def test_a_longer_run_of_markers_than_people_mean_is_shown() -> None:
    run = "*" * (LONGEST_RUN + 1)
    assert DIALECT.render(f"{run}a{run}").replace("\\", "") == f"{run}a{run}"
