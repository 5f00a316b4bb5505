"""Every check there is, in order of speed: `python -m tests`. What CI runs; stops at the first that fails."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("lint-imports",),
    ("mypy",),
    # most tests wait for sockets, not for a core; a few are long, and should not begin last on one process
    ("python", "-m", "pytest", "-n", "6", "--dist", "worksteal", "--durations=5"),
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
