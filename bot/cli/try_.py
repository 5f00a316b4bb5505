"""`parley try`: the bot between simulators, in this terminal."""

import argparse
import asyncio
import sys

from bot import tryout
from bot.cli.logs import set_up_logs
from bot.config import read_secrets


def run(options: argparse.Namespace) -> int:
    """Open the window; without a terminal, or with `--demo`, play the scene."""
    set_up_logs("error", "console")
    demo = options.demo or not sys.stdin.isatty()
    key = read_secrets().anthropic_api_key
    return asyncio.run(tryout.play() if demo else tryout.chat(key))
