"""What people write in Slack, as Markdown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms.slack.read.blocks import words_of
from bot.platforms.slack.read.mrkdwn import calls_group, people_in, to_markdown
from bot.simulator.slack.workspace import mrkdwn

NAMES = {"U1": "Ann", "UBOT": "Parley"}


@pytest.mark.parametrize(
    ("stored", "markdown"),
    [
        ("<@UBOT> hello", "hello"),
        ("hello <@UBOT|parley>", "hello"),
        ("<@U1>, <@U2>, <@U3|old.name>", "@Ann, @U2, @old.name"),
        ("<#C1|plans> <#C2> <#C3|>", "#plans #C2 #C3"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@crew> <!subteam^S2>", "@crew @S2"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<https://a.b/?c=1&amp;d=2>", "https://a.b/?c=1&d=2"),
        ("<https://a.b|label [1]>", r"[label \[1\]](https://a.b)"),
        ("<https://a.b/c_(d)|label>", "[label](<https://a.b/c_(d)>)"),
        ("<http://example.com|example.com> <https://a.b/|https://a.b/>", "example.com https://a.b/"),
        ("<mailto:ann@a.b|ann@a.b> <tel:+49|+49>", "ann@a.b +49"),
        ("a &lt;b&gt; &amp;amp; *bold* _it_ `x &lt; y`", "a <b> &amp; *bold* _it_ `x < y`"),
        ("&lt;@U1&gt; typed", "<@U1> typed"),
    ],
)
def test_text_is_read_with_names_and_links(stored: str, markdown: str) -> None:
    assert to_markdown(stored, NAMES, without="UBOT") == markdown


def test_who_is_named_is_known() -> None:
    assert people_in("<@U1> <@W2|old> &lt;@U3&gt; @U4") == {"U1", "W2"}
    assert calls_group("x <!here> y")
    assert calls_group("<!subteam^S1>")
    assert not calls_group("<!date^1^x|y> &lt;!here&gt; @here")


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_what_a_person_types_comes_back_as_typed(text: str) -> None:
    stored = mrkdwn.escape(text)
    assert to_markdown(stored, NAMES) == text.strip()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["<", ">", "|", "@U1", "!", "#C", "^", "date", "http://a", "&lt;", "x", " "])).map("".join)
)
def test_no_text_is_too_broken_to_read(text: str) -> None:
    to_markdown(text, NAMES, without="U1")


def test_rich_text_is_read() -> None:
    section = {
        "type": "rich_text_section",
        "elements": [
            {"type": "text", "text": "a < b "},
            {"type": "user", "user_id": "U1"},
            {"type": "link", "url": "https://a.b", "text": "there"},
            {"type": "emoji", "name": "tada"},
        ],
    }
    listed = {"type": "rich_text_list", "elements": [section]}
    code = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x = 1"}]}
    words = words_of({"text": "", "blocks": [{"type": "rich_text", "elements": [section, listed, code]}]})
    line = "a < b @Ann[there](https://a.b):tada:"
    assert to_markdown(words, NAMES) == f"{line}\n• {line}\n```\nx = 1\n```"


def test_blocks_of_all_kinds_are_read() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Alert <1>"}},
        {"type": "divider"},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*a*"}, {"type": "mrkdwn", "text": "b"}]},
        {"type": "context", "elements": [{"type": "image", "alt_text": "logo"}, {"type": "mrkdwn", "text": "by x"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}}]},
        {"type": "image", "alt_text": "a graph"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "c1"}, {"type": "raw_text", "text": "c2"}]]},
    ]
    words = to_markdown(words_of({"blocks": blocks}), NAMES)
    assert words == "Alert <1>\n*a*\nb\nlogo\nby x\nOpen\na graph\nc1 | c2"
