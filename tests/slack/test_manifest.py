"""The manifest people paste asks for what the adapter needs, no more and no less."""

import re
from pathlib import Path

from bot.platforms.slack.connect.scopes import AGENT_SCOPES, BOT_EVENTS, BOT_SCOPES
from bot.simulator.slack.workspace.app import ALL_SCOPES

MANIFEST = Path(__file__).parents[2] / "docs" / "slack-manifest.yaml"


def items(name: str) -> list[str]:
    """The items of the list under a key, in a file this plain."""
    lines = MANIFEST.read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.strip() == f"{name}:")
    found = []
    for line in lines[start + 1 :]:
        item = re.fullmatch(r"\s*- (\S+)(?: #.*)?", line)
        if item is None:
            break
        found.append(item[1])
    return found


def test_the_manifest_asks_for_the_scopes_the_adapter_uses() -> None:
    assert sorted(items("bot")) == sorted(BOT_SCOPES | AGENT_SCOPES)
    assert BOT_SCOPES <= ALL_SCOPES


def test_the_manifest_subscribes_to_the_events_the_adapter_hears() -> None:
    assert sorted(items("bot_events")) == sorted(BOT_EVENTS)


def test_the_manifest_needs_no_public_address_and_opens_the_dm() -> None:
    text = MANIFEST.read_text(encoding="utf-8")
    assert "socket_mode_enabled: true" in text
    assert "messages_tab_enabled: true" in text
    assert "messages_tab_read_only_enabled: false" in text


def test_the_manifest_lets_buttons_be_pressed_and_declares_an_agent() -> None:
    text = MANIFEST.read_text(encoding="utf-8")
    assert "interactivity:\n    is_enabled: true" in text
    assert "agent_view:" in text
