"""Claude's Markdown as Discord shows it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from bot.platforms.discord import DiscordDialect

DIALECT = DiscordDialect()
RULE = "⎯" * 12

AS_IT_IS = [
    "Hello, *world* and **all** of _you_ and ~~them~~.",
    "# One\n## Two\n### Three\ntext",
    "- a\n  - b\n    - c\n\n1. e\n2. f",
    "> quote\n> more\n\nthe rest",
    "```py\nx = __init__\n# no heading\n```",
    "`__a__` and ``b ` c``",
    "[label](https://example.org/a_b_c) and <https://example.org> and https://example.org",
    "[the **same** one](https://a.org) and [`asyncio.gather`](https://docs.org/a_b#c_d)",
    "**注意：**请看**“这里”**吧",
    "<t:1:R> <@1> <#2> </ask:3> <a:wave:4> <:a_b:5> <id:browse> @everyone",
    "snake_case and other_name, 2 * 3, a ~ b, a | b, x^2",
    "(https://en.wikipedia.org/wiki/Python) and https://a.org/x_y_z, see: https://a.org.",
    "C:\\dir and \\lambda",
    "<b>html</b> and <br> and a < b",
    "Text[^1].\n\n[^1]: A note.",
    "[^1]: https://example.org\n\nText[^1].",
    "[unused]: https://example.org",
    "- [ ]d and [1] and a[0][1]",
    "a | b | c, not a table",
    "¯\\_(ツ)_/¯",
    "  \n\n  ",
    "",
]


@pytest.mark.parametrize("text", AS_IT_IS)
def test_what_discord_shows_as_it_is_meant_stays_as_it_was_written(text: str) -> None:
    assert DIALECT.render(text) == text


CHANGED = {
    # what means nothing in CommonMark, and would be a pair for Discord
    "an underscore before a letter beyond ASCII": ("_a_é", "\\_a\\_é"),
    "mathematics": ("(λ_max) \\lambda_{x}", "(λ\\_max) \\lambda\\_{x}"),
    "powers": ("2 ** 3 is 8 and 3 ** 2", "2 \\*\\* 3 is 8 and 3 \\*\\* 2"),
    "arguments": ("*args and **kwargs: **kwargs", "\\*args and \\*\\*kwargs: \\*\\*kwargs"),
    "curses": ("f**k sh*t", "f\\*\\*k sh\\*t"),
    "digits behind stars": ("****1234 **x**", "\\*\\*\\*\\*1234 **x**"),
    "stars in two paragraphs": ("*a\n\nb*", "\\*a\n\nb\\*"),
    "underscores within a word": ("__a__b", "\\_\\_a\\_\\_b"),
    "bars": ("if (a || b || c)", "if (a \\|\\| b \\|\\| c)"),
    "ticks in two paragraphs": ("`a\n\nb`", "\\`a\n\nb\\`"),
    "ticks in prose": ("a ``` b", "a \\`\\`\\` b"),
    "markers before a code block that holds them": (
        "f_1 and 5*x\n\n```sh\ns/_/*/ 2*4\n```\n\n*x\n\ny*",
        "f\\_1 and 5\\*x\n\n```sh\ns/_/*/ 2*4\n```\n\n\\*x\n\ny\\*",
    ),
    "a backslash before a letter beyond ASCII": ("C:\\é", "C:\\\\é"),
    "an emoji's name": (":_a_:", "\\:_a_:"),
    "entities": ("a &lt; b &amp; c&nbsp;&#42; `&lt;`", "a \\< b & c\u00a0* `&lt;`"),
    "an address that is none": ("http://**a** steam://_b_", "http\\://**a** steam\\://_b_"),
    "a shrug before an underscore": ("¯\\_(ツ)_/¯ _", "¯\\\\\\_(ツ)\\_/¯ _"),
    "an angle that Discord would end in the next line": ("> a <b\n> https://e.co>", "> a \\<b\n> <https://e.co>>"),
    "a number behind a wide space": ("&nbsp;1. a", "\u00a01\\. a"),
    # styles
    "bold by underscores": ("__a__ __e *f* g__", "**a** **e *f* g**"),
    "bold in bold": ("**a __b__ c** and __a **b** c__", "**a b c** and **a b c**"),
    "bold italics": ("___a___ ***b***", "_**a**_ _**b**_"),
    "italics beside bold": ("*a***b**", "_a_**b**"),
    "italics in italics": ("*a **b* c**", "*a b c*"),
    "a star in code in italics": ("*a `*` b*", "_a `*` b_"),
    "a star in an address in italics": ("*a https://e.co/*b c*", "_a https://e.co/*b c_"),
    "an underscore behind struck text": ("~~a~~_", "~~a~~\\_"),
    # addresses
    "markers behind an address": ("https://e.co/a**", "<https://e.co/a>**"),
    "a bold address": ("**https://e.co/a_b**", "**<https://e.co/a_b>**"),
    "markers in a label": ("[a_b_ c](https://e.co)", "a\\_b\\_ c (<https://e.co>)"),
    "an emoji in a label": ("[🥺](https://e.co)", "🥺 (<https://e.co>)"),
    "a link in a label": ("[a[b](https://e.co)](https://f.co)", "\\[a[b](https://e.co)]\\(https://f.co)"),
    "an address as label": (
        "[https://a.org](https://b.org) [https://a.org](https://a.org)",
        "https://a.org (<https://b.org>) <https://a.org>",
    ),
    "a link without a label": ("[](https://a.org)", "<https://a.org>"),
    "an address Discord does not link": ("[here](#below) [file](a/b.md)", "[here]\\(#below) [file]\\(a/b.md)"),
    "pictures": (
        '![a __b__](https://x.org/i.png "t") ![](https://x.org/j.png) ![c](d.png)',
        "a b (<https://x.org/i.png>) <https://x.org/j.png> c (d.png)",
    ),
    "a linked picture": ("[![build](https://b.org/i.svg)](https://b.org)", "[build](https://b.org)"),
    "references": (
        "[one][1], [Two][], [two], [__x__][1]\n\n[1]: https://one.org 'title'\n[two]: <https://two.org>\nend",
        "[one](https://one.org), [Two](https://two.org), [two](https://two.org), [**x**](https://one.org)\n\nend",
    ),
    # blocks
    "a deep heading": ("#### Four\n##### *Five* __x__ ##\n####", "**Four**\n**_Five_ x**"),
    "an indented heading": ("  ## Two ##  ", "## Two"),
    "underlined headings": ("One\n===\n\nTwo\nlines\n---\ntext", "# One\n\n## Two lines\ntext"),
    "a number in a heading": ("### 1. A", "### 1\\. A"),
    "a blank heading": ("#\n## &nbsp;\na", "a"),
    "number signs around a heading": ("# C\\#\n## \\#1 is", "# C#\u200b\n## \u200b#1 is"),
    "a heading in a list": ("- # a\n- b", "- **a**\n- b"),
    "rules": ("a\n\n***\n\n> ---", f"a\n\n{RULE}\n\n> {RULE}"),
    "bullets": ("+ a\n  + b\n\n1) c\n2) d", "- a\n  - b\n\n1. c\n2. d"),
    "lists of different kinds": ("1. A\n- x\n2. B", "1. A\n\n- x\n\n2. B"),
    "a list in an item": ("1. a\n   - b\n   1. c\n2. d", "1. a\n   - b\n   \n   1. c\n2. d"),
    "an empty item": ("-\n- b\n\n\nc", "- \u200b\n- b\n\n\nc"),
    "a list from 0": ("0. a\n1. - b", "0\\. a\n1\\. \n- b"),
    "a number that begins no list": ("a\n2. b", "a\n2\\. b"),
    "small text": ("-# a", "\\-# a"),
    "a quote without a space": (">a\nb", "> a\n> b"),
    "quotes in quotes": (">>> a\n\nb\n\n> > c", "> a\n\nb\n\n> c"),
    "tasks": ("- [ ] a\n- [x] b\n  1. [X] c\n- [ ]d", "- ☐ a\n- ☑ b\n  1. ☑ c\n- [ ]d"),
    "in quotes and lists": ("> - __a__\n>   #### b\n> + c", "> - **a**\n>   **b**\n> \n> - c"),
    "html": ("<div>\n**b\n</div>\n\n**c", "<div>\n\\*\\*b\n</div>\n\n\\*\\*c"),
    # code
    "an empty fence": ("```\n```\na\n```\nb\n```", "```\n \n```\na\n```\nb\n```"),
    "more than a language": ('```py title="a.py" {1,2}\nx\n```', "```py\nx\n```"),
    "languages with a sign": ("```c#\nx\n```\n```c++\ny\n```", "```csharp\nx\n```\n```c++\ny\n```"),
    "tilde fences": ("~~~python\na\n~~~", "```python\na\n```"),
    "long fences": ("`````\na\n`````", "```\na\n```"),
    "a fence in a fence": ("````md\n```py\nx\n```\n````", "```md\n``\u200b`py\nx\n``\u200b`\n```"),
    "an open fence": ("```py\nx", "```py\nx\n```"),
    "an open fence in a quote": ("> ~~~\n> x\n\nafter", "> ```\n> x\n> ```\n\nafter"),
    "a fence in a list": ("- a\n\n  ~~~\n  b\n\n  c\n  ~~~", "- a\n  \n  ```\n  b\n  \n  c\n  ```"),
    "indented code": ("a\n\n    b *c*\n\n      d\n\ne", "a\n\n```\nb *c*\n\n  d\n```\n\ne"),
    "long code spans": ("a ````b``` c```` d", "a `b``` c` d"),
    "ticks of all lengths in code": ("````a ` b `` c````", "``a ` b `\u200b` c``"),
    # characters
    "a backslash at the end of a line": ("a\\\nb", "a\nb"),
    "line breaks of other systems": ("a\r\nb\rc", "a\nb\nc"),
    "control characters": ("a\x00b\x1bc\u202ed\u2066e", "abcde"),
    "half a character": ("a\ud83db", "a\ufffdb"),
    "noncharacters": ("a\ufdd0b\ufdd4", "a\ufffdb\ufffd"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_what_discord_would_show_otherwise_is_put_in_its_words(case: str) -> None:
    text, expected = CHANGED[case]
    assert DIALECT.render(text) == expected


ADDRESSES = [
    "https://github.com/python/cpython/blob/main/Lib/json/__init__.py",
    "https://en.wikipedia.org/wiki/The_Matrix_(franchise)",
    "https://scikit-learn.org/stable/modules/sklearn.linear_model.html#coef_",
    "https://a.org/x*y*z?q=~a~&b=__c__#(d)",
    "https://example.org/a,b;c:d@e",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "around", ["{}", "see {} and coef_ too", "**{}**", "*{}*", "({})", "- {}\n- _x_", "[a]({})", "<{}>"]
)
def test_every_address_is_on_the_screen_as_it_was_written(address: str, around: str) -> None:
    assert address in DIALECT.render(around.format(address))


def test_lists_and_quotes_nested_without_end_are_shown_to_the_last_letter() -> None:
    for mark in ("> ", "- ", "1. ", ">", "* "):
        assert DIALECT.render(mark * 3000 + "end").endswith("end")
    steps = "\n".join(f"{'  ' * depth}- w{depth}" for depth in range(200))
    assert [word for word in DIALECT.render(steps).split() if word[0] == "w"] == [f"w{depth}" for depth in range(200)]


def test_a_line_of_dashes_under_text_makes_no_table() -> None:
    assert DIALECT.render("a |\n---\nb") == "## a |\nb"
    assert DIALECT.render("a | b\n----\nc") == "## a | b\nc"


def test_one_long_cell_does_not_make_every_row_as_long() -> None:
    table = "| a | b |\n|---|---|\n" + "| x | y |\n" * 20 + f"| {'long ' * 140}| z |\n| q{' ' * 700} | r |"
    assert len(DIALECT.render(table)) < 2000


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
    expected = "- > ```\n  > a | b\n  > --+----------\n  > 1 | 2 | 3 | 4\n  > ```\n  \n  after"
    assert DIALECT.render(table) == expected


def test_size_is_in_code_points() -> None:
    assert DIALECT.size("a👍🏽日") == 4


PLAIN = st.lists(
    st.text(st.sampled_from("abc XYZ 019 äß 日本 .,;?!\"'"), min_size=1)
    .map(str.strip)
    .filter(lambda line: line and not re.match(r"\d+\.", line)),  # a list's item
    min_size=1,
).map("\n".join)


def check_any(text: str) -> None:
    rendered = DIALECT.render(text)
    rendered.encode()
    if any(char.isprintable() and not char.isspace() for char in text):
        assert rendered.strip()


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
@given(st.text())
def test_any_text_can_be_rendered_in_the_long_run(text: str) -> None:
    check_any(text)
