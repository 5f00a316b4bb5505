"""What people write, as Slack hands it over → Markdown. Pure.

Slack's text holds `&amp;`, `&lt;`, `&gt;` and control sequences in angle brackets: `<@U…>`, `<#C…|name>`, `<!here>`,
`<!subteam^S…|@name>`, `<!date^…|words>`, `<url|label>` (Slack docs, messaging/formatting-message-text).
"""

import re
from collections.abc import Mapping

_CONTROL = re.compile(r"<([^<>]*)>")
_PERSON = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>")
_GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)[^<>]*>")


def unescape(text: str) -> str:
    """Return text without Slack's three entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def people_in(text: str) -> set[str]:
    """Return the member ids that a text names."""
    return set(_PERSON.findall(text))


def calls_group(text: str) -> bool:
    """Say whether a text names a group of people, or everybody here."""
    return _GROUP.search(text) is not None


def to_markdown(text: str, names: Mapping[str, str], *, without: str = "") -> str:
    """Return a text with names for ids, Markdown links, and no entities.

    `names`: member id → name. `without`: id of a member whose mentions are left out. Slack's own marks (`*bold*`) stay.
    """
    if without:
        text = re.sub(rf"<@{without}(?:\|[^<>]*)?>[ \t]?", "", text)
    pieces: list[str] = []
    at = 0
    for found in _CONTROL.finditer(text):
        pieces += [unescape(text[at : found.start()]), _read(found[1], names)]
        at = found.end()
    return "".join([*pieces, unescape(text[at:])]).strip()


def _read(control: str, names: Mapping[str, str]) -> str:
    """Return one control sequence, given without its angle brackets, as Markdown."""
    target, _, label = control.partition("|")
    label = unescape(label)
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return f"@{names.get(rest) or label or rest}"
    if kind == "#":
        return f"#{label or rest}"
    if kind == "!":
        return _command(rest, label)
    return _link(unescape(target), label)


def _command(command: str, label: str) -> str:
    name, _, argument = command.partition("^")
    if name == "date":
        return label or argument
    return f"@{(label or argument or name).removeprefix('@')}"


def _link(url: str, label: str) -> str:
    if not label or url == label or url.partition(":")[2].removeprefix("//").rstrip("/") == label.rstrip("/"):
        return label or url  # what the person typed
    shown = re.sub(r"([\[\]\\])", r"\\\1", label)
    return f"[{shown}](<{url}>)" if re.search(r"[\s()]", url) else f"[{shown}]({url})"
