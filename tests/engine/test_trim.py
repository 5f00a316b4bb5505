"""How much of a long thread Claude is shown, and that most requests begin as the one before."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.answer.prompt.trim import GONE, LEFT_OUT, HistoryLimits, tokens_of, trimmed

WIDE = HistoryLimits(tokens=10**9, files=10**6, file_bytes=10**12)


def picture(number: int, tokens: int = 100, size_bytes: int = 1000) -> dict[str, Any]:
    known = {"media_type": "image/png", "sha256": f"{number:064}", "tokens": tokens, "bytes": size_bytes}
    return {"type": "image", "source": {"type": "blob", **known}}


def turn(words: str, *files: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": [{"type": "text", "text": words}, *files]},
        {"role": "assistant", "content": f"About {words}."},
    ]


def cost(history: list[dict[str, Any]]) -> int:
    return sum(tokens_of(message["content"]) for message in history)


def texts(history: list[dict[str, Any]]) -> str:
    return str([message["content"] for message in history])


TURNS = st.lists(
    st.builds(
        turn,
        st.text("abc ", min_size=1, max_size=300),
        *[st.builds(picture, st.integers(0, 10**6), st.integers(1, 500), st.integers(1, 10**5))] * 1,
    )
    | st.builds(turn, st.text("abc ", min_size=1, max_size=300)),
    min_size=1,
    max_size=25,
)


@given(TURNS)
def test_what_fits_is_left_alone(turns: list[list[dict[str, Any]]]) -> None:
    history = [message for pair in turns for message in pair]
    assert trimmed(history, WIDE) == history


@given(TURNS, st.integers(300, 3000))
def test_what_is_shown_begins_with_a_question_and_ends_with_the_last_answer(
    turns: list[list[dict[str, Any]]], tokens: int
) -> None:
    history = [message for pair in turns for message in pair]
    shown = trimmed(history, HistoryLimits(tokens, 10, 10**6))
    assert shown[0]["role"] == "user"
    assert [message["role"] for message in shown] == ["user", "assistant"] * (len(shown) // 2)
    assert shown[-1] == history[-1]
    assert cost(shown) <= tokens or len(shown) == 2


@given(TURNS, st.integers(1, 5), st.integers(1_000, 300_000))
def test_no_request_holds_more_files_than_it_may(
    turns: list[list[dict[str, Any]]], files: int, size_bytes: int
) -> None:
    history = [message for pair in turns for message in pair]
    shown = trimmed(history, HistoryLimits(10**9, files, size_bytes))
    left = [
        b["source"]["bytes"] * 4 // 3 for m in shown for b in m["content"] if not isinstance(b, str) and "source" in b
    ]
    assert len(left) <= files
    assert sum(left) <= size_bytes


def test_old_pictures_leave_before_old_words_and_claude_is_told() -> None:
    history = [message for n in range(12) for message in turn(f"question {n}", picture(n, tokens=1000))]
    shown = trimmed(history, HistoryLimits(6000, 100, 10**9))
    assert GONE in texts(shown[:12])
    assert GONE not in texts(shown[-4:])
    assert all(f"question {n}" in texts(shown) for n in range(12))
    assert LEFT_OUT not in texts(shown)


def test_the_pictures_of_the_last_questions_stay_though_old_words_go() -> None:
    history = [message for n in range(8) for message in turn(f"question {n} " + "x" * 3000)]
    history += turn("look", picture(1, tokens=500))
    shown = trimmed(history, HistoryLimits(4000, 100, 10**9))
    assert picture(1, tokens=500) in shown[-2]["content"]
    assert LEFT_OUT in texts(shown[:1])
    assert "question 0" not in texts(shown)


def test_a_tools_result_stays_with_the_question_it_belongs_to() -> None:
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x" * 900}]}
    history = [*turn("one" * 300), {"role": "user", "content": "two" * 300}, use, result, turn("")[1], *turn("three")]
    for tokens in range(10, 1500, 100):
        first = trimmed(history, HistoryLimits(tokens, 100, 10**9))[0]["content"]
        assert first != result["content"]
        assert "tool_result" not in str(first)


def test_as_a_thread_grows_most_requests_begin_as_the_one_before() -> None:
    history: list[dict[str, Any]] = []
    before: list[dict[str, Any]] = []
    anew = 0
    for number in range(200):
        history += turn(f"question {number} " + "x" * 200, picture(number, tokens=100))
        shown = trimmed(history, HistoryLimits(10_000, 50, 10**9))
        assert cost(shown) <= 10_000
        anew += shown[: len(before)] != before
        before = shown
    assert anew <= 40
