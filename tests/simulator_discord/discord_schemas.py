"""Discord's published schema of its API as a judge of answers: the npm package discord-api-spec, run by Node.

The package is made from Discord's own OpenAPI document. It is fetched by name and kept in pytest's cache folder;
nothing of it is part of the project.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_PACKAGES = ("discord-api-spec@10.0.266135", "zod@4")
_PROGRAM = """
import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import * as spec from "discord-api-spec/zod";
z.config(z.locales.en());
const of = (name) => name.endsWith("[]") ? z.array(spec[name.slice(0, -2) + "Schema"])
  : name.includes("|") ? z.union(name.split("|").map((one) => spec[one + "Schema"])) : spec[name + "Schema"];
const wrong = (path, issue) => issue.errors
  ? [`${path}: fits none: ` + issue.errors.map((some) => some.map((one) =>
      [...one.path, one.message].join(" ")).join(", ")).join(" / ")]
  : [`${path}: ${issue.message}`];
const answers = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(answers.map(([name, body]) => {
  const read = of(name).safeParse(body);
  return read.success ? [] : read.error.issues.flatMap((issue) => wrong(issue.path.join("."), issue));
})));
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered with, and the schema it should fit (`A`, `A[]`, `A|B`), "" for an empty body."""

    call: str
    schema: str
    body: Any


def deviations(answers: Sequence[Answer], folder: Path) -> list[str]:
    """Return where answers do not fit their schemas, as `call: path: what`.

    Skips the test if there is no Node here, or a package cannot be fetched.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node and npm are not installed: Discord's schema cannot be asked")
    if not (folder / "node_modules" / "zod").exists():
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *_PACKAGES]
        done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"npm could not fetch {_PACKAGES}: {done.stderr[-300:]}")
    # The schema's date-time is RFC 3339; zod's takes no offset but Z, and Discord sends +00:00.
    asked = [
        [answer.schema, json.loads(json.dumps(answer.body).replace('+00:00"', 'Z"'))]
        for answer in answers
        if answer.schema
    ]
    judged = subprocess.run(
        [node, "--input-type=module", "-e", _PROGRAM],
        cwd=folder,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(judged.stdout)
    assert len(found) == len(asked)
    calls = [answer.call for answer in answers if answer.schema]
    return [f"{call}: {line}" for call, lines in zip(calls, found, strict=True) for line in lines]
