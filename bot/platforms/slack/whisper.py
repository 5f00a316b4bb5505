"""What one person is told in Slack, and nobody else sees."""

from bot.events import Incoming
from bot.platforms.slack.calls import Calls
from bot.platforms.slack.markup import escape


async def whisper(calls: Calls, user: str, sentence: str, channel: str, thread: str = "") -> None:
    """Show a sentence to one person in a channel, or in a thread that has replies. Raise only `PlatformError`s.

    Slack shows it nowhere else (docs, reference/methods/chat.postEphemeral).
    """
    where = {"thread_ts": thread} if thread else {}
    await calls.write("chat.postEphemeral", channel=channel, user=user, text=escape(sentence), parse="none", **where)


async def whisper_to_author(calls: Calls, message: Incoming, sentence: str) -> None:
    """Show a sentence to a message's author, where they wrote it. Raise only `PlatformError`s."""
    thread = message.thread.thread if message.in_thread else ""
    await whisper(calls, message.author.id, sentence, message.key.channel, thread)
