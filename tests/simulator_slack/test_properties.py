"""What holds for all buttons and all files. Properties."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.slack import Shared, SlackError
from bot.simulator.slack.workspace import blocks, file_objects

labels = st.text(min_size=1, max_size=75)
buttons = st.builds(
    lambda label, value: {"type": "button", "text": {"type": "plain_text", "text": label}, "value": value},
    labels,
    st.text(max_size=2_000),
)
rows = st.lists(st.lists(buttons, min_size=1, max_size=25), max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["button", "actions", "section"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "action_id", "elements", "accessory", "value"]), inner)
    ),
    max_leaves=12,
)
FILES = st.builds(
    Shared,
    st.text(min_size=1),
    st.binary() | st.text().map(str.encode),
    st.sampled_from(["file", "snippet", "post", "canvas", "voice", "video"]),
)


def taken_buttons_are_shown_in_order_and_have_ids(given_rows: list[list[dict[str, Any]]]) -> None:
    checked = blocks.check([{"type": "actions", "elements": row} for row in given_rows])
    found = list(blocks.buttons(checked))
    assert [button["text"]["text"] for _, button in found] == [b["text"]["text"] for row in given_rows for b in row]
    assert len({(block["block_id"], button["action_id"]) for block, button in found}) == len(found)
    assert blocks.shown(checked, {}) == ""
    assert blocks.check(checked) == checked


def bad_elements_are_refused_and_break_nothing(elements: Any) -> None:
    for block in ({"type": "actions", "elements": elements}, {"type": "section", "text": None, "accessory": elements}):
        with suppress(SlackError):
            list(blocks.buttons(blocks.check([block])))


def a_file_is_described_by_what_it_is(shared: Shared) -> None:
    file = file_objects.make(shared, "F1", "U1", team_id="T1", host="127.0.0.1:1", created_s=0)
    body = file_objects.file_json(file, "T1")
    assert (body["name"], body["size"]) == (shared.name, len(shared.data))
    assert body["url_private"].startswith("http://127.0.0.1:1/files-pri/T1-F1/")
    assert body["url_private"].count("/") == 5
    if body["mode"] in {"snippet", "post"}:
        assert body["lines_more"] == max(0, body["lines"] - 5)
        assert body["preview_is_truncated"] == (body["lines_more"] > 0)


PROPERTIES = [
    (rows, taken_buttons_are_shown_in_order_and_have_ids),
    (anything, bad_elements_are_refused_and_break_nothing),
    (FILES, a_file_is_described_by_what_it_is),
]


@pytest.mark.parametrize(("drawn", "holds"), PROPERTIES)
def test_it_holds(drawn: st.SearchStrategy[Any], holds: Callable[[Any], None]) -> None:
    settings(max_examples=60, deadline=None)(given(drawn)(holds))()


@pytest.mark.long
@pytest.mark.parametrize(("drawn", "holds"), PROPERTIES)
def test_it_holds_in_many_examples(drawn: st.SearchStrategy[Any], holds: Callable[[Any], None]) -> None:
    settings(max_examples=10_000, deadline=None)(given(drawn)(holds))()
