"""What a reader sees at a page's end and at the next one's beginning."""

import time

import pytest
from reply_fakes import Growing, Plain
from reply_texts import PIECES

from bot.reply import Paginator, pages
from bot.reply.paging.heal import heal


def texts(markdown: str, size: int = 200) -> list[str]:
    return [page.text for page in pages(markdown, Plain(), size)]


def test_a_short_answer_is_one_page_and_untouched() -> None:
    assert texts("Half *open, and so **left.") == ["Half *open, and so **left."]
    assert texts("") == []


def test_a_page_ends_at_a_paragraph_rather_than_at_a_line_a_sentence_or_a_word() -> None:
    markdown = "One. Two three. " * 10 + "\n\nNext paragraph. With more.\nAnd a line " + "and words " * 20
    assert texts(markdown)[0] == "One. Two three. " * 10 + "\n\n"


def test_a_page_ends_at_a_sentence_rather_than_at_a_word() -> None:
    first, second = texts("word " * 33 + "end. " + "word " * 20)
    assert first.endswith("end. ")
    assert second.startswith("word")


def test_a_code_block_that_must_be_cut_goes_on_in_its_language() -> None:
    first, second = texts("```python\n" + "".join(f"line_{n:02} = {n}\n" for n in range(20)) + "```\n")
    assert first.endswith("\n```")
    assert second.startswith("```python\nline_")
    assert "```\n```" not in second


def test_a_code_block_is_never_cut_before_its_end_or_after_its_beginning() -> None:
    for before in range(120, 200):
        for text in texts("w" * before + "\n\n```py\nx = 1\ny = 2\n```\n\nafter " * 4):
            assert "```py\n```" not in text
            assert text.count("```") % 2 == 0


def test_a_block_that_fits_on_the_next_page_moves_there_if_little_is_wasted() -> None:
    code = "```sh\n" + "echo one\n" * 8 + "```\n"
    first, second = texts("word " * 31 + "\n\n" + code)
    assert "```" not in first
    assert second == code


@pytest.mark.parametrize("begun", range(1, 40))
def test_a_block_that_has_only_begun_when_the_page_is_full_begins_the_next_one(begun: int) -> None:
    for block in (
        "Another paragraph with more words than fit on it.",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "- **item** one",
    ):
        first, second = texts("w" * (196 - begun) + ".\n\n" + block + "\n" + "- and words\n" * 3)
        assert second.startswith(block) or first.count(block) == 1


def test_a_heading_is_not_left_behind_by_its_section() -> None:
    first, second = texts("word " * 34 + "\n\n## Section\n\n" + "word " * 20)
    assert "##" not in first
    assert second.startswith("## Section")


def test_a_table_goes_on_under_its_header() -> None:
    rows = "".join(f"| {n} | value {n} |\n" for n in range(20))
    first, second, *_ = texts("| key | value |\n|---|---:|\n" + rows)
    assert first.endswith(" |\n")
    assert second.startswith("| key | value |\n|---|---:|\n| ")


def test_the_numbers_of_a_list_go_on_even_if_all_are_written_as_one() -> None:
    _, second, *_ = texts("".join(f"1. item {n} of the list\n" for n in range(1, 13)))
    assert second.startswith("9. item 9 of the list\n")


def test_a_cut_within_a_list_item_takes_the_item_up_again() -> None:
    markdown = "1. One\n2. Two\n\n   ```sh\n" + "   echo a line of code\n" * 12 + "   ```\n3. Three\n"
    first, *_, last = texts(markdown)
    assert first.endswith("   echo a line of code\n   ```")
    assert last.startswith("2. ```sh\n   echo")
    assert last.endswith("   ```\n3. Three\n")


def test_a_list_item_that_goes_on_keeps_its_number() -> None:
    start = "".join(f"1. item {n}\n" for n in range(1, 11))
    _, second, *_ = texts(start + "1. " + "words of the last item " * 9)
    assert second.startswith(("11. words", "11. of"))
    _, second, *_ = texts("2. a\n10. " + "words of the last item " * 9)
    assert second.startswith(("3.  words", "3.  of"))


def test_a_marker_that_belongs_to_an_address_is_none() -> None:
    first, second = texts("w" * 100 + " https://example.org/a_b_c*d and " + "words " * 20)
    assert (first + second).count("*") == 1
    first, *_ = texts("Now **https://example.org/a_b** and " + "words " * 40)
    assert first.count("**") == 2
    first, second = texts("Now **see https://example.org/a** and **" + "words " * 40)
    assert first.endswith("**")
    assert second.startswith("**words")


def test_a_cut_within_a_quote_goes_on_as_a_quote() -> None:
    first, second = texts("> " + "quoted words " * 25)
    assert first.startswith("> ")
    assert second.startswith("> quoted")


def test_code_in_a_quote_is_closed_and_taken_up_in_the_quote() -> None:
    first, second = texts("> ```js\n" + "> let a = 1234567\n" * 14 + "> ```\n")
    assert first.endswith("\n> ```")
    assert second.startswith("> ```js\n> let")


def test_emphasis_that_goes_over_a_cut_is_closed_and_opened_again() -> None:
    first, second = texts("Now **" + "bold words " * 25 + "end** plain")
    assert first.endswith("**")
    assert second.startswith(("**bold words", "**words"))
    assert second.endswith("end** plain")


@pytest.mark.parametrize(
    "whole",
    ["[a link with words](https://example.org/page)", "`code with spaces`", "<@123456789012345678>", "👩‍👩‍👧‍👦",
     "https://example.org/a/long/path?with=query", "![an image](https://example.org/i.png)"],
)  # fmt: skip
def test_nothing_that_belongs_together_is_cut(whole: str) -> None:
    for before in range(150, 201):
        shown = texts("w" * before + " " + whole + " and more words")
        assert sum(whole in text for text in shown) == 1


def test_what_cannot_be_kept_whole_is_cut_all_the_same() -> None:
    link = "[x](https://example.org/" + "a" * 500 + ")"
    assert "".join(page.source for page in pages(link, Plain(), 200)) == link
    assert "".join(texts("y" * 1000)) == "y" * 1000


def test_markup_too_long_to_be_taken_up_again_leaves_room_for_text() -> None:
    markdown = "*" * 99 + "Plain words of an answer, one after the other. " + "`" * 40 + "And others. " * 4 + "`" * 13
    shown = pages(markdown, Plain(), 200)
    assert all(len(page.text) <= 200 for page in shown)
    assert len(shown) < 6


def test_tables_that_grow_in_the_dialect_still_fit() -> None:
    markdown = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 60
    shown = pages(markdown, Growing(), 500)
    assert all(len(page.text) <= 500 for page in shown)
    assert len(shown) > 5


@pytest.mark.parametrize(
    ("half", "shown"),
    [
        ("Some **bold te", "Some **bold te**"),
        ("Some **bold *and it", "Some **bold *and it***"),
        ("Some **bold te*", "Some **bold te**"),
        ("Some **", "Some "),
        ("A `co", "A `co`"),
        ("A `", "A "),
        ("A ``code with ` in", "A ``code with ` in``"),
        ("See [the docs](https://exa", "See "),
        ("See [the do", "See "),
        ("Ask <@1234", "Ask "),
        ("At https://example.org/pa", "At "),
        ("Code:\n\n```py\nx = 1\n", "Code:\n\n```py\nx = 1\n```"),
        ("Code:\n\n```py\nx = 1\n``", "Code:\n\n```py\nx = 1\n```"),
        ("Code:\n\n```p", "Code:\n\n"),
        ("Code:\n\n``", "Code:\n\n"),
        ("List:\n-", "List:\n"),
        ("List:\n- [x](htt", "List:\n"),
        ("Table:\n\n| a | b |\n|--", "Table:\n\n"),
        ("| a | b |\n|---|---|\n| 1 | **2", "| a | b |\n|---|---|\n| 1 | **2**"),
        ("2 * 3 and snake_case and 2*3", "2 * 3 and snake_case and 2*3"),
        ("ceil(w/28)*ceil(h/28)", "ceil(w/28)*ceil(h/28)"),
        ("array[0] is fine", "array[0] is fine"),
        ("~~gone", "~~gone~~"),
    ],
)
def test_a_half_written_end_is_closed_or_held_back(half: str, shown: str) -> None:
    assert heal(half).rstrip() == shown.rstrip()


def test_a_page_that_is_written_shows_only_what_is_certain() -> None:
    (page,) = pages("Some **bold te", Plain(), 200, done=False)
    assert (page.source, page.text) == ("Some **bold te", "Some **bold te**")


def test_asking_for_the_whole_text_does_not_end_it() -> None:
    paginator = Paginator(Plain(), 200)
    for _ in range(20):
        paginator.add("Some words of **an answer**, ")
        paginator.pages(done=True)
    assert paginator.pages(done=True) == pages("Some words of **an answer**, " * 20, Plain(), 200)


class _Counting(Plain):
    rendered = 0

    def render(self, markdown: str) -> str:
        self.rendered += len(markdown)
        return markdown


def test_the_work_is_linear_in_the_text() -> None:
    words = "Words of an answer, `code` and **more**. " * 2500
    dialect = _Counting()
    paginator = Paginator(dialect, 2000)
    for word in words.split(" "):
        paginator.add(word + " ")
    paginator.pages(done=True)
    assert dialect.rendered < 10 * len(words)


@pytest.mark.parametrize("piece", [*PIECES, "*a ", "**a* ", "[a ", "<a", "`a ``b "])
def test_no_text_takes_long(piece: str) -> None:
    start_s = time.process_time()
    pages(piece * (4000 // len(piece)), Plain(), 2000)
    assert time.process_time() - start_s < 2


def test_a_page_too_small_for_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="correct the limits"):
        Paginator(Plain(), 100)
