"""One JSON object a line on stdout, with the ids of request and trace wherever there is a request."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

import psycopg

from feastflow_api.telemetry import trace_id

SERVICE: Final = "feastflow-api"
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# Everything a bare record has; what a caller passed as `extra` is what remains.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON; `extra` fields become fields of the object."""

    def __init__(self, version: str) -> None:
        """Set the version that every line carries, so that a rollout can be told apart in the logs."""
        super().__init__()
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": SERVICE,
            "version": self._version,
            "logger": record.name,
            "message": record.getMessage(),
        }
        current = request_id.get()
        if current is not None:
            line["request_id"] = current
        trace = trace_id.get()
        if trace is not None:
            line["trace_id"] = trace
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            _, error, frames = record.exc_info
            told = [without_rows(error)] if error else []
            line["exception"] = "".join([*traceback.format_tb(frames), *told])
        return json.dumps(line, ensure_ascii=False, default=str)


def without_rows(error: BaseException) -> str:
    """Return an error's class and message; of a database's the code instead, for its message quotes rows."""
    name = type(error).__name__
    return f"{name}: {error.sqlstate}" if isinstance(error, psycopg.Error) else f"{name}: {error}"


def refuse(problems: Sequence[str], version: str) -> None:
    """Log one error line for each reason why the process cannot start; no settings are needed for that."""
    configure("info", version)
    for problem in problems:
        logging.getLogger("feastflow_api").error(problem)


def configure(level: str, version: str, stream: TextIO = sys.stdout) -> None:
    """Send every logger of the process through the JSON formatter."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(version))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn logs each start and stop step, and the pool each loan, at info: the API's own lines are enough.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
