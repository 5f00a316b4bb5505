"""Caching, thinking, documents, web search, structured answers, counting, and why an answer ended."""

import datetime as dt
import json
from dataclasses import dataclass

import pydantic
import pytest

from bot.claude import (
    AsyncChat,
    AsyncClient,
    ContextFull,
    NoStructure,
    OutputLimit,
    Refusal,
    TurnPaused,
    contents,
    doc_msg,
    mk_msg,
    mk_sdk,
    pdf_msg,
    raise_for_stop,
    sources,
    stopped,
)
from bot.simulator.claude import Reply, SimulatedClaude

OLD = "claude-sonnet-4-5"
PDF = b"%PDF-1.4\n1 0 obj << /Type /Page >> endobj\n%%EOF"


@pytest.fixture
async def strict():
    """A simulated Claude that caches whatever is marked and checks what thinking belongs to."""
    async with SimulatedClaude(enforce_thinking_prefix=True, think=True, cache_minimum_tokens=1) as claude:
        yield claude


@pytest.fixture
async def strict_client(strict):
    sdk = mk_sdk(api_key=strict.api_key, base_url=strict.base_url)
    yield AsyncClient("claude-sonnet-5-5", cli=sdk)
    await sdk.close()


def breakpoints(body) -> int:
    return json.dumps(body).count('"cache_control"')


async def test_a_cached_chat_reads_what_it_wrote_and_never_has_too_many_breakpoints(strict, strict_client):
    chat = AsyncChat(cli=strict_client, sp="You help people." * 5, cache=True)
    for turn in range(7):
        await chat([mk_msg(f"Question {turn}", cache=True)["content"][0]])
        assert breakpoints(strict.requests[-1].body) <= 4
    assert chat.use.cache_creation_input_tokens > 0
    assert chat.last.usage.cache_read_input_tokens > chat.last.usage.input_tokens
    assert "Cache read" in repr(chat.use)


async def test_two_chats_share_the_cached_system_prompt(strict_client):
    for greeting in ("Hi", "Hello"):
        chat = AsyncChat(cli=strict_client, sp="You help people." * 5, cache="1h")
        await chat(greeting)
    assert chat.use.cache_read_input_tokens > 0
    assert chat.use.cache_creation["ephemeral_1h_input_tokens"] > 0


async def test_thinking_is_kept_to_the_byte_inside_a_tool_loop_and_dropped_after_it(strict, strict_client):
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    chat = AsyncChat(cli=strict_client, tools=[add], cache=True)
    await chat('use the tool add with {"a": 1, "b": 2}')
    thought = chat.h[1]["content"][0]
    assert thought["type"] == "thinking"
    stored = json.loads(json.dumps(chat.h))
    again = AsyncChat(cli=strict_client, tools=[add], hist=stored, cache=True)
    await again()
    assert strict.requests[-1].body["messages"][1]["content"][0] == thought
    assert not any(block["type"] == "thinking" for message in again.h for block in message["content"])
    await again("And what did I ask first?")
    assert len(again.h) == 6


async def test_thinking_can_be_asked_for_on_every_model_that_thinks(client, claude):
    for model, on in (
        ("claude-sonnet-5-5", {"type": "adaptive", "display": "summarized"}),
        ("claude-opus-4-8", {"type": "adaptive", "display": "summarized"}),
        (OLD, {"type": "enabled", "budget_tokens": 2048}),
    ):
        answer = await client(model)("Hi", thinking=True)
        assert claude.requests[-1].body["thinking"] == on
        assert (answer.content[0].type == "thinking") is (
            "display" in on
        )  # the simulated one thinks if it is to show it
        assert contents(answer).startswith("**This is a simulation")
    for model, off in (("claude-sonnet-5-5", "between_tools"), ("claude-haiku-5-5", "disabled")):
        await client(model)("Hi", thinking=False)
        assert claude.requests[-1].body["thinking"] == {"type": off}
    with pytest.raises(ValueError, match="always thinks"):
        await client("claude-opus-5-5")("Hi", thinking=False)
    with pytest.raises(ValueError, match="maxtok"):
        await client(OLD)("Hi", thinking=True, maxtok=1000)
    await client(OLD)("Hi", thinking={"type": "disabled"})
    assert claude.requests[-1].body["thinking"] == {"type": "disabled"}


async def test_documents_are_sent_and_cited(c, claude):
    cited = {"type": "char_location", "cited_text": "Grass is green.", "document_index": 0}
    claude.script(Reply(blocks=[{"type": "text", "text": "Green.", "citations": [cited]}]))
    chat = AsyncChat(cli=c)
    answer = await chat([pdf_msg(PDF), doc_msg("Grass is green.", citations=True, title="Grass"), "Colour?"])
    assert [b["type"] for b in claude.requests[-1].body["messages"][0]["content"]] == ["document", "document", "text"]
    assert sources(answer) == [cited]
    await chat("Sure?")
    assert chat.h[1]["content"][0]["citations"] == [cited]


async def test_a_web_search_is_offered_answered_and_paid(c, claude):
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    fetch = {"type": "web_fetch_20250910", "name": "web_fetch"}
    found = {"type": "web_search_result", "url": "https://example.org", "title": "E", "encrypted_content": "x"}
    where = {"type": "web_search_result_location", "url": "https://example.org", "title": "E", "cited_text": "r"}
    blocks = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]},
        {"type": "text", "text": "It rains.", "citations": [where]},
    ]
    claude.script(Reply(blocks=blocks))
    chat = AsyncChat(cli=c, tools=[search, fetch])
    answer = await chat("Rain?")
    assert claude.requests[-1].body["tools"] == [search, fetch]
    assert sources(answer) == [where]
    assert chat.use.server_tool_use["web_search_requests"] == 1
    assert chat.cost == pytest.approx(0.01, abs=0.002)
    await chat("Thanks")
    assert claude.requests[-1].body["messages"][1]["content"][1]["content"] == [found]


@dataclass
class Person:
    """Somebody."""

    name: str
    born: dt.date | None = None


class Place(pydantic.BaseModel):
    """Somewhere."""

    city: str


def year(born: dt.date) -> int:
    """When somebody was born."""
    return born.year


def using(name, given) -> dict:
    return {"type": "tool_use", "name": name, "input": given}


@pytest.mark.filterwarnings("ignore::bot.claude.warn.ClaudeWarning")
@pytest.mark.parametrize("model", [OLD, "claude-sonnet-5-5"])
async def test_a_structured_answer_is_a_value_of_the_type(client, claude, model):
    c = client(model)
    claude.script(Reply(blocks=[using("Person", {"name": "Ada", "born": "1815-12-10"})]))
    assert await c.structured("Who?", Person) == Person("Ada", dt.date(1815, 12, 10))
    claude.script(Reply(blocks=[using("Place", {"city": "London"}), using("Person", {"name": "Ada"})]))
    assert await c.structured("Who and where?", [Person, Place]) == [Place(city="London"), Person("Ada")]
    claude.script(Reply(blocks=[using("year", {"born": "1815-12-10"})]))
    assert await c.structured("When?", year) == 1815
    choices = [request.body["tool_choice"]["type"] for request in claude.requests]
    assert choices == (["tool", "any", "tool"] if model == OLD else ["auto"] * 3)


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "text", "text": "Ada"}],
        [using("Person", {"born": "never"})],
        [using("Person", '{"name": "A')],
        [using("Other", {})],
    ],
)
async def test_an_answer_without_the_structure_is_an_error(client, claude, blocks):
    claude.script(Reply(blocks=blocks))
    with pytest.raises(NoStructure):
        await client(OLD).structured("Who?", Person)


async def test_tokens_can_be_counted_before_they_are_paid(c, claude):
    chat = AsyncChat(cli=c, sp="You help.", tools=[year])
    counted = await chat.count_tokens("Hello")
    await chat("Hello")
    assert counted == chat.use.input_tokens
    assert await c.count_tokens("Hello", temp=None) < counted
    assert claude.count == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(text="I", stop_reason="refusal", stop_details={"type": "refusal", "category": "bio"}), Refusal),
        (Reply(text="I", stop_reason="pause_turn"), TurnPaused),
        (Reply(text="I", stop_reason="max_tokens"), OutputLimit),
        (Reply(text="I", stop_reason="model_context_window_exceeded"), ContextFull),
    ],
)
async def test_why_an_answer_is_not_whole_is_told_apart_by_type(c, claude, reply, kind):
    claude.script(reply, Reply(text="Whole"), Reply(text="New", stop_reason="brand_new_reason"))
    answer = await c("Hi")
    error = stopped(answer)
    assert type(error) is kind
    assert error.text_so_far == "I"
    with pytest.raises(kind):
        raise_for_stop(answer)
    if kind is Refusal:
        assert error.category == "bio"
    assert stopped(await c("Hi")) is None
    raise_for_stop(await c("Hi"))


async def test_a_conversation_that_is_too_long_is_told_apart_before_and_after(client):
    c = client("claude-3-5-sonnet-20240620")
    with pytest.raises(ContextFull):
        await c("word " * 200_000)


async def test_fields_the_library_does_not_know_are_sent_as_they_are(c, claude):
    more = {"extra_headers": {"anthropic-beta": "some-beta"}, "output_config": {"format": None}}
    await c("Hi", metadata={"user_id": "u"}, service_tier="auto", effort="low", **more)
    assert claude.requests[-1].headers["anthropic-beta"] == "some-beta"
    assert claude.requests[-1].body["output_config"] == {"format": None, "effort": "low"}
    assert claude.requests[-1].body["metadata"] == {"user_id": "u"}
    assert claude.requests[-1].body["service_tier"] == "auto"


async def test_a_long_answer_needs_no_stream(client, claude):
    claude.script(Reply(text="Long"))
    assert contents(await client("claude-opus-5-5")("Hi", maxtok=100_000)) == "Long"
    assert claude.requests[-1].body["max_tokens"] == 100_000
