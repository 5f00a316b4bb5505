"""A Python function or type → the JSON schema that Claude sees, and the check of what Claude passes to it.

Each is inspected once. Types are left to pydantic; this module adds the seed's comments on parameters, and errors that
say what to change.
"""

import inspect
import types
import typing
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from bot.claude.errors import SchemaError
from bot.claude.messages.records import Json
from bot.claude.tools.comments import comments_of

if TYPE_CHECKING:
    import pydantic

_EMPTY = inspect.Parameter.empty
_NO_KEYWORD = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)


@dataclass(slots=True)
class Tool:
    """A function or type as a tool. `model`: checks the arguments; its fields are named p0, p1, …"""

    schema: Json
    model: "type[pydantic.BaseModel] | None"
    adapter: "pydantic.TypeAdapter[Any] | None"
    names: Mapping[str, str]

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked and converted arguments (dates, enums, dataclasses). Raise `BadArguments`."""
        assert self.model is not None
        checked = _validate(self.model.model_validate, given)
        return {self.names[field]: getattr(checked, field) for field in checked.model_fields_set}

    def value(self, given: Mapping[str, Any]) -> Any:
        """Return an instance of the type. Raise `BadArguments`."""
        assert self.adapter is not None
        return _validate(self.adapter.validate_python, given)


class BadArguments(ValueError):  # noqa: N818 - it says what is wrong
    """Arguments that do not fit a schema; one line says which and why."""


def _validate(check: Callable[[Any], Any], given: Mapping[str, Any]) -> Any:
    import pydantic  # noqa: PLC0415 - see `_build`

    try:
        return check(dict(given))
    except pydantic.ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, found['loc'])) or 'input'}: {found['msg']}"
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise BadArguments("; ".join(wrong)) from None


_TOOLS: "weakref.WeakKeyDictionary[Any, dict[bool, Tool]]" = weakref.WeakKeyDictionary()


def tool_of(f: Callable[..., Any]) -> Tool:
    """Return a function or type as a tool, built once. Raise `SchemaError`."""
    key, bound = getattr(f, "__func__", f), hasattr(f, "__func__")
    try:
        known = _TOOLS.setdefault(key, {})
    except TypeError:  # neither hashable nor weakly referable: built each time
        return _build(f)
    if bound not in known:
        known[bound] = _build(f)
    return known[bound]


def get_schema(f: Callable[..., Any] | Mapping[str, Any], pname: str = "input_schema") -> Json:
    """Return the tool description of a function or type: `{"name", "description", "input_schema"}`; a dict is returned
    as it is.

    `pname`: another name for the schema's field, for APIs that call it differently.

    A parameter's description is the comment at the end of its line, or the text in its `Annotated[type, "text"]`;
    the tool's is the docstring, followed by what is returned. Types: whatever pydantic knows, such as `Optional`,
    unions, `Literal`, `Enum`, lists, dates, dataclasses and models. Without source code (a frozen or generated program)
    only the comments are missing.
    Raise `SchemaError`, a `TypeError`, for a parameter without annotation, `*args`, a type without a JSON schema.
    """
    if isinstance(f, Mapping):
        return f if isinstance(f, dict) else dict(f)
    schema = tool_of(f).schema
    if pname == "input_schema":
        return schema
    return {pname if name == "input_schema" else name: value for name, value in schema.items()}


def _build(f: Callable[..., Any]) -> Tool:
    if isinstance(f, type):
        return _of_type(f)
    if not callable(f):
        raise SchemaError(f"get_schema: {f!r} is neither a function nor a type nor a tool description")
    return _of_function(f)


def _name(f: Callable[..., Any]) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    if not name.isidentifier():
        raise SchemaError(f"get_schema: {name!r} is no name for a tool; give the function a name")
    return name


def _of_type(kind: type) -> Tool:
    """Return a class as a tool whose input is an instance of it."""
    import pydantic  # noqa: PLC0415

    if not (is_dataclass(kind) or hasattr(kind, "model_fields") or hasattr(kind, "__total__")):
        raise SchemaError(f"get_schema: {kind.__name__} has no fields; give a dataclass, TypedDict or pydantic model")
    try:
        adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(kind)
    except (pydantic.PydanticUserError, NameError) as error:
        raise SchemaError(f"get_schema: {kind.__name__} cannot be told to Claude: {error}") from error
    schema = _json_schema(kind.__name__, adapter.json_schema)
    schema.pop("description", None)
    doc = kind.__doc__ or ""
    description = (
        "" if doc.startswith(f"{kind.__name__}(") else inspect.cleandoc(doc)
    )  # a dataclass's generated docstring is no description
    comments = comments_of(kind)[0]
    for name, field in schema.get("properties", {}).items():
        if name in comments:
            field.setdefault("description", comments[name])
    return Tool({"name": kind.__name__, "description": description, "input_schema": schema}, None, adapter, {})


def _of_function(f: Callable[..., Any]) -> Tool:
    import pydantic  # noqa: PLC0415 - only those who use tools pay for the import

    name = _name(f)
    parameters, returns = _signature(f, name)
    comments, returned = comments_of(f)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for number, parameter in enumerate(parameters):
        field, names[f"p{number}"] = f"p{number}", parameter.name
        given: dict[str, Any] = {"alias": parameter.name, "description": comments.get(parameter.name)}
        kind, inside = _described(parameter.annotation)
        given["description"] = inside or given["description"]
        default = ... if parameter.default is _EMPTY else parameter.default
        fields[field] = (kind, pydantic.Field(default, **given))
    try:
        model = pydantic.create_model(
            name, __config__=pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
        )
    except (pydantic.PydanticUserError, TypeError, NameError) as error:
        raise SchemaError(f"get_schema: {name} has a parameter of a type Claude cannot be told: {error}") from error
    schema = _json_schema(name, model.model_json_schema)
    schema.pop("additionalProperties", None)
    for parameter in parameters:
        field = schema["properties"][parameter.name]
        if field.get("default", 0) is None:
            del field["default"]  # "null" as a default is noise: the parameter is not required
    description = "\n\n".join(filter(None, [inspect.getdoc(f), _returns(returns, returned)]))
    return Tool({"name": name, "description": description, "input_schema": schema}, model, None, names)


def _signature(f: Callable[..., Any], name: str) -> tuple[list[inspect.Parameter], Any]:
    """Return the parameters and the return annotation, with strings resolved. Raise `SchemaError`."""
    try:
        signature = inspect.signature(f)
        hints = typing.get_type_hints(f if not hasattr(f, "__wrapped__") else inspect.unwrap(f), include_extras=True)
    except (ValueError, NameError, TypeError) as error:
        raise SchemaError(f"get_schema: the signature of {name} cannot be read: {error}") from error
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.kind in _NO_KEYWORD:
            raise SchemaError(f"get_schema: {name} takes {parameter}; Claude passes arguments by name only")
        if parameter.annotation is _EMPTY:
            raise SchemaError(f"get_schema: parameter {parameter.name!r} of {name} needs a type annotation")
        annotation = hints.get(parameter.name, parameter.annotation)
        parameters.append(parameter.replace(annotation=annotation))
    return parameters, hints.get("return", _EMPTY)


def _described(annotation: Any) -> tuple[Any, str | None]:
    """Return an annotation and the text that describes it in `Annotated[type, "text"]`, if any."""
    if typing.get_origin(annotation) is typing.Annotated:
        kind, *more = typing.get_args(annotation)
        text = next((given for given in more if isinstance(given, str)), None)
        rest = [given for given in more if not isinstance(given, str)]
        return (typing.Annotated[(kind, *rest)] if rest else kind), text
    return annotation, None


def _json_schema(name: str, make: Callable[[], Json]) -> Json:
    import pydantic  # noqa: PLC0415

    try:
        schema = make()
    except pydantic.PydanticUserError as error:
        raise SchemaError(f"get_schema: {name} has a type without a JSON schema: {error}") from error
    if schema.get("type") != "object":
        raise SchemaError(f"get_schema: {name} is described by {schema.get('type')!r}, but a tool's input is an object")
    schema.setdefault("properties", {})
    return typing.cast(Json, _untitled(schema))


def _untitled(value: Any, *, names: bool = False) -> Any:
    """Return a schema without pydantic's titles. `names`: the keys are field names, where "title" is not a title."""
    if isinstance(value, dict):
        return {
            key: _untitled(item, names=key in ("properties", "$defs") and not names)
            for key, item in value.items()
            if names or key != "title" or not isinstance(item, str)
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value


def _returns(annotation: Any, comment: str | None) -> str:
    """Return the description's last paragraph: what the tool returns."""
    if annotation in (_EMPTY, None, types.NoneType) and not comment:
        return ""
    kind = ""
    if annotation not in (_EMPTY, None, types.NoneType):
        kind = _JSON_NAMES.get(annotation) or getattr(annotation, "__name__", "") or str(annotation)
        kind = str(annotation) if typing.get_args(annotation) else kind
    if comment:
        return f"Returns:\n- {comment}" + (f" (type: {kind})" if kind else "")
    return f"Returns:\n- type: {kind}"


_JSON_NAMES = {int: "integer", float: "number", str: "string", bool: "boolean", list: "array", dict: "object"}
