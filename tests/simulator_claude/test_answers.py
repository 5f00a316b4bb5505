"""What it says when nothing is scripted."""

import json

import pytest

from bot.simulator.claude import Reply, SimulatedClaude, long_text

ADD = {
    "name": "add",
    "description": "Add two numbers.",
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
}


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


async def test_it_says_that_it_is_a_simulation_and_what_it_was_asked(ask):
    said = text_of(await ask("What is the time?"))
    assert "simulation" in said
    assert "**someone** asked:\n\n> What is the time?" in said
    assert "Turn 1 " in said


async def test_it_names_who_asked_whatever_the_order_of_the_attributes(ask):
    said = text_of(
        await ask('<message id="7" from="Ada &quot;Countess&quot; &amp; co">\n1 &lt; 2 &amp;amp; ok\n</message>')
    )
    assert '**Ada "Countess" & co** asked:\n\n> 1 < 2 &amp; ok' in said


async def test_several_people_may_ask_in_one_turn(ask):
    said = text_of(
        await ask('<message from="Ada" id="1">\nfirst\n</message><message id="2" from="Bo">second</message>')
    )
    assert "**Ada** asked:\n\n> first" in said
    assert "**Bo** asked:\n\n> second" in said


async def test_earlier_talk_is_counted_and_its_last_message_quoted_but_is_no_question(ask):
    blocks = [
        "<context>",
        '<message from="Cleo" id="3">\nold\n</message>',
        '<message from="you">\nolder answer\n</message>',
        "</context>",
        '<message from="Ada" id="1">\nand now?\n</message>',
    ]
    said = text_of(await ask([{"type": "text", "text": text} for text in blocks]))
    assert "I was shown 2 earlier messages. The last one, by **you**:\n\n> older answer" in said
    assert "**Ada** asked:\n\n> and now?" in said
    assert "**Cleo** asked" not in said


async def test_turns_are_counted_and_the_first_question_is_remembered(ask):
    messages = [
        {"role": "user", "content": '<message from="Ada">Where is the harbour?</message>'},
        {"role": "assistant", "content": "There."},
        {"role": "user", "content": '<message from="Bo">What did I ask FIRST?</message>'},
    ]
    said = text_of(await ask(messages=messages))
    assert "Turn 2 " in said
    assert "by **Ada**:\n\n> Where is the harbour?" in said


@pytest.mark.parametrize(
    ("question", "length"),
    [
        ("write 5000 characters", 5000),
        ("Write 12,345 characters please", 12_345),
        ("10 chars", 10),
        ("a long story", 5000),
    ],
)
async def test_a_text_of_the_asked_length_can_be_computed(ask, question, length):
    assert text_of(await ask(question, max_tokens=20_000)) == long_text(length)


async def test_code_comes_fenced_between_sentences_and_a_table_as_a_table(ask):
    said = text_of(await ask("Some code, and a table."))
    before, code, after = said.split("```")
    assert before.strip()
    assert code.startswith("python\n")
    compile(code.removeprefix("python\n"), "answer", "exec")
    assert "It prints" in after
    assert "| --- |" in after


async def test_a_tool_named_in_the_question_is_called_with_what_was_given(ask):
    message = await ask('Please use the tool add with {"a": 2, "b": {"c": "}"}} now', tools=[ADD])
    assert message.stop_reason == "tool_use"
    assert message.content[-1].name == "add"
    assert message.content[-1].input == {"a": 2, "b": {"c": "}"}}


async def test_after_a_tool_result_it_answers_with_the_result_and_does_not_count_a_turn(ask):
    question = {"role": "user", "content": '<message from="Ada">use the tool add with {"a": 1, "b": 2}</message>'}
    called = await ask(messages=[question], tools=[ADD])
    result = {"type": "tool_result", "tool_use_id": called.content[-1].id, "content": "three"}
    messages = [question, called.to_param(), {"role": "user", "content": [result]}]
    answered = await ask(messages=messages, tools=[ADD])
    assert answered.stop_reason == "end_turn"
    assert "The tool answered:\n\n> three" in text_of(answered)
    assert "**Ada**" in text_of(answered)
    failed = {**result, "is_error": True, "content": [{"type": "text", "text": "broken"}]}
    messages[-1] = {"role": "user", "content": [failed]}
    assert "The tool failed with:\n\n> broken" in text_of(await ask(messages=messages, tools=[ADD]))
    messages += [{"role": "assistant", "content": "Three."}, {"role": "user", "content": "Thanks"}]
    assert "Turn 2 " in text_of(await ask(messages=messages, tools=[ADD]))


async def test_a_tool_that_is_not_offered_is_not_called(ask):
    said = text_of(await ask("use the tool subtract with {}", tools=[ADD]))
    assert "no tool named `subtract`" in said
    none = await ask("use the tool add with {}", tools=[ADD], tool_choice={"type": "none"})
    assert none.stop_reason == "end_turn"


async def test_a_forced_tool_takes_its_numbers_from_the_question(ask):
    message = await ask(
        "What is 604542+6458932?", model="claude-3-5-sonnet-20240620", tools=[ADD],
        tool_choice={"type": "tool", "name": "add"},
    )  # fmt: skip
    assert message.content[-1].input == {"a": 604542, "b": 6458932}
    any_tool = await ask("7 and 8", model="claude-haiku-4-5", tools=[ADD], tool_choice={"type": "any"})
    assert any_tool.content[-1].input == {"a": 7, "b": 8}


async def test_a_schema_for_the_answer_is_met(ask):
    schema = {
        "type": "object",
        "properties": {"mood": {"enum": ["calm", "busy"]}, "age": {"type": "number"}, "ok": {"type": "boolean"}},
        "required": ["mood", "age", "ok"],
    }
    message = await ask("I am 41", output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(text_of(message)) == {"mood": "calm", "age": 41, "ok": True}


async def test_images_are_told_with_true_size_type_and_colour(ask, draw, image):
    said = text_of(
        await ask(
            [
                image(draw("red", (640, 480))),
                image(draw("#0000f0", (30, 40), "JPEG"), "image/jpeg"),
                image(draw("white", (5, 6), "GIF"), "image/gif"),
                image(draw("green", (100, 20), "WEBP", lossless=True), "image/webp"),
                {"type": "text", "text": "What are these?"},
            ]
        )
    )
    assert "Image 1: 640×480 PNG, mostly red (#ff0000)" in said
    assert "Image 2: 30×40 JPEG, mostly blue (#00" in said
    assert "Image 3: 5×6 GIF, mostly white (#ffffff)" in said
    assert "Image 4: 100×20 WEBP, mostly green (#008000)" in said
    assert "Images seen so far in this conversation: 4" in said


async def test_images_of_earlier_turns_are_counted_but_not_described_again(ask, draw, image):
    messages = [
        {"role": "user", "content": [image(draw("red")), {"type": "text", "text": "this?"}]},
        {"role": "assistant", "content": "Red."},
        {"role": "user", "content": [image(draw("black")), {"type": "text", "text": "and this?"}]},
    ]
    said = text_of(await ask(messages=messages))
    assert "Image 1: 64×48 PNG, mostly black (#000000)" in said
    assert "red" not in said
    assert "Images seen so far in this conversation: 2" in said


async def test_an_answer_is_cut_at_max_tokens_and_at_stop_sequences(ask):
    cut = await ask("write 5000 characters", max_tokens=10)
    assert (cut.stop_reason, text_of(cut)) == ("max_tokens", long_text(5000)[:40])
    stopped = await ask("write 5000 characters", stop_sequences=["nowhere", " garden"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " garden")
    assert text_of(stopped) == long_text(5000).split(" garden")[0]


async def test_a_conversation_can_be_answered_by_a_function(connect):
    def shout(body) -> Reply:
        return Reply(text=body["messages"][-1]["content"].upper())

    async with SimulatedClaude(otherwise=shout) as simulated:
        client = connect(simulated)
        given = {"model": "claude-opus-5-5", "max_tokens": 100}
        one = await client.messages.create(**given, messages=[{"role": "user", "content": "hello"}])
        simulated.script(lambda body: Reply(text=str(len(body["messages"]))))
        two = await client.messages.create(**given, messages=[{"role": "user", "content": "hello"}])
    assert (text_of(one), text_of(two)) == ("HELLO", "1")
