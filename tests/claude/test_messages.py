"""What is sent: messages from anything, and a history as one request may hold it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.claude import (
    Message,
    contents,
    doc_msg,
    find_block,
    img_msg,
    mk_msg,
    mk_msgs,
    pdf_msg,
    sources,
    text_msg,
    usage,
)
from bot.claude.messages.blocks import outgoing

HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP",
}


def test_a_text_is_a_message_with_one_block():
    assert mk_msg("Hi") == {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    assert mk_msg("Hi", role="assistant", cache=True)["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert mk_msg("Hi", cache="1h")["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    with pytest.raises(ValueError, match="cache"):
        mk_msg("Hi", cache="2h")


@pytest.mark.parametrize("kind", HEADS)
def test_an_image_is_known_by_its_bytes(kind):
    data = HEADS[kind] + b"rest"
    assert img_msg(data)["source"]["media_type"] == kind
    assert mk_msg([data, "What is it?"])["content"][0] == img_msg(data)


def test_bytes_of_another_kind_are_refused():
    for make in (img_msg, pdf_msg, mk_msg):
        with pytest.raises(ValueError, match="no P"):
            make(b"BM....")


def test_pdfs_and_texts_are_documents():
    block = mk_msg(b"%PDF-1.4")["content"][0]
    assert block["type"] == "document"
    assert pdf_msg(b"%PDF-1.4", title="T", citations=True)["citations"] == {"enabled": True}
    assert doc_msg("words", title="T", cache=True)["source"] == {
        "type": "text", "media_type": "text/plain", "data": "words",
    }  # fmt: skip


def test_a_message_without_anything_to_read_is_refused():
    for nothing in ("", " ", [], ["", ""]):
        with pytest.raises(ValueError, match="needs some text"):
            mk_msg(nothing)
    with pytest.raises(TypeError):
        mk_msg(3)


def test_texts_take_turns_and_what_has_a_role_keeps_it():
    assert [m["role"] for m in mk_msgs(["a", "b", "c"])] == ["user", "assistant", "user"]
    given = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, "c", "d"]
    made = mk_msgs(given)
    assert [m["role"] for m in made] == ["user", "user", "assistant", "user"]
    assert made[0] is given[0]
    assert mk_msgs("a") == [mk_msg("a")] == mk_msgs(mk_msg("a"))


def test_answers_ours_and_the_sdks_are_messages():
    from anthropic.types import Message as SdkMessage
    from anthropic.types import TextBlock

    wire = {"id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": "Hi"}],
            "usage": {"input_tokens": 1, "output_tokens": 2}}  # fmt: skip
    for answer in (Message(wire), SdkMessage(**wire)):
        assert mk_msg(answer) == {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}
        assert contents(answer) == "Hi"
        assert find_block(answer, TextBlock).text == find_block(answer).text == "Hi"
        assert find_block(answer, "tool_use") is None
    with pytest.raises(TypeError):
        find_block(Message(wire), int)


def test_the_text_of_an_answer():
    assert contents(Message(content=[])) == ""
    assert contents({"role": "user", "content": " Hi "}) == "Hi"
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert contents(Message(content=[thinking, text_msg("A "), text_msg("b")])) == "A b"
    with pytest.raises(AttributeError, match="it has"):
        Message(content=[]).nonsense  # noqa: B018 - the access is the test


def test_what_an_answer_cites_is_listed_once():
    cited = {"type": "web_search_result_location", "url": "https://example.org", "title": "E"}
    blocks = [{**text_msg("a"), "citations": [cited]}, {**text_msg("b"), "citations": [cited]}, text_msg("c")]
    assert sources(Message(content=blocks)) == [cited]


def test_usages_add_up_and_are_shown_as_the_seed_shows_them():
    assert repr(usage(8, 29)) == "In: 8; Out: 29; Total: 37"
    assert repr(usage(10, 36) + usage(0, 0, 5, 3)) == "In: 10; Out: 36; Cache create: 5; Cache read: 3; Total: 54"
    assert usage(1, 2).total == 3
    nothing = {"cache_read_input_tokens": None, "server_tool_use": None}
    more = {"server_tool_use": {"web_search_requests": 2}, "cache_creation": {"ephemeral_5m_input_tokens": 4}}
    total = usage(1, 1) + nothing + more + more
    assert total.server_tool_use == {"web_search_requests": 4}
    assert total.cache_creation == {"ephemeral_5m_input_tokens": 8}
    assert repr(total).endswith("Total: 2; Search: 4")
    assert sum([usage(1, 1), usage(2, 2)]).total == 6
    assert json.loads(json.dumps(total)) == total


THOUGHT = {"type": "thinking", "thinking": "", "signature": "s"}
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "1"}


def test_thinking_is_kept_in_the_running_turn_and_left_out_of_finished_ones():
    finished = [mk_msg("q"), mk_msg([THOUGHT, text_msg("a")], "assistant")]
    running = [mk_msg("q2"), mk_msg([THOUGHT, CALL], "assistant"), mk_msg([RESULT])]
    sent = outgoing([*finished, *running])
    assert sent[1]["content"] == [text_msg("a")]
    assert sent[2:] == running
    assert finished[1]["content"][0] == THOUGHT
    ended = outgoing([*finished, *running, mk_msg([THOUGHT, text_msg("b")], "assistant"), mk_msg("q3")])
    assert not any(block["type"] == "thinking" for message in ended for block in message["content"])


def test_of_many_cache_breakpoints_the_last_stay():
    history = [mk_msg(f"{n}", ("user", "assistant")[n % 2], cache=True) for n in range(7)]
    sent = outgoing(history, 3)
    assert ["cache_control" in message["content"][0] for message in sent] == [False] * 4 + [True] * 3
    assert all("cache_control" in message["content"][0] for message in history)
    assert not any("cache_control" in message["content"][0] for message in outgoing(history, 0))


BLOCKS = st.sampled_from([THOUGHT, CALL, text_msg("x"), text_msg("y", cache=True), RESULT])
HISTORIES = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant"]),
        st.lists(BLOCKS, min_size=1, max_size=4) | st.just("text"),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(HISTORIES)
def test_sending_a_history_changes_nothing_in_it_and_loses_no_message(history):
    before = json.dumps(history)
    sent = outgoing(history)
    assert json.dumps(history) == before
    assert [message["role"] for message in sent] == [message["role"] for message in history]
    assert outgoing(sent) == sent
    assert all(message["content"] for message in sent)
    marks = [block for m in sent if m["content"] != "text" for block in m["content"] if "cache_control" in block]
    assert len(marks) <= 4
