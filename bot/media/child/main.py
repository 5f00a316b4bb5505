"""A separate process that reads one file of a stranger, run as `python main.py TASK ORDER` by `worker.run`.

Decoders are where hostile files do harm. Here they can do little: this process has limits on its memory and CPU time,
can open no file and no connection once it has begun, has no privileges, cannot read the bot's memory, knows no token,
and ends after one file. It is run by its path and imports nothing of the bot, so that it starts in 40 ms. The file is
read from standard input; one line of JSON and the bytes that belong to it are written to standard output.

TASK is the path of a module with `work(data, order) -> (result, bytes)` and `prepare(order)`, which loads all that
`work` needs, because nothing can be loaded later. ORDER is JSON.
"""

import codecs
import json
import logging
import resource
import runpy
import signal
import sys
from pathlib import Path

_ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le")
"""The encodings of texts within files; Python loads each one on first use."""


def main() -> None:
    """Read, work, write."""
    order = json.loads(sys.argv[2])
    limit(order["memory_bytes"], order["cpu_s"])
    logging.disable()  # oddities of a stranger's file are not worth a log line
    try:
        guard = runpy.run_path(str(Path(__file__).with_name("guard.py")))
        task = runpy.run_path(sys.argv[1])
        task["prepare"](order)
        for encoding in _ENCODINGS:
            codecs.lookup(encoding)
        guard["give_up_privileges"]()
        data = sys.stdin.buffer.read()
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        result, body = task["work"](data, order)
    except MemoryError:
        result, body = {"error": "memory"}, b""
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises for a broken file
        result, body = {"error": "damaged", "detail": f"{type(error).__name__}: {error}"[:200]}, b""
    sys.stdout.buffer.write(json.dumps(result).encode() + b"\n" + body)


def limit(memory_bytes: int, cpu_s: float) -> None:
    """Limit this process for good: SIGPROF ends it in time; failing that, SIGXCPU within two seconds.

    This is CPU time, not wall time: a busy machine does not count against a file.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    seconds = int(cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":  # other systems do not enforce it, or refuse to set it
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main()
