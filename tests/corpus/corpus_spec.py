"""The texts of the CommonMark specification's examples, as markdown-it-py's source distribution holds them.

They are fetched by name from the package index that pip is set up to use, checked against the hashes of the project's
lock file, and kept in pytest's cache folder. Nothing of them is part of the project.
"""

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_LOCK = Path(__file__).parents[1] / "requirements.lock"
_MEMBER = "/tests/test_cmark_spec/commonmark.json"


class NotFetchedError(Exception):
    """The texts are not here and could not be fetched; the text says why."""


def load(folder: Path, patience_s: float) -> dict[str, list[str]]:
    """Return the examples' Markdown by the specification's sections; fetch them first if need be.

    Raises `NotFetchedError` when that takes longer than `patience_s` or fails.
    """
    kept = folder / "commonmark.json"
    if not kept.exists():
        _fetch(kept, patience_s)
    sections: dict[str, list[str]] = {}
    for example in json.loads(kept.read_text(encoding="utf-8")):
        sections.setdefault(example["section"], []).append(example["markdown"])
    return sections


def _fetch(kept: Path, patience_s: float) -> None:
    locked = re.search(
        r"^markdown-it-py==[^\\\n]*(?:\\\n *--hash=[^\\\n]*)+", _LOCK.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert locked, "the lock file names no markdown-it-py"
    with tempfile.TemporaryDirectory(dir=kept.parent) as name:
        wanted = Path(name) / "wanted.txt"
        wanted.write_text(locked[0], encoding="utf-8")
        _download(wanted, patience_s)
        [archive] = Path(name).glob("*.tar.gz")
        with tarfile.open(archive) as files:
            member = next(one for one in files.getmembers() if one.name.endswith(_MEMBER))
            found = files.extractfile(member)
            assert found is not None
            (Path(name) / kept.name).write_bytes(found.read())
        (Path(name) / kept.name).replace(kept)


def _download(wanted: Path, patience_s: float) -> None:
    options = ["--no-deps", "--no-binary", ":all:", "--require-hashes"]
    quickly = ["--retries", "0", "--timeout", "5", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, *quickly, "--dest", str(wanted.parent)]
    try:
        done = subprocess.run(
            [*command, "-r", str(wanted)], capture_output=True, text=True, timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotFetchedError(f"the package index did not answer within {patience_s} s") from None
    if done.returncode:
        raise NotFetchedError(f"pip could not download markdown-it-py's sources: {done.stderr.strip()[-300:]}")
