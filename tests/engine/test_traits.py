"""What platforms differ in is data: the core asks what is possible, and never for a name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_room import Room

import bot
from bot.engine.inbox.admit import refusal
from bot.events import Incoming, MessageKey, Person, Said, ThreadKey, Traits, Upload
from bot.places import Access

_CORE = Path(bot.__file__).parent
_MAY_NAME_THEM = {"app.py", "cli", "config", "platforms", "simulator", "tryout"}


def _core() -> Iterator[Path]:
    for path in sorted(_CORE.rglob("*.py")):
        if path.relative_to(_CORE).parts[0] not in _MAY_NAME_THEM:
            yield path


def test_the_core_knows_no_platform_by_its_name() -> None:
    named = [
        f"{path.relative_to(_CORE)}:{node.lineno}"
        for path in _core()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in {"discord", "slack"}
    ]
    assert named == []


async def test_where_no_history_can_be_read_nobody_tries(here: Room) -> None:
    here.chat.traits = Traits(reads_history=False)
    here.chat.before = [Said(Person("U2", "Grace"), "The build is red", message_id="1")]
    await here.say(100, "So?")
    await here.ended(100, "delivered")
    assert here.chat.read == []
    assert "The build is red" not in here.prompt()


async def test_a_status_is_phrased_as_the_platform_does_it(here: Room) -> None:
    here.chat.traits = Traits(status="Parley {} (wait)")
    await here.say(100, "So?")
    await here.ended(100, "delivered")
    assert here.chat.statuses[0] == "Parley is thinking… (wait)"
    assert here.chat.statuses[-1] == ""


@pytest.mark.parametrize("pasted_file", ["message.txt", "", "paste.txt"])
async def test_a_message_that_became_a_file_is_a_message_where_there_is_such_a_thing(
    here: Room, pasted_file: str
) -> None:
    here.chat.traits = Traits(pasted_file=pasted_file)
    here.chat.files["u"] = b"A very long message"
    await here.say(100, "", uploads=(Upload("1", "message.txt", "u"),))
    await here.ended(100, "delivered")
    assert ("Text message.txt" not in here.prompt()) == (pasted_file == "message.txt")


@pytest.mark.parametrize("dms_in_workspaces", [False, True])
def test_a_dm_is_subject_to_the_workspaces_only_where_it_belongs_to_one(*, dms_in_workspaces: bool) -> None:
    key, thread = MessageKey("third", "W", "D", "1"), ThreadKey("third", "W", "D", "D")
    question = Incoming(key, thread, Person("U", "Ada"), "hello", direct=True)
    traits = Traits(dms_in_workspaces=dms_in_workspaces, workspaces="teams")
    for rules in (
        Access.of(allowed_teams={"X"}),
        Access.of(denied_teams={"W"}),
    ):
        assert bool(refusal(question, rules, traits)) is dms_in_workspaces
    assert not refusal(question, Access.of(allowed_guilds={"X"}), traits)
