"""What the docs show runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def code(page: str) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL))


def test_the_example_of_the_simulators_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code("docs/simulators.md")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "page", [*(str(p.relative_to(ROOT)) for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))]
)
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_readme_names_every_command_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^.*-m tests$", readme, re.MULTILINE)) == 1
    assert len(re.findall(r"^.*parley try$", readme, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    "page",
    [*(str(p.relative_to(ROOT)) for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if "CHANGE" not in p.name)],
)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`((?:[\w.*-]+/)+[\w.*-]+\.(?:py|md|toml|yaml))\b", (ROOT / page).read_text(encoding="utf-8"))
    homes = (ROOT, ROOT / "bot", ROOT / "tests")
    assert [name for name in named if not any(list(home.glob(name)) for home in homes)] == []
