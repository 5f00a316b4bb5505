"""A class name stands for one thing."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2] / "bot"
TWO_TREES = {"RateLimited"}
"""Of the library's errors and of ours: it is the field's word in both, and whoever needs both names the tree."""
PORT_AND_RECORD = {"Usage"}
"""The port of the accounts, and the tokens of one request; no file needs both."""


def room(path: Path) -> str:
    """Return where a name must be unique. The adapters are parallel: the same name means the same thing in both."""
    inside = path.relative_to(ROOT).parts
    return "adapter" if inside[:2] in {("platforms", "discord"), ("platforms", "slack")} else str(path)


def test_a_class_name_stands_for_one_thing() -> None:
    """The simulators have the words of the services they play."""
    homes = defaultdict[str, set[str]](set)
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] == "simulator":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].add(room(path))
    assert {name: homes for name, homes in homes.items() if len(homes) > 1}.keys() == TWO_TREES | PORT_AND_RECORD
