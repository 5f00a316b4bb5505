"""Who is admitted. Pure: an `Incoming` and the rules in; yes or no out, or why not."""

from bot.engine.sentences import NOT_HERE, NOT_IN_DMS, NOT_YOU
from bot.events import Incoming, Traits
from bot.places import Access


def is_addressed(question: Incoming, *, known_thread: bool) -> bool:
    """Return whether a message is for the bot: a DM, a mention, or a line in a thread the bot was asked in before,
    unless that line is for somebody else and not the bot.
    """
    if question.direct or question.mentions_bot:
        return True
    return question.in_thread and known_thread and not question.mentions_others


def refusal(question: Incoming, access: Access, traits: Traits) -> str:
    """Return why the author may not use the bot in this place, in a sentence for them; "" if they may.

    Names play no part, only ids and roles.
    """
    if (question.direct or question.group) and not access.dms:
        return NOT_IN_DMS
    if not _workspace_allows(question, access, traits) or not _channel_allows(question, access):
        return NOT_HERE
    return "" if _person_may(question, access) else NOT_YOU


def _person_may(question: Incoming, access: Access) -> bool:
    author = question.author
    if author.id in access.denies("users") or author.roles & access.denies("roles"):
        return False
    if not access.allows("users") and not access.allows("roles"):
        return True
    return author.id in access.allows("users") or bool(author.roles & access.allows("roles"))


def _workspace_allows(question: Incoming, access: Access, traits: Traits) -> bool:
    """Return whether the rules for workspaces allow a question; a DM of no workspace is up to `dms` alone."""
    if question.direct and not traits.dms_in_workspaces:
        return True
    return _is_allowed({question.thread.workspace}, traits.workspaces, access)


def _channel_allows(question: Incoming, access: Access) -> bool:
    channels = {question.thread.channel, question.thread.thread, question.key.channel}
    return question.direct or _is_allowed(channels, "channels", access)


def _is_allowed(ids: set[str], kind: str, access: Access) -> bool:
    if ids & access.denies(kind):
        return False
    return not access.allows(kind) or bool(ids & access.allows(kind))
