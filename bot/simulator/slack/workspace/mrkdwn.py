"""Slack's text as it is stored, as it is read, and whom it would notify. Pure.

Slack stores `&`, `<` and `>` as entities and keeps angle brackets for its own control sequences: `<@U…>`, `<#C…>`,
`<!here>`, `<!subteam^S…>`, `<!date^…>`, `<url|label>` (Slack docs, messaging/formatting-message-text).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_CONTROL = re.compile(
    r"<(?:@[UWB][A-Z0-9]+|#[CDG][A-Z0-9]+|!(?:here|channel|everyone|subteam\^S[A-Z0-9]+|date\^[^<>|]+)"
    r"|(?:https?://|mailto:|tel:)[^<>|\s]+)(?:\|[^<>]*)?>"
)
_BARE_URL = re.compile(r"(?<![<|\w])https?://(?:&amp;|[^\s<>|&])*(?:&amp;|[^\s<>|&.,;:!?'\")\]}])")
_LOOSE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_NAMED = re.compile(r"(?<!\w)@([^\s@<>,;:!?]+)")
BROADCASTS = frozenset({"channel", "here", "everyone"})


def escape(text: str) -> str:
    """Return text in which nothing is a control sequence."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Undo `escape`; these three are the only entities Slack knows."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed(text: str) -> str:
    """Return what Slack stores when a person types this; control sequences stand for what their client inserted."""
    return _between_controls(text, lambda piece: _linked(escape(piece)))


def sent(text: str) -> str:
    """Return what Slack stores when an app sends this: its entities are kept, loose `&`, `<` and `>` become some."""

    def stored(piece: str) -> str:
        return _linked(_LOOSE_AMPERSAND.sub("&amp;", piece).replace("<", "&lt;").replace(">", "&gt;"))

    return _between_controls(text, stored)


def _linked(piece: str) -> str:
    return _BARE_URL.sub(lambda url: f"<{url[0]}>", piece)


def _between_controls(text: str, change: Callable[[str], str]) -> str:
    out, at = [], 0
    for control in _CONTROL.finditer(text):
        out += [change(text[at : control.start()]), control[0]]
        at = control.end()
    return "".join([*out, change(text[at:])])


def shown(text: str, names: Mapping[str, str]) -> str:
    """Return stored mrkdwn as people read it: names for ids, labels for links, entities undone.

    `names`: id of a person, bot or channel → the name shown for it.
    """
    return _replace_controls(text, names, links=True)


def shown_markdown(text: str, names: Mapping[str, str]) -> str:
    """Return the Markdown of a markdown block as people read its source: names for ids, entities undone."""
    return _replace_controls(text, names, links=False)


def _replace_controls(text: str, names: Mapping[str, str], *, links: bool) -> str:
    out, at = [], 0
    for control in _CONTROL.finditer(text):
        out += [unescape(text[at : control.start()]), _as_read(control[0], names, links=links)]
        at = control.end()
    return "".join([*out, unescape(text[at:])])


def rich_text(text: str) -> list[dict[str, Any]]:
    """Return the blocks Slack adds to a message a person typed; `text` is the stored one."""
    elements: list[dict[str, Any]] = []
    at = 0
    for control in _CONTROL.finditer(text):
        elements += [_rich_words(text[at : control.start()]), _rich_control(control[0])]
        at = control.end()
    elements = [element for element in [*elements, _rich_words(text[at:])] if element.get("text", "-")]
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "elements": [section]}] if elements else []


def _rich_words(words: str) -> dict[str, Any]:
    return {"type": "text", "text": unescape(words)}


def _rich_control(control: str) -> dict[str, Any]:
    target, _, label = control[1:-1].partition("|")
    if target[0] == "@":
        return {"type": "user", "user_id": target[1:]}
    if target[0] == "#":
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    if target[1:] in BROADCASTS:
        return {"type": "broadcast", "range": target[1:]}
    if target[0] == "!":
        return {"type": "text", "text": unescape(label) or control}
    return {"type": "link", "url": unescape(target)} | ({"text": unescape(label)} if label else {})


def _as_read(control: str, names: Mapping[str, str], *, links: bool) -> str:
    target, _, label = control[1:-1].partition("|")
    sign, rest = target[0], target[1:]
    if sign in "@#":
        name = names.get(rest)
        return f"{sign}{name}" if name else control
    if sign == "!":
        return f"@{rest}" if rest in BROADCASTS else unescape(label) or control
    return unescape(label or target) if links else control


def pings(text: str, people: Mapping[str, str], *, names_too: bool = False) -> set[str]:
    """Return whom stored text notifies: ids of people and user groups, and `channel`, `here`, `everyone`.

    `people`: id → name of everybody who can be notified. `names_too`: `@name` counts as well (`link_names`, or
    `parse=full`). Text in code counts: nothing in Slack's docs says that it does not.
    """
    found: set[str] = set()
    for control in _CONTROL.finditer(text):
        target = control[0][1:-1].partition("|")[0]
        known = people if target[0] == "@" else BROADCASTS if target[0] == "!" else ()
        if target[1:] in known:
            found.add(target[1:])
        elif target.startswith("!subteam^"):
            found.add(target.removeprefix("!subteam^"))
    if names_too:
        ids = {name.casefold(): id_ for id_, name in people.items()}
        for named in _NAMED.finditer(unescape(text)):
            name = named[1].casefold()
            found |= {name} & BROADCASTS | ({ids[name]} if name in ids else set())
    return found
