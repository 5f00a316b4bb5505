"""The log: events as keys and values on standard error, ours and the libraries' in one form."""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TextIO, cast

import structlog
from structlog.typing import Processor

_BEFORE: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
)


def set_up_logs(level: str, form: str) -> None:
    """Log our events from a level on, those of libraries from warnings on, and uncaught exceptions.

    Afterwards, with `form` "json", every line is JSON: libraries' logs, warnings, an error that ends the process.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    last = _last(form)
    structlog.configure(
        processors=[*_BEFORE, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Lasting(sys.stderr))),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_BEFORE, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # it warns that voice, which we do not use, is missing
    if form == "json":
        sys.excepthook = _logged(structlog.get_logger())


class _Lasting:
    """A stream that ignores its own end: when the terminal is closed, the bot still lets running answers finish."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def has_colours(stream: TextIO, environment: dict[str, str] | os._Environ[str] = os.environ) -> bool:
    """Return whether to use colours: the stream is a terminal, and NO_COLOR is not set (no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _last(form: str) -> list[Processor]:
    """Return the processors that write an event."""
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # A plain trace: where rich is installed, structlog would print variables, and with them messages and secrets.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=has_colours(sys.stderr), exception_formatter=plain)]


def _logged(
    log: structlog.typing.FilteringBoundLogger,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("process_ended_by_an_error", exc_info=(kind, error, trace))

    return hook
