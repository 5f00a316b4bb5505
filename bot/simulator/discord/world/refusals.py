"""Discord's refusals: a status, an error code and its words (Discord docs, topics/opcodes-and-status-codes)."""

from typing import Any


class RefusedError(Exception):
    """A call that Discord turns down; `body` is the JSON it answers with."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def invalid(field: str, code: str, message: str) -> RefusedError:
    """Return the refusal of one field of a body. A dot in `field` leads into it: `components.0.type`."""
    errors: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(field.split(".")):
        errors = {name: errors}
    return RefusedError(400, 50035, "Invalid Form Body", errors)


def too_long(field: str, most: int) -> RefusedError:
    """Return the refusal of a text that is longer than `most` characters."""
    return invalid(field, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")


def unauthorized() -> RefusedError:
    """The token is not the right one."""
    return RefusedError(401, 0, "401: Unauthorized")


def not_found() -> RefusedError:
    """There is no such route."""
    return RefusedError(404, 0, "404: Not Found")


def unknown(what: str) -> RefusedError:
    """There is no such channel, guild, message, member, user, webhook or interaction."""
    codes = {"Channel": 10003, "Guild": 10004, "Member": 10007, "Message": 10008, "User": 10013, "Emoji": 10014}
    codes |= {"Webhook": 10015, "interaction": 10062}
    return RefusedError(404, codes[what], f"Unknown {what}")


def already_acknowledged() -> RefusedError:
    """An interaction is answered once."""
    return RefusedError(400, 40060, "Interaction has already been acknowledged.")


def invalid_webhook_token() -> RefusedError:
    """No interaction has this token, or it is too old."""
    return RefusedError(401, 50027, "Invalid Webhook Token")


def no_reply_unread() -> RefusedError:
    """Whoever may not read what was said may not reply to it."""
    return RefusedError(400, 160002, "Cannot reply without permission to read message history")


def missing_permissions() -> RefusedError:
    """A permission of the application is denied."""
    return RefusedError(403, 50013, "Missing Permissions")


def missing_access() -> RefusedError:
    """The application does not see this channel."""
    return RefusedError(403, 50001, "Missing Access")


def cannot_message_user() -> RefusedError:
    """The person takes no direct messages from the application."""
    return RefusedError(403, 50007, "Cannot send messages to this user")


def not_the_author() -> RefusedError:
    """An edit of somebody else's message."""
    return RefusedError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> RefusedError:
    """A message without anything to show."""
    return RefusedError(400, 50006, "Cannot send an empty message")


def wrong_channel_type() -> RefusedError:
    """What was asked for does not exist in this kind of channel."""
    return RefusedError(400, 50024, "Cannot execute action on this channel type")


def archived_thread() -> RefusedError:
    """An archived thread cannot be changed; a locked one cannot be written to."""
    return RefusedError(400, 50083, "Thread is archived")


def thread_exists() -> RefusedError:
    """A message has one thread at most."""
    return RefusedError(400, 160004, "A thread has already been created for this message")


def too_many_threads() -> RefusedError:
    """A guild has so many threads that are not archived."""
    return RefusedError(400, 160006, "Maximum number of active threads reached")


def too_large() -> RefusedError:
    """A file or a request is too big."""
    return RefusedError(413, 40005, "Request entity too large")


def invalid_json() -> RefusedError:
    """The body is no JSON."""
    return RefusedError(400, 50109, "The request body contains invalid JSON.")
