"""Who may import what is written down for every room, so that a new room must be given its place."""

import re
import tomllib
from pathlib import Path

import grimp
import pytest
from importlinter.contracts.protected import ProtectedContract

import bot

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
HOMES = [contract for contract in CONTRACTS if contract["type"] == "protected"]


def test_every_room_says_who_may_import_it() -> None:
    rooms = {f"bot.{path.stem}" for path in (ROOT / "bot").iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    rooms -= {"bot.__init__", "bot.__main__"}
    assert sorted(room for contract in HOMES for room in contract["protected_modules"] if room in rooms) == sorted(
        rooms
    )


def test_the_map_names_every_room() -> None:
    rooms = {path.stem for path in (ROOT / "bot").iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    assert set(re.findall(r"^- `(\w+)`", bot.__doc__ or "", re.MULTILINE)) == rooms - {"__init__", "__main__"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("bot", include_external_packages=True)


@pytest.mark.parametrize("home", HOMES, ids=lambda home: str(home["name"]))
def test_a_new_room_may_import_nothing_before_it_is_given_its_place(graph: grimp.ImportGraph, home: dict) -> None:
    contract = ProtectedContract(home["name"], {"root_packages": ["bot"]}, home)
    for protected in home["protected_modules"]:
        assert contract.check(graph, verbose=False).kept
        graph.add_module("bot.attic")
        graph.add_import(importer="bot.attic", imported=protected, line_number=1, line_contents=f"import {protected}")
        try:
            assert not contract.check(graph, verbose=False).kept
        finally:
            graph.remove_module("bot.attic")
