"""The table of faults says which test shows what: they are there, and they name their row."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| (\d+)[^|]*\|[^|]*\|([^|]*)\| covered",
    (TESTS.parent / "docs/faults.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
WITHOUT = {26, 28}
"""They are about a database that this bot does not use."""


def cited(cell: str) -> list[tuple[str, list[str]]]:
    """Return each file of a cell with the tests that are named after it."""
    found: list[tuple[str, list[str]]] = []
    for name in re.findall(r"`([^`]+)`", cell):
        if re.fullmatch(r"\w+/test_\w+\.py", name):
            found.append((name, []))
        elif "test_" in name or "…" in name:
            found[-1][1].append(name)
    return found


def test_every_row_is_there() -> None:
    asked = {*range(1, 47), 58, 59} - WITHOUT
    assert {int(row) for row, _ in ROWS} == asked


@pytest.mark.parametrize(("row", "cell"), ROWS, ids=[row for row, _ in ROWS])
def test_the_tests_of_a_row_exist_and_one_of_them_names_it(row: str, cell: str) -> None:
    sources = []
    for file, names in cited(cell):
        source = (TESTS / file).read_text(encoding="utf-8")
        sources.append(source)
        for name in names:
            pattern = re.escape(name).replace("…", r"\w*")
            assert re.search(rf"def {pattern}\(", source), f"{file} has no {name}"
    named = rf"def test_rows?_(\w+_and_)?{row}_|^\"\"\"Rows? [^:]*\b{row}\b"
    through = any(
        int(first) <= int(row) <= int(last) for s in sources for first, last in re.findall(r"Rows (\d+) to (\d+)", s)
    )
    assert through or any(re.search(named, source, re.MULTILINE) for source in sources), f"no test names row {row}"
