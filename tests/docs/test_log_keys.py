"""A line of the log is found by its event: a key in snake case that never changes with what happened."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

BOT = Path(__file__).parents[2] / "bot"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def events() -> Iterator[tuple[str, ast.expr]]:
    for file in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"log.{level}" for level in LEVELS}:
                yield f"{file.relative_to(BOT)}:{node.lineno}", node.args[0]


def test_each_event_of_the_log_is_a_key() -> None:
    found = list(events())
    assert len(found) > 100
    words = [where for where, event in found if isinstance(event, ast.JoinedStr)]
    keys = {where: event.value for where, event in found if isinstance(event, ast.Constant)}
    assert words + [where for where, key in keys.items() if not re.fullmatch(r"[a-z][a-z0-9_]*", str(key))] == []
