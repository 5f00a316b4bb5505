"""npm packages that judge what the simulators send: fetched by name and kept in pytest's cache folder.

Nothing of them is part of the project.
"""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def judgements(packages: Sequence[str], program: str, asked: Sequence[Any], folder: Path) -> list[list[str]]:
    """Return what a program finds wrong with each thing it is asked about: a list of lines for each.

    `program`: JavaScript, which reads `asked` as JSON and writes its findings as JSON; it may import `packages`.
    Skip the test if there is no Node here, or a package cannot be fetched.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node and npm are not installed: what the platforms publish cannot be asked")
    _install(npm, packages, folder)
    script = folder / "judge.mjs"
    script.write_text(program, encoding="utf-8")
    judged = subprocess.run(
        [node, script.name], cwd=folder, input=json.dumps(list(asked)), capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stderr
    found: list[list[str]] = json.loads(judged.stdout)
    assert len(found) == len(asked)
    return found


def _install(npm: str, packages: Sequence[str], folder: Path) -> None:
    """Fetch the packages, once; processes that test at the same time wait for each other."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed.json"
    with (folder / "installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists() and json.loads(done.read_text()) == list(packages):
            return
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *packages]
        run = subprocess.run(install, capture_output=True, text=True, timeout=240, check=False)
        if run.returncode:
            pytest.skip(f"npm could not fetch {packages}: {run.stderr[-300:]}")
        done.write_text(json.dumps(list(packages)))
