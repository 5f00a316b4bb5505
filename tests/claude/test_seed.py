"""Every example of the seed document, as it stands and in its order, against the simulated Claude."""

import json

import pytest

import bot.claude
from bot.claude import ClaudeWarning, contents, models
from bot.simulator.claude import Reply

HI = "Hello! How can I assist you today? Feel free to ask any questions or let me know if you need help with anything."
JEREMY = "Hello Jeremy! It's nice to meet you. How can I assist you today?"
MEANING = (
    "  the meaning of life is 42. More seriously, there's no universally agreed upon meaning of life. "
    "Many philosophers and religions have proposed different answers."
)
ADAMS = "According to Douglas Adams,"
SUM = "As a summing expert, I'm happy to help you with this addition. The sum of 604542 and 6458932 is 7063474."
SUMS_SOURCE = """
def sums(
    a:int,  # First thing to sum
    b:int=1 # Second thing to sum
) -> int: # The sum of the inputs
    "Adds a + b."
    print(f"Finding the sum of {a} and {b}")
    return a + b
"""
CALL = {"type": "tool_use", "name": "sums", "input": {"a": 604542, "b": 6458932}}


def said(text, inp, out, **more) -> Reply:
    return Reply(text=text, usage={"input_tokens": inp, "output_tokens": out}, **more)


SEED_TIME = ["claude-3-opus-20240229", "claude-3-5-sonnet-20240620", "claude-3-haiku-20240307"]
BOTH = pytest.mark.parametrize("known", [SEED_TIME, models], ids=["the seed's models", "today's models"])
pytestmark = pytest.mark.filterwarnings("ignore::bot.claude.warn.ClaudeWarning")


@BOTH
async def test_the_seeds_client_examples_run_as_they_stand(notebook, claude, known):
    run = notebook.run
    notebook.names["models"] = known

    await run("model = models[1]\ncli = AsyncAnthropic()")
    claude.script(said(JEREMY, 10, 36))
    shown = await run(
        """m = {'role': 'user', 'content': "I'm Jeremy"}
r = await cli.messages.create(messages=[m], model=model, max_tokens=100)
r"""
    )
    assert shown.content[0].text == JEREMY
    await run("c = AsyncClient(model)")
    assert repr(await run("c._r(r)\nc.use")) == "In: 10; Out: 36; Total: 46"
    assert contents(notebook.names["c"].result) == JEREMY

    assert repr(await run("c = AsyncClient(model, log=True)\nc.use")) == "In: 0; Out: 0; Total: 0"
    claude.script(said(HI, 8, 29))
    shown = await run("c.model = models[1]\nawait c('Hi')")
    assert contents(shown) == HI
    assert shown._repr_markdown_().startswith(f"{HI}\n\n<details>\n\n- id: `msg_")
    assert repr(await run("c.use")) == "In: 8; Out: 29; Total: 37"

    claude.script(said(MEANING, 24, 51))
    shown = await run(
        """q = "Concisely, what is the meaning of life?"
pref = 'According to Douglas Adams,'
await c(q, prefill=pref)"""
    )
    assert contents(shown) == ADAMS + MEANING
    assert shown.content[0].text == ADAMS + MEANING

    claude.script(said(HI, 8, 29))
    await run("async for o in (await c('Hi', stream=True)): print(o, end='')")
    assert notebook.printed == HI
    assert repr(await run("c.use")) == "In: 40; Out: 109; Total: 149"

    claude.script(said(MEANING, 24, 51))
    await run("async for o in (await c(q, prefill=pref, stream=True)): print(o, end='')")
    assert notebook.printed == ADAMS + MEANING
    assert repr(await run("c.use")) == "In: 64; Out: 160; Total: 224"
    assert len(notebook.names["c"].log) == 4


@BOTH
async def test_the_seeds_tool_trip_by_hand_runs_as_it_stands(notebook, claude, known):
    run = notebook.run
    notebook.names["models"] = known
    await run("model = models[1]\nc = AsyncClient(model)")
    await run(SUMS_SOURCE)
    await run('a,b = 604542,6458932\npr = f"What is {a}+{b}?"\nsp = "You are a summing expert."')
    await run("tools=[get_schema(sums)]\nchoice = mk_tool_choice('sums')")
    assert notebook.names["choice"] == {"type": "tool", "name": "sums"}

    claude.script(Reply(blocks=[CALL]), said(SUM, 500, 60))
    shown = await run(
        """tools = [get_schema(sums)]
msgs = mk_msgs(pr)
r = await c(msgs, sp=sp, tools=tools, tool_choice=choice)
tr = mk_toolres(r, ns=globals())
msgs += tr
contents(await c(msgs, sp=sp, tools=tools))"""
    )
    assert notebook.printed == "Finding the sum of 604542 and 6458932\n"
    assert shown == SUM
    result = claude.requests[-1].body["messages"][-1]["content"][0]
    assert result["type"] == "tool_result"
    assert result["content"] == "7063474"
    forced = claude.requests[0].body["tool_choice"]
    assert forced["type"] == ("tool" if known is SEED_TIME else "auto")


@BOTH
async def test_the_seeds_chat_examples_run_as_they_stand(notebook, claude, known):
    run = notebook.run
    notebook.names["models"] = known
    await run("model = models[1]")
    shown = await run('sp = "Never mention what tools you use."\nchat = AsyncChat(model, sp=sp)\nchat.c.use, chat.h')
    assert repr(shown) == "(In: 0; Out: 0; Total: 0, [])"

    name = "Your name is Jeremy, as you mentioned in your previous message."
    claude.script(said(JEREMY, 20, 30), said(name, 64, 16))
    shown = await run("""await chat("I'm Jeremy")\nawait chat("What's my name?")""")
    assert contents(shown) == name
    assert [m["role"] for m in claude.requests[-1].body["messages"]] == ["user", "assistant", "user"]

    claude.script(said(MEANING, 100, 82))
    shown = await run(
        """q = "Concisely, what is the meaning of life?"
pref = 'According to Douglas Adams,'
await chat(q, prefill=pref)"""
    )
    assert contents(shown) == ADAMS + MEANING
    assert contents(notebook.names["chat"].h[-1]) == ADAMS + MEANING

    claude.script(said(JEREMY, 20, 30))
    await run(
        """chat = AsyncChat(model, sp=sp)
async for o in (await chat("I'm Jeremy", stream=True)): print(o, end='')"""
    )
    assert notebook.printed == JEREMY


@BOTH
async def test_the_seeds_chat_with_tools_runs_as_it_stands(notebook, claude, known):
    run = notebook.run
    notebook.names["models"] = known
    await run('model = models[1]\nsp = "Never mention what tools you use."\na,b = 604542,6458932')
    await run(SUMS_SOURCE)
    says = 'To answer this question, I can use the "sums" function to add these two numbers together.'
    claude.script(Reply(blocks=[{"type": "text", "text": says}, CALL]))
    shown = await run('pr = f"What is {a}+{b}?"\nchat = AsyncChat(model, sp=sp, tools=[sums])\nr = await chat(pr)\nr')
    assert notebook.printed == "Finding the sum of 604542 and 6458932\n"
    assert contents(shown) == says
    assert shown.stop_reason == "tool_use"
    assert shown.content[1].input == {"a": 604542, "b": 6458932}

    claude.script(said("The sum of 604542 and 6458932 is 7063474.", 543, 23))
    assert contents(await run("await chat()")) == "The sum of 604542 and 6458932 is 7063474."
    history = notebook.names["chat"].h
    assert [m["role"] for m in history] == ["user", "assistant", "user", "assistant"]
    assert json.loads(json.dumps(history)) == history


@BOTH
@pytest.mark.usefixtures("puppy")
async def test_the_seeds_image_example_runs_as_it_stands(notebook, claude, known):
    run = notebook.run
    notebook.names["models"] = known
    await run("c = AsyncClient(models[1])")
    claude.script(said("The flowers in this image are purple.", 110, 50))
    shown = await run(
        """fn = Path('samples/puppy.jpg')
img = fn.read_bytes()
q = "In brief, what color flowers are in this image?"
msg = mk_msg([img_msg(img), text_msg(q)])
await c([msg])"""
    )
    assert contents(shown) == "The flowers in this image are purple."
    image, text = claude.requests[-1].body["messages"][0]["content"]
    assert image["source"]["media_type"] == "image/jpeg"
    assert text["text"] == "In brief, what color flowers are in this image?"


async def test_zero_as_temperature_is_accepted_by_every_model(notebook, claude):
    for name in ("claude-3-5-sonnet-20240620", "claude-sonnet-4-5", "claude-sonnet-5-5", "claude-opus-5-5"):
        notebook.names["name"] = name
        await notebook.run("await AsyncClient(name)('Hi', temp=0)\nawait AsyncChat(name, temp=0)('Hi')")
    sent = [request.body.get("temperature") for request in claude.requests]
    assert sent == [0, 0, 0, 0, None, None, None, None]


def test_star_import_brings_every_name_of_the_seed():
    names = (
        "AsyncClient AsyncChat AsyncAnthropic mk_msg mk_msgs text_msg img_msg get_schema mk_tool_choice mk_toolres "
        "mk_funcres contents find_block usage models model_types pricing"
    )
    assert set(names.split()) <= set(bot.claude.__all__)
    assert issubclass(ClaudeWarning, Warning)
