"""A second opinion on Discord's Markdown: the npm package discord-markdown-parser, run by one Node process.

It is fetched by name and kept in pytest's cache folder; nothing of it is part of the project.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from corpus_meant import Shown, visible

_PACKAGE = "discord-markdown-parser@1.3.1"
_PROGRAM = """
const { parse } = require("discord-markdown-parser");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => parse(text, "extended"))));
"""
_STYLES = {
    "em": "italic",
    "strong": "bold",
    "underline": "underlined",
    "strikethrough": "struck",
    "spoiler": "spoiler",
    "blockQuote": "quote",
    "subtext": "small",
    "inlineCode": "code",
    "codeBlock": "code",
}
_SOURCES = {
    "user": "<@{id}>",
    "channel": "<#{id}>",
    "role": "<@&{id}>",
    "emoji": "<:{name}:{id}>",
    "twemoji": "{name}",
    "timestamp": "<t:{timestamp}:{format}>",
    "everyone": "@everyone",
    "here": "@here",
}
_HALF_OPEN = ("```", "**", "~~")

Tree = list[dict[str, Any]]


def trees(texts: Sequence[str], folder: Path, patience_s: float) -> list[Tree]:
    """Return what the parser makes of each message. Skips the test without Node, or if the package does not come."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node and npm are not installed")
    if not (folder / "node_modules").exists():
        _install(npm, folder, patience_s)
    parsed = subprocess.run(
        [node, "-e", _PROGRAM],
        cwd=folder,
        input=json.dumps([text.strip() for text in texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[Tree] = json.loads(parsed.stdout)
    assert len(found) == len(texts)
    return found


def _install(npm: str, folder: Path, patience_s: float) -> None:
    install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", _PACKAGE]
    try:
        done = subprocess.run(install, capture_output=True, text=True, timeout=patience_s, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not answer within {patience_s} s")
    if done.returncode:
        pytest.skip(f"npm could not fetch {_PACKAGE}: {done.stderr[-300:]}")


def shown(tree: Tree) -> Shown:
    """Return the characters people see of a message, with their styles. The parser knows no lists."""
    return list(_shown(tree, frozenset()))


def _shown(tree: Tree, styles: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for node in tree:
        kind, content = node["type"], node.get("content", "")
        if kind in _SOURCES:
            yield from visible(_SOURCES[kind].format_map(node), styles)
            continue
        inside = styles | (
            {f"h{node['level']}"} if kind == "heading" else {_STYLES[kind]} if kind in _STYLES else set()
        )
        yield from visible(content, inside) if isinstance(content, str) else _shown(content, inside)


def half_open(tree: Tree) -> bool:
    """Say whether the parser takes half of a pair of markers for plain text."""
    plain = "".join(node["content"] if node["type"] == "text" else "\0" for node in tree)
    return any(mark in plain for mark in _HALF_OPEN) or any(
        half_open(node["content"]) for node in tree if isinstance(node.get("content"), list)
    )
