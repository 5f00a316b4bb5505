"""The platforms' published types as a judge of what the simulators send: names of keys, and kinds of values.

The types are npm packages, read by the TypeScript compiler.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npm import judgements

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
    asked = [[one.package, one.type, one.body] for one in recordings]
    found = judgements(_PACKAGES, _JUDGE.read_text(encoding="utf-8"), asked, folder)
    lines = [f"{one.what}: {line}" for one, wrong in zip(recordings, found, strict=True) for line in wrong]
    return list(dict.fromkeys(lines))
