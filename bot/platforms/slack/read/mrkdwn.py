"""What people write, as Slack hands it over → Markdown. Pure.

Slack's text holds `&amp;`, `&lt;`, `&gt;` and control sequences in angle brackets: `<@U…>`, `<#C…|name>`, `<!here>`,
`<!subteam^S…|@name>`, `<!date^…|words>`, `<url|label>` (Slack docs, messaging/formatting-message-text).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_CONTROL = re.compile(r"<([^<>]*)>")
_PERSON = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>")
_CHANNEL = re.compile(r"<#([A-Z0-9]+)\|?>")
_MOST_CHANNELS = 20
_MESSAGE = re.compile(
    r"https://[\w.-]+\.slack\.com/archives/(?P<channel>[A-Z0-9]+)/p(?P<seconds>\d{10})(?P<micros>\d{6})"
    r"(?P<query>\?[^\s<>|)]*)?"
)
"""A message's permalink (Slack docs, reference/methods/chat.getPermalink)."""
_THREAD = re.compile(r"[?&]thread_ts=(\d{10}\.\d{6})")
_GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)[^<>]*>")


@dataclass(frozen=True, slots=True)
class Link:
    """A message that is linked to. `thread`: the `ts` of its thread's root, if the link tells it."""

    channel: str
    ts: str
    thread: str


def unescape(text: str) -> str:
    """Return text without Slack's three entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def people_in(text: str) -> set[str]:
    """Return the member ids that a text names."""
    return set(_PERSON.findall(text))


def channels_in(text: str) -> set[str]:
    """Return the ids of the first channels that a text names by id alone, or by a link to a message in them."""
    found = [*_CHANNEL.findall(text), *(link.channel for link in links_in(text))]
    return set(list(dict.fromkeys(found))[:_MOST_CHANNELS])


def links_in(text: str) -> list[Link]:
    """Return the messages that a text links to, each once."""
    return list(dict.fromkeys(_linked(found) for found in _MESSAGE.finditer(unescape(text))))


def _linked(found: re.Match[str]) -> Link:
    thread = _THREAD.search(found["query"] or "")
    return Link(found["channel"], f"{found['seconds']}.{found['micros']}", thread[1] if thread else "")


def calls_group(text: str) -> bool:
    """Return whether a text names a group of people, or everybody here."""
    return _GROUP.search(text) is not None


def to_markdown(text: str, names: Mapping[str, str], *, without: str = "") -> str:
    """Return a text with names for ids, Markdown links, and no entities.

    `names`: a member's or a channel's id → name. `without`: id of a member whose mentions are left out. Slack's own
    marks (`*bold*`) stay.
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
        return f"#{label or names.get(rest) or rest}"
    if kind == "!":
        return _command(rest, label)
    url = unescape(target)
    return _message_link(url, names) or _link(url, label) if not label or label == url else _link(url, label)


def _message_link(url: str, names: Mapping[str, str]) -> str:
    found = _MESSAGE.fullmatch(url)
    name = names.get(found["channel"]) if found else ""
    return f"[message in #{name}]({url})" if name else ""


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
