"""The glossary names what is in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (?!term|-)([^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/glossary.md").read_text("utf-8"), re.MULTILINE
)


def defined(node: ast.AST, within: str = "") -> Iterator[str]:
    """Yield the names that some code defines, those in a class also as `Class.name`."""
    for child in ast.iter_child_nodes(node):
        here = within
        names: list[str] = []
        match child:
            case ast.ClassDef(name=name):
                names, here = [name], f"{name}."
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names, here = [name], ""
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
        for name in names:
            yield name
            yield within + name
        yield from defined(child, here)


@pytest.fixture(scope="module")
def names() -> set[str]:
    found = set()
    for path in (ROOT / "bot").rglob("*.py"):
        found |= {*defined(ast.parse(path.read_text("utf-8")))}
        found.add(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize(("term", "code"), [(term, code) for term, _, code in ROWS])
def test_what_a_term_is_called_in_the_code_is_there(names: set[str], term: str, code: str) -> None:
    cited = re.findall(r"`([^`]+)`", code)
    assert cited, f"{term} is nowhere in the code"
    assert set(cited) <= names


def test_a_term_has_one_meaning_in_one_line() -> None:
    terms = [term for term, _, _ in ROWS]
    assert len(terms) > 50
    assert sorted(terms) == sorted(set(terms))
    assert [term for term, meaning, _ in ROWS if len(meaning) > 110] == []
