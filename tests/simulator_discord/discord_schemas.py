"""Discord's published schema of its API as a judge of answers: the npm package discord-api-spec, run by Node.

The package is made from Discord's own OpenAPI document.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npm import judgements

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

    Skip the test if there is no Node here, or a package cannot be fetched.
    """
    # The schema's date-time is RFC 3339; zod's takes no offset but Z, and Discord sends +00:00.
    asked = [
        [answer.schema, json.loads(json.dumps(answer.body).replace('+00:00"', 'Z"'))]
        for answer in answers
        if answer.schema
    ]
    found = judgements(_PACKAGES, _PROGRAM, asked, folder)
    calls = [answer.call for answer in answers if answer.schema]
    return [f"{call}: {line}" for call, lines in zip(calls, found, strict=True) for line in lines]
