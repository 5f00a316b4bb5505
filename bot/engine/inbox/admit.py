"""Who is heard. Pure: an `Incoming` and the rules in, yes or no out, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.engine.sentences import NOT_HERE, NOT_IN_DMS, NOT_YOU
from bot.events import Incoming, Traits

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Access:
    """Who may speak to the bot, by the platforms' ids. A denial always wins; an empty set of the allowed allows all.

    `allowed_workspaces`, `denied_workspaces`: by platform, for each has its own. `mention_in_threads`: also in a thread
    it was asked in before, the bot hears only who mentions it.
    """

    dms: bool = True
    allowed_users: frozenset[str] = _NOBODY
    denied_users: frozenset[str] = _NOBODY
    allowed_roles: frozenset[str] = _NOBODY
    denied_roles: frozenset[str] = _NOBODY
    allowed_channels: frozenset[str] = _NOBODY
    denied_channels: frozenset[str] = _NOBODY
    allowed_workspaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    denied_workspaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mention_in_threads: bool = False

    @property
    def names_roles(self) -> bool:
        """Whether anything depends on a person's roles."""
        return bool(self.allowed_roles or self.denied_roles)


def is_addressed(question: Incoming, *, known_thread: bool) -> bool:
    """Say whether a message is for the bot: a DM, a mention, or a line in a thread the bot was asked in before,
    unless that line is for somebody else and not the bot.
    """
    if question.direct or question.mentions_bot:
        return True
    return question.in_thread and known_thread and not question.mentions_others


def may_speak(question: Incoming, access: Access, traits: Traits) -> bool:
    """Say whether the author may use the bot in this place. Names play no part, only ids and roles."""
    return not refusal(question, access, traits)


def refusal(question: Incoming, access: Access, traits: Traits) -> str:
    """Return why the author may not use the bot in this place, in a sentence for them; "" if they may."""
    if (question.direct or question.group) and not access.dms:
        return NOT_IN_DMS
    if not _workspace_allows(question, access, traits) or not _channel_allows(question, access):
        return NOT_HERE
    return "" if _person_may(question, access) else NOT_YOU


def _person_may(question: Incoming, access: Access) -> bool:
    author = question.author
    if author.id in access.denied_users or author.roles & access.denied_roles:
        return False
    if not access.allowed_users and not access.allowed_roles:
        return True
    return author.id in access.allowed_users or bool(author.roles & access.allowed_roles)


def _workspace_allows(question: Incoming, access: Access, traits: Traits) -> bool:
    """A DM that belongs to no workspace is allowed by all; only `dms` speaks of it."""
    if question.direct and not traits.dms_in_workspaces:
        return True
    where = question.thread
    allowed = access.allowed_workspaces.get(where.platform, _NOBODY)
    denied = access.denied_workspaces.get(where.platform, _NOBODY)
    return where.workspace not in denied and (not allowed or where.workspace in allowed)


def _channel_allows(question: Incoming, access: Access) -> bool:
    if question.direct:
        return True
    channels = {question.thread.channel, question.thread.thread, question.key.channel}
    if channels & access.denied_channels:
        return False
    return not access.allowed_channels or bool(channels & access.allowed_channels)
