"""A second opinion on Discord's Markdown: the npm package discord-markdown-parser, run by Node.

It is fetched by name and kept in pytest's cache folder; nothing of it is part of the project.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_PACKAGE = "discord-markdown-parser@1.3.1"
_PROGRAM = """
const { parse } = require("discord-markdown-parser");
const plain = (nodes) => nodes.map((node) =>
  node.type === "text" ? node.content
  : Array.isArray(node.content) ? "\\u0001" + plain(node.content) + "\\u0001" : "\\u0001").join("");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => plain(parse(text, "extended")))));
"""
_HALF_OPEN = ("```", "**", "~~")


def second_opinion(texts: Sequence[str], folder: Path) -> list[str]:
    """Return what of these messages the parser takes for plain text although it is half of a pair of markers.

    Skips the test if there is no Node here, or the package cannot be fetched.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node and npm are not installed")
    if not (folder / "node_modules").exists():
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", _PACKAGE]
        done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"npm could not fetch {_PACKAGE}: {done.stderr[-300:]}")
    parsed = subprocess.run(
        [node, "-e", _PROGRAM], cwd=folder, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    plain: list[str] = json.loads(parsed.stdout)
    assert len(plain) == len(texts)
    return [text for text in plain if any(mark in text for mark in _HALF_OPEN)]
