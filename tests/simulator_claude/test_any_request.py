"""Whatever is sent, the answer is a message or one of the API's errors: never an error of the simulation's own."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.claude.answer.answer import answer
from bot.simulator.claude.request.check import Checker
from bot.simulator.claude.request.models import MODELS
from bot.simulator.claude.request.pictures import PictureReader
from bot.simulator.claude.request.refusal import Refused
from bot.simulator.claude.request.signatures import Signer

READER = PictureReader()
CHECKER = Checker(MODELS, READER, Signer(), enforce_thinking_prefix=True)
DATA = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjc="}
BODY = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}],
    "tool_choice": {"type": "any"},
    "output_config": {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object", "required": ["b"]}},
    },
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "document", "source": DATA}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "seen"}]},
                {"type": "search_result", "source": "x", "title": "y", "content": [{"type": "text", "text": "z"}]},
            ],
        },
    ],
}
VALUES = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", [], {}, [1], [None], [[]], {"type": "x"}, [{"type": "text"}]]
)


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


PLACES = [place for place in places(BODY) if place]


def holds(changes) -> None:
    body = copy.deepcopy(BODY)
    for place, value in changes:
        at = body
        for key in place[:-1]:
            known = range(len(at)) if isinstance(at, list) else at if isinstance(at, dict) else ()
            at = at[key] if key in known else {}
        fits = place[-1] in range(len(at)) if isinstance(at, list) else isinstance(place[-1], str)
        if fits and isinstance(at, dict | list):
            at[place[-1]] = copy.deepcopy(value)
    try:
        checked = CHECKER.check(body, "2026-10-21")
    except Refused:
        return
    assert answer(checked.body, checked.messages, READER).content()


CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), VALUES), max_size=3)


@settings(max_examples=400, deadline=None)
@given(CHANGES)
def test_any_change_of_a_request_is_answered_or_refused(changes):
    holds(changes)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(CHANGES)
def test_any_change_of_a_request_is_answered_or_refused_at_length(changes):
    holds(changes)
