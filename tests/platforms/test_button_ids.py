"""A press is known by the id of its button, on whatever platform and in whatever process it was sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Button
from bot.platforms.kernel.buttons import LABELS, button_of, id_of


@pytest.mark.parametrize("button", Button)
def test_each_button_has_a_label_and_is_known_by_its_id(button: Button) -> None:
    assert LABELS[button]
    assert button_of(id_of(button)) is button


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()), st.text().map("parley:{}".format)))
def test_what_is_no_id_of_ours_is_no_button(button_id: object) -> None:
    assert button_of(button_id) is None or button_id in {id_of(button) for button in Button}
