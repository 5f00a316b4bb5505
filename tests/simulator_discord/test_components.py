"""Which components Discord takes, and how it refuses the others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.discord.world import components
from bot.simulator.discord.world.refusals import RefusedError


def button(label: str = "Stop", **more):
    return {"type": 2, "style": 2, "label": label, "custom_id": label.lower(), **more}


def row(*inside):
    return {"type": 1, "components": list(inside)}


async def posted(http, sim, place, body):
    async with http.post(f"{sim.api_url}/channels/{place.channel}/messages", json=body) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    "case",
    [
        ("no list", "", "LIST_TYPE_CONVERT"),
        ([row(button())] * 6, "", "BASE_TYPE_MAX_LENGTH"),
        ([button()], "0.type", "UNION_TYPE_CHOICES"),
        ([row()], "0.components", "BASE_TYPE_BAD_LENGTH"),
        ([row(*(button(str(n)) for n in range(6)))], "0.components", "BASE_TYPE_BAD_LENGTH"),
        ([row({"type": 3, "custom_id": "x"})], "0.components.0", "NOT_SIMULATED"),
        ([row({"type": 99})], "0.components.0.type", "UNION_TYPE_CHOICES"),
        ([row(button(style=7))], "0.components.0.style", "BASE_TYPE_CHOICES"),
        ([row(button("x" * 81, custom_id="x"))], "0.components.0.label", "BASE_TYPE_MAX_LENGTH"),
        ([row(button(custom_id="x" * 101))], "0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"),
        ([row(button(custom_id=""))], "0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"),
        ([row(button(custom_id=7))], "0.components.0.custom_id", "STRING_TYPE_CONVERT"),
        ([row(button(custom_id=None))], "0.components.0", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED"),
        ([row(button(style=5, custom_id=None))], "0.components.0", "BUTTON_COMPONENT_URL_REQUIRED"),
        ([row(button(url="https://e.org"))], "0.components.0", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"),
        ([row(button("", custom_id="x"))], "0.components.0", "BUTTON_COMPONENT_EMPTY"),
        ([row(button(emoji=[]))], "0.components.0.emoji", "DICT_TYPE_CONVERT"),
        (
            [row(button("a")), row(button("b"), button("A"))],
            "1.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
    ],
)
async def test_buttons_that_discord_does_not_take_are_refused_by_post_and_patch(sim, place, http, case):
    rows, path, code = case
    _, kept = await posted(http, sim, place, {"content": "x", "components": [row(button())]})
    url = f"{sim.api_url}/channels/{place.channel}/messages"
    for method, address in (("POST", url), ("PATCH", f"{url}/{kept['id']}")):
        async with http.request(method, address, json={"content": "y", "components": rows}) as answer:
            assert answer.status == 400
            refused = await answer.json()
        assert refused["code"] == 50035
        where = refused["errors"]["components"]
        for name in filter(None, path.split(".")):
            where = where[name]
        assert where["_errors"][0]["code"] == code
    assert [(one.content, one.buttons) for one in sim.messages(place.channel)] == [("x", ["Stop"])]


async def test_the_largest_set_of_buttons_is_taken(sim, place, http):
    rows = [row(*(button(f"{n}{m}", custom_id=f"{n}{m}".ljust(100, "x")) for m in range(5))) for n in range(5)]
    status, said = await posted(http, sim, place, {"content": "x", "components": rows})
    assert status == 200
    assert len(sim.messages(place.channel)[0].buttons) == 25
    assert [one["id"] for one in said["components"]] == [1, 7, 13, 19, 25]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 8) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "style", "label", "custom_id", "components", "emoji", "url"]), inner)
    ),
    max_leaves=12,
)
BUTTONS = st.fixed_dictionaries(
    {"type": st.just(2) | JSON, "style": st.integers(1, 5) | JSON},
    optional={key: st.text(max_size=3) | JSON for key in ("label", "custom_id", "url", "emoji")},
)
ROWS = st.fixed_dictionaries({"type": st.just(1), "components": st.lists(BUTTONS, max_size=6)})


def check_components(value):
    try:
        read = components.read({"components": value})
    except RefusedError as refused:
        assert (refused.status, refused.body["code"]) == (400, 50035)  # noqa: PT017 - being read is right, too
        return
    assert components.read({"components": read}) == read
    assert all(components.shown(one) for one in components.buttons(read))


@given(st.lists(ROWS, max_size=3) | JSON)
@settings(max_examples=150)
def test_components_of_any_shape_are_read_or_refused(value):
    check_components(value)


@pytest.mark.long
@given(st.lists(ROWS, max_size=3) | JSON)
@settings(max_examples=10_000, deadline=None)
def test_components_of_any_shape_are_read_or_refused_over_many_shapes(value):
    check_components(value)
