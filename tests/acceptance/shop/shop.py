"""A small shop that fulfils the contract by configuration alone, with names and ports of its own.

`page` serves the site, `serve` the API, `migrate` makes the table and cannot do it twice. It leaves SIGTERM
as it finds it: as process 1 it would never die of it.
"""

import json
import os
import ssl
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import psycopg


def _visits() -> int:
    with psycopg.connect(os.environ["SHOP_DATABASE"]) as connection:
        connection.execute("INSERT INTO visits DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM visits").fetchone()
    return int(row[0]) if row else 0


def _manners() -> dict[str, object]:
    """Return what the pod gave this process: ids, files, egress, authorities and environment."""
    note = Path(os.environ["SHOP_CACHE"]) / "note"
    note.write_text("kept", encoding="utf-8")
    outside = urllib.request.urlopen(os.environ["SHOP_PARTNER"], timeout=5)  # noqa: S310 - set by the test
    return {
        "ids": [os.getuid(), os.getgid(), os.getpid() != 1],
        "note": note.read_text(encoding="utf-8"),
        "partner": outside.status,
        "authorities": ssl.create_default_context().cert_store_stats()["x509_ca"],
        "renamed": "JWT_SECRET" not in os.environ and len(os.environ["SHOP_KEY"]) > 20,
    }


def _work() -> str:
    ended = time.process_time() + 0.05
    while time.process_time() < ended:
        pass
    return "done"


_ANSWERS = {
    "/": lambda: f"<title>{os.environ.get('SHOP_TITLE', 'Shop')}</title>",
    "/live": lambda: "alive",
    "/ready": lambda: "ready",
    "/api/visits": _visits,
    "/api/manners": _manners,
    "/api/work": _work,
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = _ANSWERS.get(urlsplit(self.path).path)
        body = json.dumps(answer()).encode() if answer else b""
        self.send_response(200 if answer else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(task: str) -> None:
    """Do one of the three."""
    if task == "migrate":
        with psycopg.connect(os.environ["SHOP_DATABASE"]) as connection:
            connection.execute("CREATE TABLE visits (id serial PRIMARY KEY)")
        return
    port = int(os.environ["SHOP_PORT" if task == "serve" else "PORT"])
    ThreadingHTTPServer(("", port), _Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
