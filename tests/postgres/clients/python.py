"""A backend on psycopg that uses the contract's variables alone, and sets nothing for TLS."""

import os

import psycopg

with psycopg.connect(
    host=os.environ["DB_HOST"],
    port=os.environ["DB_PORT"],
    dbname=os.environ["DB_NAME"],
    user=os.environ["DB_USER"],
    password=os.environ["DB_PASSWORD"],
) as connection:
    connection.execute("SET ROLE NONE")
    row = connection.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    print(*(row or ()))  # noqa: T201 - its answer
