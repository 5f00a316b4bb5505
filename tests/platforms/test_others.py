"""What is said of other processes on the same token."""

import structlog

from bot.platforms.kernel.others import Others

ANOTHER = "another_process_answers"


async def knows(idempotency_key: str) -> bool:
    return idempotency_key.startswith("ours")


async def test_what_is_ours_says_nothing_and_what_is_not_is_said_at_once_and_then_once_an_hour() -> None:
    others, eager = Others("discord", knows), Others("slack", knows, every_s=0.0)
    with structlog.testing.capture_logs() as lines:
        await others.posted("ours.0")
        assert lines == []
        for _ in range(3):
            await others.posted("theirs.0")
            others.seen("it holds connections of the app")
        assert [(line["event"], line["log_level"], line["platform"]) for line in lines] == [
            (ANOTHER, "warning", "discord")
        ]
        for _ in range(3):
            await eager.posted("theirs.0")
    assert len(lines) == 4
