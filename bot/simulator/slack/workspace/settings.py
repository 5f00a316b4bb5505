"""What can be set in a simulated Slack, by whoever runs it, at any time."""

from dataclasses import dataclass

ACKNOWLEDGE_WITHIN_S = 3.0
"""How long an app may take to acknowledge an event or a press (Slack docs, apis/events-api)."""


@dataclass(slots=True)
class Settings:
    """How this Slack behaves; at first as the real one does. Each field may be changed while the app runs.

    Events. `redeliver_after_s`: an event that was not acknowledged for this long is sent again; the retries' gaps (at
    once, 1 minute, 5 minutes) are scaled with it: 0.03 makes them 0, 0.6 and 3 seconds. `keeps_events`: an event that
    finds no connection waits for the next one to open. That is kinder than Slack: False has it retried three times as
    any other, and then lost. `ping_every_s`: how often each connection is pinged; Slack's own pace is not documented,
    and its Node SDK gives a connection up after 30 s without a ping.

    Presses. `interactivity`: as in the app's settings; without it each press is a warning sign.
    `acknowledge_press_within_s`: how long until people see a warning sign.

    Messages. `stream_lasts_s`: how long after its start a stream takes text. `status_lasts_s`: how long a thread's
    status is shown. `share_after_s`: how long after `files.completeUploadExternal` the files appear in the channel;
    Slack does not say. `stub_files`: files arrive as another organisation's do: without an address, to be asked for by
    `files.info`. `slow_history`: `conversations.history` and `.replies` give 15 objects once a minute, as to apps that
    are sold.

    `clock_ahead_s`: by how much Slack's clock is ahead of this machine's; each `ts` and the `Date` of answers go by it.
    A `ts` is never less than the one before: set the clock back before anything is written.
    """

    redeliver_after_s: float = ACKNOWLEDGE_WITHIN_S
    keeps_events: bool = True
    ping_every_s: float = 10.0
    interactivity: bool = True
    acknowledge_press_within_s: float = ACKNOWLEDGE_WITHIN_S
    stream_lasts_s: float = 300.0
    status_lasts_s: float = 120.0
    share_after_s: float = 0.0
    stub_files: bool = False
    slow_history: bool = False
    clock_ahead_s: float = 0.0
