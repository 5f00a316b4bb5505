"""Message components: action rows of buttons (Discord docs, components/reference). Select menus are not simulated."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from bot.simulator.discord.world.refusals import RefusedError, invalid, too_long

Json = dict[str, Any]

_ROW, _BUTTON = 1, 2
_SELECTS, _PREMIUM = (3, 5, 6, 7, 8), 6
_LINK = 5
ROWS_MOST, BUTTONS_MOST, LABEL_MOST, CUSTOM_ID_MOST, URL_MOST = 5, 5, 80, 100, 512
_KEPT = ("style", "label", "emoji", "custom_id", "url", "disabled")


def read(fields: Mapping[str, Any]) -> list[Json] | None:
    """Return a message's checked components, None if the field is absent. Each has an `id` within the message.

    Raise `RefusedError` 50035 with the path of what is wrong.
    """
    if "components" not in fields:
        return None
    rows = _objects(fields["components"] or [], "components")
    if len(rows) > ROWS_MOST:
        raise too_long("components", ROWS_MOST)
    read_rows = [_row(row, f"components.{n}") for n, row in enumerate(rows)]
    _check_unique(read_rows)
    _number([one for row in read_rows for one in (row, *row["components"])])
    return read_rows


def buttons(components: list[Json]) -> list[Json]:
    """Return the buttons of checked components, in the order in which they are shown."""
    return [button for row in components for button in row["components"]]


def shown(button: Json) -> str:
    """Return what a person reads on a button: its label, or its emoji if it has none."""
    return str(button.get("label") or (button.get("emoji") or {}).get("name") or "")


def _number(parts: list[Json]) -> None:
    """Give an `id` to each component that has none, by a number no other has."""
    taken = {one["id"] for one in parts if one["id"]}
    free = (number for number in count(1) if number not in taken)
    for one in parts:
        one["id"] = one["id"] or next(free)


def _id(component: Json, path: str) -> int:
    """Return a component's own `id`, 0 if it has none."""
    value = component.get("id") or 0
    if not isinstance(value, int) or value < 0:
        raise invalid(f"{path}.id", "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    return int(value)


def _row(row: Json, path: str) -> Json:
    if row.get("type") != _ROW:
        raise _union(path, _ROW)
    inside = _objects(row.get("components") or [], f"{path}.components")
    if not 1 <= len(inside) <= BUTTONS_MOST:
        raise _bad_length(f"{path}.components", BUTTONS_MOST)
    read_buttons = [_button(one, f"{path}.components.{n}") for n, one in enumerate(inside)]
    return {"type": _ROW, "id": _id(row, path), "components": read_buttons}


def _button(button: Json, path: str) -> Json:
    if button.get("type") in _SELECTS or button.get("style") == _PREMIUM:
        raise invalid(path, "NOT_SIMULATED", "Select menus and premium buttons are not simulated.")
    if button.get("type") != _BUTTON:
        raise _union(path, _BUTTON)
    if button.get("style") not in (1, 2, 3, 4, _LINK):
        raise invalid(f"{path}.style", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    _check_types(button, path)
    if not shown(button):
        raise invalid(path, "BUTTON_COMPONENT_EMPTY", "A button must have a label or emoji.")
    _check_target(button, path)
    return {
        "type": _BUTTON,
        "id": _id(button, path),
        **{key: button[key] for key in _KEPT if button.get(key) is not None},
    }


def _check_types(button: Json, path: str) -> None:
    for key in ("label", "custom_id", "url"):
        if not isinstance(button.get(key, ""), str | None):
            raise invalid(f"{path}.{key}", "STRING_TYPE_CONVERT", f'Could not interpret "{button[key]}" as string.')
    if not isinstance(button.get("emoji", {}), dict | None):
        raise invalid(f"{path}.emoji", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    for key, most in (("label", LABEL_MOST), ("url", URL_MOST)):
        if len(button.get(key) or "") > most:
            raise too_long(f"{path}.{key}", most)


def _check_target(button: Json, path: str) -> None:
    """Check that a link has an address and every other button a custom id, and neither both."""
    custom_id, url = button.get("custom_id"), button.get("url")
    if custom_id is not None and url is not None:
        words = "A custom id and url cannot both be specified"
        raise invalid(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", words)
    if button["style"] == _LINK:
        if not url:
            raise invalid(path, "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
    elif custom_id is None:
        raise invalid(path, "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
    elif not 1 <= len(custom_id) <= CUSTOM_ID_MOST:
        raise _bad_length(f"{path}.custom_id", CUSTOM_ID_MOST)


def _check_unique(rows: list[Json]) -> None:
    seen: set[str] = set()
    for n, row in enumerate(rows):
        for m, button in enumerate(row["components"]):
            custom_id = button.get("custom_id")
            if custom_id in seen:
                words = "Component custom id cannot be duplicated"
                raise invalid(f"components.{n}.components.{m}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", words)
            if custom_id is not None:
                seen.add(custom_id)


def _objects(value: Any, path: str) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    return value


def _union(path: str, wanted: int) -> RefusedError:
    return invalid(f"{path}.type", "UNION_TYPE_CHOICES", f'Value of field "type" must be one of ({wanted},).')


def _bad_length(path: str, most: int) -> RefusedError:
    return invalid(path, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")
