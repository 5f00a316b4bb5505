"""Who is heard, and who may speak."""

from dataclasses import replace

import pytest

from bot.engine.inbox.admit import is_addressed, refusal
from bot.events import Incoming, MessageKey, Person, ThreadKey, Traits
from bot.places import Access

IN_GUILD = Incoming(
    key=MessageKey("discord", "G", "T", "M"),
    thread=ThreadKey("discord", "G", "C", "T"),
    author=Person("U", "Ada", frozenset({"R"})),
    text="hello",
    in_thread=True,
)
IN_SLACK = replace(IN_GUILD, key=MessageKey("slack", "W", "C", "1.0"), thread=ThreadKey("slack", "W", "C", "1.0"))
IN_DISCORD_DM = replace(
    IN_GUILD,
    key=MessageKey("discord", "@me", "D", "M"),
    thread=ThreadKey("discord", "@me", "D", "D"),
    author=Person("U", "Ada"),
    direct=True,
)


TRAITS = {"discord": Traits(dms_in_workspaces=False, workspaces="guilds"), "slack": Traits(workspaces="workspaces")}


def only(*allowed: str) -> frozenset[str]:
    return frozenset(allowed)


@pytest.mark.parametrize(
    ("question", "known", "heard"),
    [
        (IN_DISCORD_DM, False, True),
        (replace(IN_GUILD, mentions_bot=True), False, True),
        (replace(IN_GUILD, mentions_bot=True, mentions_others=True), False, True),
        (IN_GUILD, True, True),
        (IN_GUILD, False, False),
        (replace(IN_GUILD, mentions_others=True), True, False),
        (replace(IN_GUILD, in_thread=False), True, False),
    ],
)
def test_a_dm_a_mention_and_a_line_in_its_own_thread_are_for_the_bot(
    question: Incoming, known: bool, heard: bool
) -> None:
    assert is_addressed(question, known_thread=known) is heard


@pytest.mark.parametrize("question", [IN_GUILD, IN_SLACK, IN_DISCORD_DM])
def test_without_rules_everybody_may_speak(question: Incoming) -> None:
    assert not refusal(question, Access(), TRAITS[question.key.platform])


@pytest.mark.parametrize(
    ("question", "access", "may"),
    [
        (IN_GUILD, Access.of(allowed_users=only("U")), True),
        (IN_GUILD, Access.of(allowed_users=only("V")), False),
        (IN_GUILD, Access.of(allowed_users=only("V"), allowed_roles=only("R")), True),
        (IN_GUILD, Access.of(allowed_users=only("U"), denied_roles=only("R")), False),
        (IN_GUILD, Access.of(denied_users=only("U"), allowed_users=only("U")), False),
        (IN_GUILD, Access.of(allowed_channels=only("C")), True),
        (IN_GUILD, Access.of(allowed_channels=only("X")), False),
        (IN_GUILD, Access.of(denied_channels=only("C")), False),
        (IN_GUILD, Access.of(allowed_guilds=only("X")), False),
        (IN_GUILD, Access.of(denied_guilds=only("G")), False),
        (IN_GUILD, Access.of(allowed_workspaces=only("X")), True),
        (IN_GUILD, Access.of(dms=False), True),
        (IN_SLACK, Access.of(allowed_workspaces=only("X")), False),
        (IN_SLACK, Access.of(denied_workspaces=only("W")), False),
        (IN_SLACK, Access.of(allowed_guilds=only("X")), True),
        (replace(IN_SLACK, direct=True), Access.of(denied_workspaces=only("W")), False),
        (IN_DISCORD_DM, Access.of(dms=False), False),
        (IN_DISCORD_DM, Access.of(allowed_guilds=only("X")), True),
        (IN_DISCORD_DM, Access.of(allowed_channels=only("X")), True),
        (IN_DISCORD_DM, Access.of(allowed_roles=only("R")), False),
    ],
)
def test_access_is_decided_by_ids_and_a_denial_wins(question: Incoming, access: Access, may: bool) -> None:
    assert (not refusal(question, access, TRAITS[question.key.platform])) is may
