"""`python -m feastflow_api.purge`: delete the orders that are older than ORDERS_KEPT_DAYS, a few at a time.

It may be ended at any time and run again: each batch is a transaction of its own. Two at once take different
orders.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from typing import Final

import psycopg

from feastflow_api import logs
from feastflow_api.connections import connection_arguments
from feastflow_api.database import reason_of
from feastflow_api.migrate import FAILED, UNUSABLE
from feastflow_api.settings import PurgeSettings, SettingsError, load_purge_settings

log = logging.getLogger(__name__)

# So few that the locks of a batch are held for milliseconds.
BATCH: Final = 500


def purge(settings: PurgeSettings) -> int:
    """Delete what is too old; return how many orders that were. Raises psycopg.Error when that cannot be."""
    deleted = 0
    with psycopg.connect(
        **connection_arguments(settings.database, "feastflow-purge"), autocommit=True
    ) as connection:
        while True:
            count = connection.execute(
                "DELETE FROM orders WHERE id IN ("
                "SELECT id FROM orders WHERE created_at < now() - make_interval(days => %s)"
                " ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)",
                (settings.kept_days, BATCH),
            ).rowcount
            deleted += count
            if count < BATCH:
                return deleted


def main(environ: Mapping[str, str]) -> int:
    """Return the exit code: 0 when nothing too old is left, 1 when it is, 2 for unusable settings."""
    try:
        settings = load_purge_settings(environ)
    except SettingsError as error:
        logs.refuse(error.problems, environ.get("APP_VERSION", ""))
        return UNUSABLE
    logs.configure(settings.log_level, settings.version)
    try:
        count = purge(settings)
    except psycopg.Error as error:
        log.error("old orders were not deleted: %s", reason_of(error))  # noqa: TRY400 - the reason is enough
        return FAILED
    log.info("old orders deleted", extra={"deleted": count, "older_than_days": settings.kept_days})
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(os.environ))
