"""What slack_bolt and slack_sdk log: no message and no secret.

Below warnings they write down whole messages, and in a failure the address of a connection, which is a ticket to it.
"""

import logging
import re

_SECRET = re.compile(r"(?<=ticket=)[^&\s'\")]+|\bx(?:ox[a-z]|app)-[\w-]+")


class _Discreet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if "`token`" in record.msg and record.msg.endswith(("unused.", "ignored.")):
            return False  # bolt finds SLACK_BOT_TOKEN by itself; our client has it already
        record.msg, record.args = _SECRET.sub("…", record.getMessage()), ()
        record.exc_info = record.exc_text = None  # a trace would repeat the message
        return True


def sdk_logger() -> logging.Logger:
    """Return the logger for all of bolt and slack_sdk; bolt makes its own ones like it."""
    logger = logging.getLogger("slack_sdk.parley")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_Discreet())
    return logger
