"""Pages of HTML that strangers wrote: what a reader sees of them, at a cost that grows no faster than they do."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import MediaError
from bot.media import MediaLimits, read_page
from bot.media.child.page import text_of_html

PIECES = [*"<>![]-/&;=x \n\t\"'", "pre", "</pre>", "<pre>", "<script", "</script>", "<li class='", "<![CDATA[", "<!--"]
PIECES += ["-->", "&lt;", "&#9", "&#x", '<a href="', "<title>", "<?", "</", "<p>", "é", "\ud83d", "<td", "= "]
HOSTILE = [
    *PIECES, "<a ", "<a =", "<a ='", '<a ="', "<!-- -", "<a b='c' ", "</script", "<textarea>", "&NotNested", " \n",
    "\n ", "<pre> \n", "<a =\"'", "< ", "<p", "<li class=", "<script></script", "&#99999999999", "<li class=checked",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_page_is_too_broken_to_read(pieces: list[str]) -> None:
    assert isinstance(text_of_html("".join(pieces)), str)


def cpu_s(page: str) -> float:
    began_s = time.thread_time()
    text_of_html(page)
    return time.thread_time() - began_s


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("head", ["", "<pre>", "<p "])
def test_a_hostile_page_costs_no_more_than_its_length(piece: str, head: str) -> None:
    """At most 10 µs of CPU a character, in 120,000 of them."""
    page = head + piece * (120_000 // len(piece))
    assert min(cpu_s(page) for _ in range(2)) < len(page) * 10e-6


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_no_repetition_costs_more_than_its_length(pieces: list[str]) -> None:
    piece = "".join(pieces)
    page = piece * (60_000 // len(piece))
    assert min(cpu_s(page) for _ in range(2)) < len(page) * 15e-6


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One<p>Two</p>", "OneTwo"),
        ("<h2>Plan</h2><p>a &lt; b</p>", "## Plan\n\na < b"),
        ("<ul><li>one<li class='x checked'>two</ul>", "- one\n- [x] two"),
        ("<pre>x = 1\n\n  y</pre>", "```\nx = 1\n\n  y\n```"),
        ("a<script>if (1 < 2) '<p>'</script>b", "ab"),
        ("a<!-- no <b> -- here -->b", "ab"),
        ("a <a title='1 > 0'>b</a>", "a b"),
        ("it's 1 < 2", "it's 1 < 2"),
        ('<a title="never closed>seen', "seen"),
        ("<table><tr><td>a<td>b</table>", "| a | b"),
        (f"&#{'9' * 5000};", f"&#{'9' * 5000};"),
        ("<b>bold</b> and <i>more</i>", "bold and more"),
        ("", ""),
    ],
)
def test_what_a_reader_sees_of_a_page(page: str, text: str) -> None:
    assert text_of_html(page) == text


async def test_a_page_is_read_in_a_process_of_its_own() -> None:
    assert await read_page("<p>Füße 🎉</p>".encode(), "Plan") == "Füße 🎉".encode()
    assert await read_page(b"\xff<p>x", "Plan") == "\N{REPLACEMENT CHARACTER}x".encode()
    with pytest.raises(MediaError, match="I cannot use Plan: it takes too long"):
        await read_page(b"<p>x", "Plan", MediaLimits(child_cpu_s=0.001))


@pytest.mark.parametrize("end", ["</head>", ""])
def test_a_page_may_leave_out_where_its_head_ends(end: str) -> None:
    page = f"<html><head><title>Unseen</title><meta charset=utf-8>{end}<body><p>Hello</p></body></html>"
    assert text_of_html(page).strip() == "Hello"
