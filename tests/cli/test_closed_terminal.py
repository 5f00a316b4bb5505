"""What is logged to a terminal that is no longer there."""

import subprocess
import sys

PROGRAM = """
import sys
import structlog
from bot.cli.logs import set_up_logs
set_up_logs("info", "console")
sys.stdin.readline()
structlog.get_logger().info("running turns end")
print("still there")
"""


def test_a_terminal_that_is_closed_stops_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        process.stderr.close()
        said, _ = process.communicate(b"go on\n", timeout=60)
    assert said == b"still there\n"
