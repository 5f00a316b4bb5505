"""Functions and types as Claude is told of them."""

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, Union

import pydantic
import pytest
from typing_extensions import TypedDict

from bot.claude import SchemaError, get_schema
from bot.claude.tools.schema import BadArguments, tool_of


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Place:
    """Somewhere."""

    city: str  # Its name
    height_m: float = 0.0


class Order(pydantic.BaseModel):
    """What to bring."""

    item: str
    count: int = pydantic.Field(1, ge=1)


class Reading(TypedDict):
    """A measured value."""

    value: float
    unit: str


def props(f) -> dict:
    return get_schema(f)["input_schema"]["properties"]


def test_the_seeds_function_is_described_with_its_comments():
    def sums(
        a: int,  # First thing to sum
        b: int = 1,  # Second thing to sum
    ) -> int:  # The sum of the inputs
        "Adds a + b."
        return a + b

    assert get_schema(sums) == {
        "name": "sums",
        "description": "Adds a + b.\n\nReturns:\n- The sum of the inputs (type: integer)",
        "input_schema": {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "description": "First thing to sum"},
                "b": {"type": "integer", "description": "Second thing to sum", "default": 1},
            },
            "required": ["a"],
        },
    }


def test_a_schema_is_built_once_for_each_tool():
    def f(a: int) -> None: ...

    assert get_schema(f) is get_schema(f)
    place = Place("x")
    assert get_schema(type(place)) is get_schema(Place)


def test_every_kind_of_type_has_its_json_schema():
    def f(  # noqa: PLR0917
        a: Optional[int],  # noqa: UP045 - as the seed's users write it
        b: int | None,
        c: Union[int, str],  # noqa: UP007
        d: Literal["x", "y"],
        e: Color,
        g: list[int],
        h: list,
        i: dt.date,
        j: Place,
        k: Order,
        m: Annotated[str, "A word"],
        n: Any,
        o: dict[str, float],
        p: Annotated[int, pydantic.Field(ge=1)] = 2,
    ) -> None: ...

    found = props(f)
    optional = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert found["a"] == found["b"] == optional
    assert found["c"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert found["d"] == {"type": "string", "enum": ["x", "y"]}
    assert found["g"] == {"type": "array", "items": {"type": "integer"}}
    assert found["h"]["type"] == "array"
    assert found["i"] == {"type": "string", "format": "date"}
    assert found["m"] == {"type": "string", "description": "A word"}
    assert found["n"] == {}
    assert found["o"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert found["p"] == {"type": "integer", "minimum": 1, "default": 2}
    defined = get_schema(f)["input_schema"]["$defs"]
    assert defined["Color"]["enum"] == ["red", "blue"]
    assert found["j"]["$ref"] == "#/$defs/Place"
    assert defined["Order"]["properties"]["count"] == {"type": "integer", "minimum": 1, "default": 1}
    assert get_schema(f)["input_schema"]["required"] == list("abcdeghijkmno")


def test_arguments_arrive_as_what_the_annotations_say():
    def f(day: dt.date, color: Color, place: Place, order: Order, n: int = 3) -> None: ...

    given = {"day": "2026-11-22", "color": "red", "place": {"city": "Bern"}, "order": {"item": "tea"}}
    assert tool_of(f).arguments(given) == {
        "day": dt.date(2026, 11, 22),
        "color": Color.RED,
        "place": Place("Bern"),
        "order": Order(item="tea"),
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "a: Field required"),
        ({"a": "x"}, "a: Input should be a valid integer"),
        ({"a": 1, "c": 2}, "c: Extra inputs"),
        ({"a": 1, "b": ["x"]}, "b.0: "),
    ],
)
def test_arguments_that_do_not_fit_are_one_line_that_names_them(given, told):
    def f(a: int, b: list[int] | None = None) -> None: ...

    with pytest.raises(BadArguments, match=told) as caught:
        tool_of(f).arguments(given)
    assert "\n" not in str(caught.value)


def test_names_that_pydantic_reserves_are_fine():
    def f(schema: str, model_config: int, _under: int, json: str, self_: str = "") -> None: ...

    assert list(props(f)) == ["schema", "model_config", "_under", "json", "self_"]
    given = {"schema": "s", "model_config": 1, "_under": 2, "json": "j"}
    assert tool_of(f).arguments(given) == given


def test_a_parameter_that_is_named_title_stays():
    def f(title: str, properties: str) -> None: ...

    assert props(f) == {"title": {"type": "string"}, "properties": {"type": "string"}}


def test_a_method_has_no_self_and_an_async_function_is_like_any_other():
    class Shop:
        def buy(self, item: str) -> str:
            """Buy it."""
            return item

        async def sell(self, item: str) -> str:
            """Sell it."""
            return item

    shop = Shop()
    assert list(props(shop.buy)) == ["item"]
    assert get_schema(shop.buy) is get_schema(shop.buy)
    assert get_schema(shop.sell)["name"] == "sell"


def test_types_are_tools_whose_input_is_an_instance():
    assert get_schema(Place) == {
        "name": "Place",
        "description": "Somewhere.",
        "input_schema": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Its name"},
                "height_m": {"type": "number", "default": 0.0},
            },
            "required": ["city"],
        },
    }
    assert get_schema(Order)["description"] == "What to bring."
    assert get_schema(Reading)["input_schema"]["required"] == ["value", "unit"]
    assert tool_of(Reading).value({"value": 1, "unit": "m"}) == {"value": 1.0, "unit": "m"}


def test_it_works_without_source_code():
    names: dict = {}
    exec(compile("def f(a: int,  # lost\n b: str = 'x') -> int:\n 'Doc.'\n", "<nowhere>", "exec"), names)
    assert get_schema(names["f"])["input_schema"]["properties"] == {
        "a": {"type": "integer"},
        "b": {"type": "string", "default": "x"},
    }


def test_annotations_may_be_strings():
    def f(a: "int", b: "list[str]" = ()) -> "int": ...

    assert props(f)["b"]["type"] == "array"


def test_the_schemas_field_can_have_another_name():
    assert list(get_schema(Place, pname="parameters")) == ["name", "description", "parameters"]


def test_a_tool_description_is_taken_as_it_is():
    given = {"type": "web_search_20250305", "name": "web_search"}
    assert get_schema(given) is given


def no_annotation(a): ...


def star(*a: int): ...


def keywords(**a: int): ...


def positional(a: int, /): ...


def unknown(a: "Nowhere"): ...  # noqa: F821 - that is the point


def callback(a: object.__class__.__call__): ...  # type: ignore[valid-type]


class Plain: ...


@pytest.mark.parametrize("f", [no_annotation, star, keywords, positional, unknown, callback, Plain, 3, lambda: 0, len])
def test_what_cannot_be_a_schema_is_a_clear_error(f):
    with pytest.raises(SchemaError, match="get_schema: ") as caught:
        get_schema(f)
    assert isinstance(caught.value, TypeError)


def test_comments_belong_to_the_parameter_they_stand_behind():
    def f(
        a: int, b: int,  # Only b
        # A line of its own
        c: dict[str, int] | None = None,
        *,
        d: str = "# no comment",  # Yes
    ): ...  # fmt: skip

    described = {name: field.get("description") for name, field in props(f).items()}
    assert described == {"a": None, "b": "Only b", "c": None, "d": "Yes"}

    def g(a: int, b: int): ...  # What comes back

    assert "description" not in props(g)["b"]
    assert get_schema(g)["description"] == "Returns:\n- What comes back"
