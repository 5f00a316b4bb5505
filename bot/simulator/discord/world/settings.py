"""What can be set in a simulated Discord, by whoever runs it, at any time."""

from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """How this Discord behaves; at first as the real one does. Each field may be changed while a bot runs.

    `heartbeat_s`: how often whoever connects from now on is asked to beat. `most_active_threads`: of a guild; one more
    is refused with 160006 (Discord docs, topics/opcodes-and-status-codes). `link_lifetime_s`: for how long an
    attachment's address is good; a message that is fetched again has fresh ones.

    `clock_ahead_s`: by how much Discord's clock is ahead of this machine's. By it go ids, timestamps, the `Date` of
    answers, the five minutes of a nonce and the fifteen of an interaction. Below 0, what people write lies in the past,
    and stands before what is newer.
    """

    heartbeat_s: float = 41.25
    most_active_threads: int = 1000
    link_lifetime_s: float = 86_400.0
    clock_ahead_s: float = 0.0
