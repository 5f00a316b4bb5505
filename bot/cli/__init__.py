"""The commands, their exit codes and what they print. One file a command, imported when it runs.

0: ended as requested. 1: could not start or go on (a refused token, a database in use). 2: wrong usage or settings. For
each problem, one line on standard error says what is wrong and what to do.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from bot.cli.version import version
from bot.errors import ConfigError, ParleyError

DESCRIPTION = "A Claude bot for Discord and Slack: mention it, it answers in the thread."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit code."""
    options = _parser().parse_args(arguments)
    command = importlib.import_module(f"bot.cli.{options.command}")
    try:
        code: int = command.run(options)
    except ConfigError as error:
        for problem in error.problems:
            print(f"parley: {problem}", file=sys.stderr)
        return 2
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the output has seen enough
        sys.stderr.close()
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parley", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"parley {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="connect to Discord, Slack or both, whichever have tokens")
    run.add_argument("config", nargs="?", help="the settings file (default: config.toml, if there is one)")
    run.set_defaults(command="run")
    trial = commands.add_parser("try", help="try the bot in this terminal, with no token and no key")
    trial.add_argument("--demo", action="store_true", help="play a short scene and check every answer")
    trial.set_defaults(command="try_")
    example = commands.add_parser("example-config", help="print a settings file that explains every key")
    example.set_defaults(command="show", file="config.example.toml")
    manifest = commands.add_parser("manifest", help="print the manifest to make the Slack app from")
    manifest.set_defaults(command="show", file="slack-manifest.yaml")
    return parser
