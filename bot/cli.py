"""The commands, their exit codes and what they print.

0: ended as asked. 1: could not start or go on (a refused token, a database in use). 2: wrong usage or settings.
One line on standard error says why.
"""

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Sequence

import structlog

from bot import app, config, tryout
from bot.errors import ConfigError, ParleyError

DESCRIPTION = "A Claude bot for Discord and Slack: mention it, it answers in the thread."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except ConfigError as error:
        print(f"parley: {error.sentence}", file=sys.stderr)
        return 2
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parley", description=DESCRIPTION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="connect to Discord, Slack or both, whichever have tokens")
    run.add_argument("config", nargs="?", help="the settings file (default: config.toml, if there is one)")
    run.set_defaults(command=_run)
    trial = commands.add_parser("try", help="try the bot in this terminal, with no token and no key")
    trial.add_argument("--demo", action="store_true", help="play a short scene and check every answer")
    trial.set_defaults(command=_try)
    return parser


def _run(options: argparse.Namespace) -> int:
    settings, secrets = config.load(options.config)
    set_up_logs(settings.log.level, settings.log.format)
    asyncio.run(_serve(settings, secrets))
    return 0


async def _serve(settings: config.Settings, secrets: config.Secrets) -> None:
    stop = asyncio.Event()
    with app.stopped_by_signals(stop.set):
        # What is loaded by then stays for good, 220,000 objects: looking through them each minute, as the collector of
        # garbage would under load, holds up every answer for 150 ms.
        await app.serve(settings, secrets, stop, built=gc.freeze)


def _try(options: argparse.Namespace) -> int:
    set_up_logs("error", "console")
    demo = options.demo or not sys.stdin.isatty()
    key = config.read_secrets().anthropic_api_key
    return asyncio.run(tryout.play() if demo else tryout.chat(key))


def set_up_logs(level: str, form: str) -> None:
    """Log events as keys and values to standard error, the libraries' from warnings on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns that voice, which we do not use, is missing
    # A plain trace: where rich is installed, structlog would print variables, and with them messages and secrets.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    last = structlog.processors.JSONRenderer() if form == "json" else console
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
