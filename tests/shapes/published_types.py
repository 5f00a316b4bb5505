"""The platforms' published types as a judge of what the simulators send: names of keys, and kinds of values.

The types are npm packages, fetched by name and kept in pytest's cache folder, and read by the TypeScript compiler;
nothing of them is part of the project.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_PACKAGES = ("typescript@5.9", "discord-api-types@0.38.57", "@slack/types@3.2.0", "@slack/web-api@8.2.0")
_JUDGE = Path(__file__).with_name("judge.mjs")


@dataclass(frozen=True, slots=True)
class Recording:
    """What was sent, the package that publishes its type, and the type's name (`A`, `A["b"]`)."""

    what: str
    package: str
    type: str
    body: Any


def deviations(recordings: Sequence[Recording], folder: Path) -> list[str]:
    """Return where recordings do not fit their types, as `what: path: how`, each once.

    Skip the test if there is no Node here, or a package cannot be fetched.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node and npm are not installed: the platforms' published types cannot be read")
    if not (folder / "node_modules" / "@slack" / "web-api").exists():
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *_PACKAGES]
        done = subprocess.run(install, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            pytest.skip(f"npm could not fetch {_PACKAGES}: {done.stderr[-300:]}")
    (folder / "judge.mjs").write_text(_JUDGE.read_text(encoding="utf-8"), encoding="utf-8")
    asked = json.dumps([[one.package, one.type, one.body] for one in recordings])
    judged = subprocess.run([node, "judge.mjs"], cwd=folder, input=asked, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr
    found = json.loads(judged.stdout)
    assert len(found) == len(recordings)
    lines = [f"{one.what}: {line}" for one, wrong in zip(recordings, found, strict=True) for line in wrong]
    return list(dict.fromkeys(lines))
