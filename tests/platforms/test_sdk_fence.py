"""Only the `sdk.py` of a room touches the inside of an SDK, so that one look tells what a new version may break."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "bot"
INSIDE = {
    "platforms/discord": ("discord.gateway", "discord.http", "discord.state"),
    "platforms/slack": ("slack_bolt.adapter", "slack_bolt.app", "slack_bolt.async_app.", "slack_sdk.socket_mode"),
    "store": ("aiosqlite",),
}


@pytest.mark.parametrize("room", INSIDE)
def test_the_inside_of_an_sdk_is_imported_by_one_file(room: str) -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in (ROOT / room).rglob("*.py")
        if path.name != "sdk.py"
        for module in imported(path)
        if module.startswith(INSIDE[room])
    }
    assert not found


def test_a_clients_undocumented_calls_are_made_by_one_file() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "platforms/discord").rglob("*.py")
        if path.name != "sdk.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"http", "ws"}
    }
    assert not found


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
