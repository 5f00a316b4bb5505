"""Every check there is, in order of speed: `python -m tests`. What CI runs; stops at the first that fails."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORKERS = 2 * CORES  # a test waits for sockets and other processes as long as it computes
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("lint-imports",),
    ("mypy",),
    # a few tests are long, and should not begin last on one process
    ("python", "-m", "pytest", "-n", str(WORKERS), "--dist", "worksteal", "--durations=5"),
)


def main() -> int:
    for check in CHECKS:
        print("$", *check, flush=True)
        start = time.monotonic()
        code = subprocess.run([str(BIN / check[0]), *check[1:]], cwd=ROOT, check=False).returncode
        print(f"  {time.monotonic() - start:.1f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
