"""Claude's Markdown as Discord shows it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from bot.platforms.discord import DiscordDialect

DIALECT = DiscordDialect()
RULE = "⎯" * 12

AS_IT_IS = [
    "Hello, *world* and **all** of _you_ and ~~them~~.",
    "# One\n## Two\n### Three\ntext\n-# small",
    "- a\n  - b\n    - c\n* d\n1. e\n2. f",
    "> quote\n> more\n\n>>> the rest",
    "```py\nx = __init__\n# no heading\n```",
    "`__a__` and ``b ` c`` and ```d```",
    "[label](https://example.org/a_b_c) and <https://example.org> and https://example.org",
    '[label](https://example.org "title") [here](#below) [file](a/b.md)',
    "**注意：**请看**“这里”**吧",
    "||spoiler|| <t:1:R> <@1> <#2> </ask:3> <a:wave:4>",
    r"\*not bold\* \_ \` \\ 1\. x",
    "<b>html</b> and <br> and a < b",
    "Text[^1].\n\n[^1]: A note.",
    "[^1]: https://example.org\n\nText[^1].",
    "[unused]: https://example.org",
    "[file][1]\n\n[1]: a/b.md",
    "a | b | c, not a table",
    "$x^2$ and \\(y_1\\)",
    "  \n\n  ",
    "",
]


@pytest.mark.parametrize("text", AS_IT_IS)
def test_what_discord_renders_is_left_as_it_was_written(text: str) -> None:
    assert DIALECT.render(text) == text


CHANGED = {
    "bold by underscores": ("__a__ b__c__d __e *f* g__", "**a** b\\__c__d **e *f* g**"),
    "bold in bold": ("**a __b__ c** and __a **b** c__", "**a b c** and **a b c**"),
    "bold italics": ("___a___", "_**a**_"),
    "a deep heading": ("#### Four\n##### *Five* __x__ ##\n####", "**Four**\n***Five* x**\n####"),
    "an indented heading": ("  ## Two ##  ", "## Two"),
    "underlined headings": ("One\n===\n\nTwo\nlines\n---\ntext", "# One\n\n## Two lines\ntext"),
    "rules": ("a\n\n***\n\n> ---", f"a\n\n{RULE}\n\n> {RULE}"),
    "bullets": ("+ a\n  + b\n\n1) c\n2) d", "- a\n  - b\n\n1. c\n2. d"),
    "tasks": ("- [ ] a\n- [x] b\n  1. [X] c\n- [ ]d", "- ☐ a\n- ☑ b\n  1. ☑ c\n- [ ]d"),
    "pictures": (
        '![a __b__](https://x.org/i.png "t") ![](https://x.org/j.png) ![c](d.png)',
        "a b (<https://x.org/i.png>) <https://x.org/j.png> c (d.png)",
    ),
    "a linked picture": ("[![build](https://b.org/i.svg)](https://b.org)", "build (<https://b.org>)"),
    "an address as label": (
        "[https://a.org](https://b.org) [https://a.org](https://a.org)",
        "https://a.org (<https://b.org>) <https://a.org>",
    ),
    "a link without a label": ("[](https://a.org)", "<https://a.org>"),
    "references": (
        "[one][1], [Two][], [two], [__x__][1]\n\n[1]: https://one.org 'title'\n[two]: <https://two.org>\nend",
        "[one](<https://one.org>), [Two](<https://two.org>), [two](<https://two.org>), [**x**](<https://one.org>)\n\nend",
    ),
    "tilde fences": ("~~~python\na\n~~~", "```python\na\n```"),
    "long fences": ("`````\na\n`````", "```\na\n```"),
    "a fence in a fence": ("````md\n```py\nx\n```\n````", "```md\n``\u200b`py\nx\n``\u200b`\n```"),
    "fence attributes": ('```py title="a.py" {1,2}\nx\n```', "```py\nx\n```"),
    "an open fence": ("```py\nx", "```py\nx\n```"),
    "an open fence in a quote": ("> ~~~\n> x\n\nafter", "> ```\n> x\n> ```\n\nafter"),
    "a fence in a list": ("- a\n\n  ~~~\n  b\n  ~~~", "- a\n\n  ```\n  b\n  ```"),
    "indented code": ("a\n\n    b *c*\n\n      d\n\ne", "a\n\n```\nb *c*\n\n  d\n```\n\ne"),
    "indented code in a list": ("- a\n\n      b\n      c", "- a\n\n  ```\n  b\n  c\n  ```"),
    "backticks in prose": ("a ``` b", "a \\`\\`\\` b"),
    "stars and underscores that Discord would pair": (
        "f_1 and 5*x\n\n```sh\ns/_/*/ 2*4\n```\n\n*x\n\ny*",
        "f\\_1 and 5\\*x\n\n```sh\ns/_/*/ 2*4\n```\n\n\\*x\n\ny*",
    ),
    "long code spans": ("a ````b``` c```` d", "a ```b``\u200b` c``` d"),
    "lone backticks": (
        "a ``b `c` \\` [d](https://x.org/`)\n\n<https://x.org/`>\n\nd ` e",
        "a \\`\\`b `c` \\` [d](https://x.org/`)\n\n<https://x.org/`>\n\nd \\` e",
    ),
    "entities": ("a &lt; b &amp; c&nbsp;&#42; `&lt;`", "a \\< b & c\u00a0\\* `&lt;`"),
    "a backslash at the end of a line": ("a\\\nb", "a\nb"),
    "line breaks of other systems": ("a\r\nb\rc", "a\nb\nc"),
    "control characters": ("a\x00b\x1bc\u202ed\u2066e", "abcde"),
    "half a character": ("a\ud83db", "a\ufffdb"),
    "in quotes and lists": ("> - __a__\n>   #### b\n> + c", "> - **a**\n>   **b**\n> - c"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_discord_would_show_wrongly_is_put_in_its_words(case: str) -> None:
    text, expected = CHANGED[case]
    assert DIALECT.render(text) == expected


def test_a_table_is_an_aligned_block() -> None:
    table = (
        "before\n| Name | N | Centre |\n|:--|--:|:-:|\n| **Ål** | 1 | `x` |\n| 日本 | 22 | [l](https://a.org)<br>two |"
    )
    table += "\nend"
    expected = """before
```
Name |  N |      Centre
-----+----+------------------
Ål   |  1 |         x
日本 | 22 | l (https://a.org)
     |    |        two
end  |    |
```"""
    assert DIALECT.render(table) == expected


def test_a_table_in_a_quote_in_a_list_stays_there() -> None:
    table = "- > a | b\n  > --|--\n  > 1 | 2 \\| 3 | 4\n  after"
    expected = "- > ```\n  > a | b\n  > --+----------\n  > 1 | 2 | 3 | 4\n  > ```\n  after"
    assert DIALECT.render(table) == expected


def test_size_is_in_code_points() -> None:
    assert DIALECT.size("a👍🏽日") == 4


PIECES = [
    "word", "Zwei 3", "日本", "é", " ", "\n", "\n\n", "# ", "#### ", "- ", "+ ", "* ", "1. ", "7) ", "> ", "**",
    "__", "*", "_", "~~", "~", "`", "``", "```", "```\n", "```py\n", "~~~\n", "````md\n", "---\n", "===\n",
    "***\n", "    ", "  ", "\t", "\\", "\\\n", "- [ ] ", "- [x] ", "| a | b |\n|---|:-:|\n", "| c | d | e |\n",
    "|", "![alt](http://x.y/z)", "[label](http://x.y)", "[label]", "(http://x.y)", "!", "[", "]", "(", ")",
    "||", ":", ".", "-# ", ">>> ", "@everyone",
]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
FENCED = st.lists(st.sampled_from([piece for piece in PIECES if piece not in {"`", "``"}]), max_size=40).map("".join)
PLAIN = st.lists(
    st.text(st.sampled_from("abc XYZ 019 äß 日本 .,;?!\"'"), min_size=1).map(str.strip).filter(bool), min_size=1
).map("\n".join)


def alphanumeric(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def contains_in_order(text: str, wanted: str) -> bool:
    letters = iter(text)
    return all(char in letters for char in wanted)


def check_markdown(text: str) -> None:
    rendered = DIALECT.render(text)
    assert contains_in_order(alphanumeric(rendered), alphanumeric(text.replace("[x]", "")))  # a ticked box has a sign
    assert bool(rendered.strip()) == bool(text.strip())
    assert DIALECT.size(rendered) == len(rendered)


def check_any(text: str) -> None:
    rendered = DIALECT.render(text)
    rendered.encode()
    if any(char.isprintable() and not char.isspace() for char in text):
        assert rendered.strip()


def check_fences(text: str) -> None:
    """Without code spans, which may hold backticks, every three backticks are one end of a block."""
    assert DIALECT.render(text).count("```") % 2 == 0


@settings(max_examples=300)
@given(MARKDOWN)
def test_no_letter_is_lost(text: str) -> None:
    check_markdown(text)


@settings(max_examples=300)
@given(FENCED)
def test_code_blocks_are_closed(text: str) -> None:
    check_fences(text)


@settings(max_examples=200)
@given(st.text())
def test_any_text_can_be_rendered(text: str) -> None:
    check_any(text)


@settings(max_examples=200)
@given(PLAIN)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert DIALECT.render(text) == text


@settings(max_examples=200)
@given(st.lists(st.lists(st.text(st.sampled_from("ab日本é👍 "), max_size=8), min_size=3, max_size=3), min_size=1))
def test_the_columns_of_every_table_are_in_line(rows: list[list[str]]) -> None:
    lines = ["| h | i | j |", "|---|--:|:-:|", *(f"| {' | '.join(row)} |" for row in rows)]
    first, *drawn, last = DIALECT.render("\n".join(lines)).split("\n")
    assert (first, last) == ("```", "```")
    columns = {tuple(wcswidth(line[:at]) for at, char in enumerate(line) if char in "|+") for line in drawn if line}
    assert len(drawn) == len(rows) + 2
    assert len({column[:1] for column in columns}) == 1


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(MARKDOWN)
def test_no_letter_is_lost_in_the_long_run(text: str) -> None:
    check_markdown(text)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(FENCED)
def test_code_blocks_are_closed_in_the_long_run(text: str) -> None:
    check_fences(text)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(st.text())
def test_any_text_can_be_rendered_in_the_long_run(text: str) -> None:
    check_any(text)
