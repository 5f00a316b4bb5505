"""`parley run`: connect, and answer until a signal."""

import argparse
import asyncio
import gc
import platform
from pathlib import Path

import structlog

from bot import app, config
from bot.cli.logs import set_up_logs
from bot.cli.version import version
from bot.errors import ParleyError

log = structlog.get_logger()


def run(options: argparse.Namespace) -> int:
    """Serve until a signal. Raise `ParleyError` if the bot cannot start or go on."""
    settings, secrets = config.load(options.config)
    set_up_logs(settings.log.level, settings.log.format)
    _introduce(settings, config.file_of(options.config))
    try:
        asyncio.run(_serve(settings, secrets))
    except ParleyError as error:
        if settings.log.format != "json":
            raise
        log.error("parley_ended", reason=error.sentence, detail=error.detail)  # noqa: TRY400 - it has been said whole
        return 1
    return 0


def _introduce(settings: config.Settings, file: Path | None) -> None:
    """Log what is about to run, so that the log names the version and where the data is kept."""
    log.info(
        "starting",
        version=version(),
        python=platform.python_version(),
        config=str(file.resolve()) if file else "none: the defaults",
        database=str(Path(settings.store.path).resolve()),
        model=settings.claude.model,
    )


async def _serve(settings: config.Settings, secrets: config.Secrets) -> None:
    stop = asyncio.Event()
    with app.stopped_by_signals(stop.set):
        # The 220,000 objects that are loaded by now stay for good. The garbage collector would scan them each minute
        # under load, which holds up every answer for 150 ms.
        await app.serve(settings, secrets, stop, built=gc.freeze)
