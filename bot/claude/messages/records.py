"""What Claude answers, as JSON objects whose fields are attributes too: `Message`, its `Block`s and their `Usage`.

They are dicts: they survive `json.dumps`, a database and the way back, and need no class to be read again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

Json = dict[str, Any]


class Record(Json):
    """A JSON object whose fields can be read as attributes."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}; it has {', '.join(self)}") from None

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return an SDK object or a mapping as a record of this kind. Raise `TypeError`."""
        return value if isinstance(value, cls) else cls(plain(value))


def plain(value: Any) -> Json:
    """Return a mapping, or an object of the SDK, as a plain dict with the fields that were set. Raise `TypeError`."""
    if isinstance(value, Mapping):
        return dict(value)
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"expected a JSON object or an object of the SDK, got {type(value).__name__}")
    dumped: Json = dump(mode="json", exclude_unset=True)
    return dumped


class Block(Record):
    """One content block, such as `{"type": "text", "text": …}`."""

    __slots__ = ()


class Usage(Record):
    """The tokens of one request, or the sum of many. Counts that were not given are 0.

    `input_tokens` (without cached ones), `output_tokens`, `cache_creation_input_tokens`, `cache_read_input_tokens`,
    `cache_creation` (how many of the writes are kept for 5 minutes and for 1 hour), `server_tool_use` (requests),
    `estimated_output_tokens` (how many of the output tokens are an estimate, because the answer broke off),
    `unknown_requests` (how many requests were sent and given up before their cost was known).
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name in ("cache_creation", "server_tool_use"):
            return self.get(name) or {}
        if name.endswith(("_tokens", "_requests")):
            return self.get(name) or 0
        return super().__getattr__(name)

    @property
    def total(self) -> int:
        """All tokens: input, output, cache writes and cache reads."""
        return int(
            self.input_tokens + self.output_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens
        )

    def __add__(self, other: Any) -> "Usage":
        return Usage(_summed(self, plain(other)))

    def __radd__(self, other: Any) -> "Usage":
        return self if other == 0 else self + other  # `sum` begins with 0

    def __repr__(self) -> str:
        return "; ".join(f"{name}: {value}" for name, value in self._shown())

    def _shown(self) -> Iterator[tuple[str, str]]:
        mark = "~" if self.estimated_output_tokens else ""
        yield "In", f"{self.input_tokens}"
        yield "Out", f"{mark}{self.output_tokens}"
        if self.cache_creation_input_tokens or self.cache_read_input_tokens:
            yield "Cache create", f"{self.cache_creation_input_tokens}"
            yield "Cache read", f"{self.cache_read_input_tokens}"
        yield "Total", f"{mark}{self.total}"
        for name, label in (("web_search_requests", "Search"), ("web_fetch_requests", "Fetch")):
            if self.server_tool_use.get(name):
                yield label, f"{self.server_tool_use[name]}"


def _summed(one: Mapping[str, Any], other: Mapping[str, Any]) -> Json:
    """Return the sum of two usages: numbers are added at every depth, other fields are taken from the later one."""
    total = dict(one)
    for name, value in other.items():
        mine = total.get(name)
        if isinstance(value, Mapping):
            total[name] = _summed(mine if isinstance(mine, Mapping) else {}, value)
        elif isinstance(value, int | float) and isinstance(mine, int | float):
            total[name] = mine + value
        elif value is not None:
            total[name] = value
    return total


def usage(inp: int = 0, out: int = 0, cache_create: int = 0, cache_read: int = 0) -> Usage:
    """Return a `Usage` of these numbers of tokens."""
    return Usage(
        input_tokens=inp,
        output_tokens=out,
        cache_creation_input_tokens=cache_create,
        cache_read_input_tokens=cache_read,
    )


class Message(Record):
    """An answer. `id`, `content` (a list of `Block`s), `model`, `role`, `stop_reason`, `stop_sequence`, `usage`, …

    `bad_inputs`: for each tool use whose input was cut off or is no JSON object: its id and what is wrong.
    """

    __slots__ = ("bad_inputs",)
    _SHOWN = ("id", "content", "model", "role", "stop_reason", "stop_sequence", "type", "usage")

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.bad_inputs: dict[str, str] = {}
        self["content"] = [Block.of(block) for block in self.get("content") or []]
        self["usage"] = Usage.of(self.get("usage") or {})

    @property
    def text(self) -> str:
        """The text of the answer; see `contents`, which strips it."""
        return text_of(self["content"])

    def _repr_markdown_(self) -> str:
        fields = {name: self.get(name) for name in self._SHOWN}
        fields["content"] = [dict(block) for block in self["content"]]
        fields["usage"] = dict(self["usage"])
        shown = "\n".join(f"- {name}: `{value}`" for name, value in fields.items())
        return f"{contents(self)}\n\n<details>\n\n{shown}\n\n</details>"


def text_of(content: Any) -> str:
    """Return the text of content blocks. Blocks with something else between them are separate paragraphs."""
    if isinstance(content, str):
        return content
    text, apart = "", False
    for block in content or []:
        if block["type"] == "text":
            text += f"\n\n{block['text']}" if apart and text and block["text"] else block["text"]
            apart = apart and not block["text"]
        else:
            apart = True
    return text


def contents(r: Any) -> str:
    """Return the text of an answer (ours, the SDK's, or a message of a history), stripped; "" if it has none."""
    return text_of(plain(r).get("content")).strip()


def find_block(r: Any, blk_type: Any = "text") -> Block | None:
    """Return the first content block of a type, None if there is none.

    `blk_type`: the API's name ("tool_use") or the SDK's class (`TextBlock`).
    """
    name = blk_type if isinstance(blk_type, str) else _name_of(blk_type)
    content = plain(r).get("content") or []
    return next((Block.of(block) for block in content if plain(block)["type"] == name), None)


def _name_of(kind: Any) -> str:
    field = getattr(kind, "model_fields", {}).get("type")
    if field is None:
        raise TypeError(f"find_block: {kind!r} is neither a block type's name nor a block class of the SDK")
    names: tuple[str, ...] = field.annotation.__args__
    return names[0]


def sources(r: Any) -> list[Json]:
    """Return the sources that an answer cites, each once, in order: documents and web pages, as the API describes them.

    Results of a web search must be shown to readers with their source (Claude docs, web search tool).
    """
    found: list[Json] = []
    for block in plain(r).get("content") or []:
        for citation in plain(block).get("citations") or []:
            if citation not in found:
                found.append(citation)
    return found
