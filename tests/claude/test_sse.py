"""Bytes → events → message: whatever the pieces, the line ends and the order of things, the same comes out."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.claude.api.sse import Accumulator, ErrorEvent, EventSplitter
from bot.claude.messages.records import text_of

EXAMPLES = 60
LONG = 10_000
TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
EVENTS = st.lists(st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=3), max_size=6)
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def as_bytes(events: list[dict], end: bytes, noise: bool) -> bytes:
    sent = b""
    for event in events:
        data = json.dumps(event, ensure_ascii=False).encode()
        sent += (b": comment" + end if noise else b"") + b"event: x" + end + b"data: " + data + end + end
    return sent


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def same_events(events, end, noise, cuts):
    splitter = EventSplitter()
    got = [event for chunk in split(as_bytes(events, end, noise), cuts) for event in splitter.feed(chunk)]
    got += list(splitter.feed(b"\n"))  # a CR at the very end waits for the LF that may follow
    assert got == events


CASES = given(EVENTS, LINE_ENDS, st.booleans(), st.lists(st.integers(0, 10_000), max_size=12))


@settings(max_examples=EXAMPLES, deadline=None)
@CASES
def test_events_are_the_same_wherever_the_bytes_are_cut(events, end, noise, cuts):
    same_events(events, end, noise, cuts)


@pytest.mark.long
@settings(max_examples=LONG, deadline=None)
@CASES
def test_events_are_the_same_wherever_the_bytes_are_cut_long(events, end, noise, cuts):
    same_events(events, end, noise, cuts)


def test_data_on_several_lines_comments_and_the_end_mark_of_gateways():
    splitter = EventSplitter()
    sent = b': hello\n\nevent: x\ndata: {\ndata: "a": 1}\n\ndata:{}\n\ndata: [DONE]\n\nid: 3\n\n'
    assert list(splitter.feed(sent)) == [{"a": 1}, {}, {"type": "ping"}]


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: [1]\n\n", b"data: \xff\n\n"])
def test_data_that_is_no_json_object_is_an_error(data):
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of whoever found it
        list(EventSplitter().feed(data))


def start(index: int, **block) -> dict:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields) -> dict:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict:
    return {"type": "content_block_stop", "index": index}


BEGIN = {"type": "message_start", "message": {"id": "m", "role": "assistant", "type": "message", "model": "x",
         "content": [], "stop_reason": None, "usage": {"input_tokens": 5, "output_tokens": 1,
         "cache_creation": {"ephemeral_1h_input_tokens": 7}}}}  # fmt: skip
FINISH = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 9, "input_tokens": None},
    },
    {"type": "message_stop"},
]


def read(*events) -> Accumulator:
    made = Accumulator()
    for event in [BEGIN, *events]:
        made.apply(event)
    return made


PIECES = st.lists(TEXT, max_size=5)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["text", "thinking", "tool_use"]), PIECES), max_size=5))
def test_what_is_streamed_is_what_the_message_says(blocks):
    events, texts = [], []
    for index, (kind, pieces) in enumerate(blocks):
        if kind == "text":
            events += [start(index, type="text", text=""), *[delta(index, "text_delta", text=p) for p in pieces]]
            texts.append("".join(pieces))
        elif kind == "thinking":
            events += [start(index, type="thinking", thinking="", signature="")]
            events += [delta(index, "thinking_delta", thinking=p) for p in pieces]
            events += [delta(index, "signature_delta", signature="sig")]
        else:
            whole = json.dumps({"a": "".join(pieces)})
            events += [start(index, type="tool_use", id=f"t{index}", name="f", input={})]
            events += [delta(index, "input_json_delta", partial_json=whole[n : n + 3]) for n in range(0, len(whole), 3)]
        events.append(stop(index))
    made = Accumulator()
    shown = [made.apply(event) for event in [BEGIN, *events, *FINISH]]
    message = made.finished()
    assert "".join(piece for piece in shown if isinstance(piece, str)) == text_of(message["content"])
    assert [block["text"] for block in message["content"] if block["type"] == "text"] == texts
    assert all(piece for piece in shown if isinstance(piece, str))
    for block, (kind, pieces) in zip(message["content"], blocks, strict=True):
        if kind == "tool_use":
            assert block["input"] == {"a": "".join(pieces)}
        if kind == "thinking":
            assert (block["thinking"], block["signature"]) == ("".join(pieces), "sig")
    assert made.complete


def test_counts_are_the_last_ones_and_what_came_once_stays():
    usage = read(*FINISH).finished().usage
    assert usage == {"input_tokens": 5, "output_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 7}}


def test_unknown_events_deltas_and_blocks_are_passed_over_or_kept():
    made = read(
        {"type": "brand_new"},
        start(0, type="brand_new_block", data="kept"),
        delta(0, "brand_new_delta", x=1),
        stop(0),
        *FINISH,
    )
    assert made.finished().content == [{"type": "brand_new_block", "data": "kept"}]


def test_citations_come_with_their_text():
    cited = {"type": "char_location", "cited_text": "x"}
    made = read(
        start(0, type="text", text="", citations=None),
        delta(0, "text_delta", text="A"),
        delta(0, "citations_delta", citation=cited),
        stop(0),
        *FINISH,
    )
    assert made.finished().content == [{"type": "text", "text": "A", "citations": [cited]}]


def test_an_input_that_comes_with_its_block_or_never_is_what_it_is():
    made = read(start(0, type="tool_use", id="a", name="f", input={"x": 1}), stop(0), *FINISH)
    assert made.finished().content[0].input == {"x": 1}
    assert made.bad_inputs == {}


def test_a_block_that_never_ended_is_finished_as_far_as_it_came():
    made = read(
        start(0, type="text", text=""),
        delta(0, "text_delta", text="Half"),
        start(1, type="tool_use", id="a", name="f", input={}),
        delta(1, "input_json_delta", partial_json='{"x'),
    )
    made.apply({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}})
    made.end()
    message = made.finished()
    assert made.complete
    assert [block.get("text", block.get("input")) for block in message.content] == ["Half", {}]
    assert list(message.bad_inputs) == ["a"]


def test_an_end_without_a_reason_is_no_end():
    made = read(start(0, type="text", text=""))
    made.end()
    assert not made.complete


def test_an_error_event_is_raised_with_its_kind():
    with pytest.raises(ErrorEvent) as caught:
        read({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert caught.value.kind == "overloaded_error"


@pytest.mark.parametrize("event", [delta(7, "text_delta", text="x"), {"type": "content_block_start"}, stop(3)])
def test_what_is_not_the_apis_stream_is_an_error(event):
    with pytest.raises((LookupError, TypeError)):
        read(event)
