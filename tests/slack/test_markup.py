"""Claude's Markdown as Slack is to get it."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.platforms.slack.markup import SlackDialect, escape
from bot.platforms.slack.read.mrkdwn import unescape
from bot.simulator.slack.workspace import blocks, mrkdwn

DIALECT = SlackDialect()
PIECES = st.sampled_from([
    "<", ">", "&", "!", "[", "]", "(", ")", "|", "`", "```", "\\", "*", "**", "_", "~~", "#", "-", "1.", ":", "\n",
    "\n\n", " ", "    ", "\t", "> ", "- ", "![", "](", "](<", ">)", "]: <", "<!here>", "<!channel>", "<@U0SIM000003>",
    "<!subteam^S1>", "&lt;!here&gt;", "<https://a.b/c?d=1&e=2>", "https://a.b", "<a@b.c>", "<u|l>",
    "| a | b |\n|-|-|\n", "<div>", "</div>", "- [ ] ", "ä", "😀", "e\u0301", "\u202e", "\x00", "\ud800", "word", "x1",
])  # fmt: skip
MARKDOWN = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("markdown", "sent"),
    [
        ("**bold** _it_ ~~no~~ `code`", "**bold** _it_ ~~no~~ `code`"),
        ("# One\n###### Six", "# One\n###### Six"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("- [ ] open\n- [x] done", "- [ ] open\n- [x] done"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<!channel> <!here> <@U1>", "&lt;!channel&gt; &lt;!here&gt; &lt;@U1&gt;"),
        ("<!subteam^S1> <#C1>", "&lt;!subteam^S1&gt; &lt;#C1&gt;"),
        ("<https://evil.example|your bank>", "&lt;https://evil.example|your bank&gt;"),
        ("see <https://a.b/?c=1&d=2>.", "see https://a.b/?c=1&amp;d=2."),
        ("<https://a.b>now", "https://a.b now"),
        ("write to <a@b.c>", "write to a@b.c"),
        ("![alt](https://a.b/x.png)", "[alt](https://a.b/x.png)"),
        ("![alt][ref]\n\n[ref]: <https://a.b/x.png>", "[alt][ref]\n\n[ref]: https://a.b/x.png"),
        ("[![badge](https://a.b/i)](https://c.d)", "[badge](https://a.b/i) (https://c.d)"),
        ("[label](<https://a.b/c d(e)>)", "[label](https://a.b/c%20d%28e%29)"),
        ("`![no](x)` \\![no](x)", "`![no](x)` \\![no](x)"),
        ("```html\n<b>![x](y)</b>\n```", "```html\n&lt;b&gt;![x](y)&lt;/b&gt;\n```"),
        ("> quote\n> > deeper <b>", "> quote\n> > deeper &lt;b&gt;"),
        ("- > in a list\n\n1. > too", "- > in a list\n\n1. > too"),
        ("\\<b\\> \\& \\> x", "&lt;b&gt; &amp; &gt; x"),
        ("\\> no quote", "&gt; no quote"),
        ("&lt;!here&gt; &nbsp;", "&amp;lt;!here&amp;gt; &amp;nbsp;"),
        ("<div>\n**bold**\n</div>", "&lt;div&gt;\n**bold**\n&lt;/div&gt;"),
        ("| ![x](y) | <ab:c> |\n|---|---|\n| ![x](y) | 1 |", "| [x](y) | ab:c |\n|---|---|\n| [x](y) | 1 |"),
        ("# ![x](y) #\n\nText ![x](y)\nmore ![x](y)", "# [x](y) #\n\nText [x](y)\nmore [x](y)"),
        ("a\u202eb\x00c\r\nd", "abc\nd"),
    ],
)  # fmt: skip
def test_slack_gets(markdown: str, sent: str) -> None:
    assert DIALECT.render(markdown) == sent


def letters(text: str) -> list[str]:
    return [character for character in text if character.isalnum()]


def holds_in_order(text: list[str], wanted: list[str]) -> bool:
    rest = iter(text)
    return all(character in rest for character in wanted)


def check_any_text(markdown: str) -> None:
    sent = DIALECT.render(markdown)
    assert "<" not in sent
    assert mrkdwn.pings(mrkdwn.sent(sent), {"U0SIM000003": "Ann"}, names_too=False) == set()
    assert blocks.pings([{"type": "markdown", "text": sent}], {"U0SIM000003": "Ann"}) == set()
    assert re.sub("&(amp|lt|gt);", "", sent).count("&") == 0
    assert holds_in_order(letters(unescape(sent)), letters(markdown))
    assert DIALECT.size(sent) == len(sent)
    sent.encode()


@settings(max_examples=300, deadline=None)
@given(MARKDOWN)
@example("![![![")
@example("[1]: <\n<x>")
@example("|a|\n|-|\n|\\||<https://a.b>|")
def test_no_text_pings_hides_a_link_or_loses_a_letter(markdown: str) -> None:
    check_any_text(markdown)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(MARKDOWN)
def test_no_text_pings_hides_a_link_or_loses_a_letter_long(markdown: str) -> None:
    check_any_text(markdown)


@settings(max_examples=100, deadline=None)
@given(MARKDOWN)
def test_what_slack_renders_is_sent_as_it_was_written(markdown: str) -> None:
    plain = re.sub("[<>&!\r\ud800\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", markdown)
    plain = re.sub("[\ud800-\udfff]", "", plain)
    assert DIALECT.render(plain) == plain


@given(st.text())
def test_escaped_text_reads_as_it_was(text: str) -> None:
    assert unescape(escape(text)) == text
