"""One tree of errors, two audiences.

    ParleyError
    ├── ConfigError           the settings cannot be used; names the key
    ├── StartupError          a part cannot start: a refused token, a port in use
    │   └── StoreError        the database cannot be used: in use, corrupt, newer, read-only
    ├── IllegalTransition     a turn cannot go from its state to the requested one
    ├── LeaseLost             the lease on the thread is over; nothing was changed
    ├── Stopping              the bot is about to end; the request must be repeated
    ├── MediaError            an upload that cannot be shown to Claude
    └── PlatformError         Discord or Slack did not do what was asked
        ├── Gone              the place or the message is gone; trying again is useless
        ├── Forbidden         the bot may not do this here; trying again is useless
        ├── Rejected          the call is not accepted as it is; repeating it is useless
        ├── RateLimited       too many calls; carries `retry_after_s`
        └── Unreachable       no answer, or a 5xx: the call may or may not have taken effect

`sentence` is for the person and never holds an exception's text, a token or a path of the server;
`detail` is for the log.
"""


class ParleyError(Exception):
    """The root. `sentence`: one sentence that a person can act on. `detail`: what the log adds to it."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.sentence} ({self.detail})" if self.detail else self.sentence


class ConfigError(ParleyError):
    """The settings cannot be used. `problems`: one sentence each, with the key and what to do."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StartupError(ParleyError):
    """A part cannot start; trying again without a change is useless."""


class StoreError(StartupError):
    """The database cannot be used; nothing in it was changed."""


class IllegalTransition(ParleyError):  # noqa: N818 - the tree's names say what happened
    """A turn cannot go from its state to the requested one; nothing was changed."""


class LeaseLost(ParleyError):  # noqa: N818
    """The caller's lease on the thread is over; it must leave the turn alone. Nothing was changed."""


class Stopping(ParleyError):  # noqa: N818 - the tree's names say what happened
    """The bot is about to end; whatever was requested must be repeated to the next process."""


class MediaError(ParleyError):
    """An upload that cannot be shown to Claude; the sentence names the file and the reason."""


class PlatformError(ParleyError):
    """Discord or Slack did not do what was asked."""


class Gone(PlatformError):  # noqa: N818 - the tree's names say what happened
    """The place or the message is no longer there."""


class Forbidden(PlatformError):  # noqa: N818
    """The bot may not do this here."""


class Rejected(PlatformError):  # noqa: N818
    """The call was not accepted as it is. It had no effect."""


class RateLimited(PlatformError):  # noqa: N818
    """Too many calls in one scope. `retry_after_s`: seconds until the next one is allowed."""

    def __init__(self, sentence: str, detail: str = "", *, retry_after_s: float) -> None:
        super().__init__(sentence, detail)
        self.retry_after_s = retry_after_s


class Unreachable(PlatformError):  # noqa: N818
    """No usable answer: the call may or may not have taken effect."""
