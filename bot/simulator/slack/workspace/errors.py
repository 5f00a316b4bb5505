"""How a simulated Web API method says no."""

from typing import Any


class SlackError(Exception):
    """The call is answered `{"ok": false, "error": error, **more}`, with HTTP status 200 as Slack does."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more
