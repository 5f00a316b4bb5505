"""Questions whose whole answer is known beforehand, so that what people see can be compared with it.

A question holds a token (`Q00042`); its answer is a function of the token alone, and the simulated Claude answers a
turn of several questions with their answers one after the other.
"""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.simulator.claude import Reply

TOKEN = re.compile(r"\bQ\d{5}\b")
_SHORT, _GROWING, _LONG, _VERY_LONG = (4, 12), (40, 90), (140, 200), (570, 620)
"""Sentences of about 16 characters: a line, an answer that grows for a while, one of several messages on Discord, and
one of several messages on Slack too.
"""
LONG, VERY_LONG, SHORT, GROWING = "Q8", "Q9", "Q60", "Q61"
"""How the tokens of questions begin whose answers take two messages, on Discord and on Slack; and a line; and grow."""
WORDLESS = "Q70000"
"""Names the answer to a question without a word."""
_BEFORE = re.compile(r"<(asked|context|about)\b.*?(?:/>|</\1>)", re.DOTALL)
"""What Claude is told of when and where it is asked, and of what was said before."""


def token(number: int) -> str:
    return f"Q{number:05d}"


def question(name: str) -> str:
    return f"{name}, what do you say to it?"


def answer_to(name: str) -> str:
    """The one right answer to the question with this token."""
    chance = random.Random(name)
    usual = chance.choices((_SHORT, _GROWING, _LONG), weights=(55, 32, 13))[0]
    by_name = {LONG: _LONG, VERY_LONG: _VERY_LONG, SHORT: _SHORT, GROWING: _GROWING}
    sentences = chance.randint(*next((size for begins, size in by_name.items() if name.startswith(begins)), usual))
    return " ".join([f"{name} begins.", *(f"{name} line {number}." for number in range(sentences)), f"{name} ends."])


def squeezed(text: str) -> str:
    """Text without white space, which the end of a message may take away."""
    return "".join(text.split())


def asked(body: Mapping[str, Any]) -> list[str]:
    """The tokens of the questions a request to Claude is about, in its order: what was said before is not asked."""
    content = body["messages"][-1]["content"]
    texts = [content] if isinstance(content, str) else [b["text"] for b in content if b["type"] == "text"]
    words = _BEFORE.sub("", "\n".join(texts))
    return TOKEN.findall(words)


def reply(body: Mapping[str, Any]) -> Reply:
    """What the simulated Claude answers: a line in no time, a long answer in up to three seconds."""
    text = "\n\n".join(answer_to(name) for name in asked(body))
    pieces = max(1, len(text) // 60)
    return Reply(text=text, pieces=pieces, piece_s=min(0.06, 3.0 / pieces), first_token_s=0.05)


def judged(shown: str, wanted: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong with the squeezed text of one conversation, where the answers to these tokens should stand.

    By kind: `lost`, `half`, `double`, `disorder` name tokens; `other` is text that is no part of any answer.
    """
    wrong: dict[str, list[str]] = {"lost": [], "half": [], "double": [], "disorder": [], "other": []}
    places, rest = [], shown
    for name in wanted:
        whole = squeezed(answer_to(name))
        count, begun = shown.count(whole), shown.count(f"{name}begins.")
        rest = rest.replace(whole, "")
        if not count:
            wrong["half" if name in shown else "lost"].append(name)
        elif count > 1:
            wrong["double"].append(name)
        elif begun > count:
            wrong["half"].append(name)
        if count:
            places.append((shown.index(whole), name))
    order = [name for _, name in sorted(places)]
    right = [name for name in wanted if name in set(order)]
    wrong["disorder"] = [name for name, other in zip(order, right, strict=True) if name != other]
    if rest and not any(wrong.values()):
        wrong["other"].append(rest[:200])
    return wrong
