"""`parley example-config`, `parley manifest`: print a file that comes with the package."""

import argparse
import sys
from importlib import resources


def run(options: argparse.Namespace) -> int:
    """Print the file `options.file` of `bot/files`."""
    sys.stdout.write(resources.files("bot").joinpath("files", options.file).read_text(encoding="utf-8"))
    sys.stdout.flush()
    return 0
