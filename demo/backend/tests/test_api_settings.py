"""The environment is checked at the start: everything wrong is told at once, with a remedy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
from api_under_test import BACKEND, SECRET
from feastflow_api.settings import SettingsError, load_migration_settings, load_settings

GOOD = {
    "DB_HOST": "postgres",
    "DB_NAME": "feastflow",
    "DB_USER": "feast",
    "DB_PASSWORD": "hidden-password",
    "JWT_SECRET": SECRET,
}


def problems(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings({**GOOD, **changes})
    return refused.value.problems


def test_defaults_are_the_contracts() -> None:
    settings = load_settings(GOOD)
    assert (settings.port, settings.database.port, settings.keep_alive_seconds) == (5000, 5432, 75.0)
    assert settings.jwt_expire_seconds == 7 * 86400
    assert settings.frontend_origin is None


def test_secrets_do_not_show_in_the_settings_text() -> None:
    text = repr(load_settings(GOOD))
    assert "hidden-password" not in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("PORT", "0", "from 1 to 65535"),
        ("DB_PORT", "tcp://10.0.0.7:5432", "enableServiceLinks: false"),
        ("DB_HOST", "", "found an empty value"),
        ("JWT_SECRET", "short", "openssl rand"),
        ("JWT_EXPIRE", "soon", "set for example 7d"),
        ("FRONTEND_URL", "https://example.org/page", "without a path"),
        ("FRONTEND_URL", "https://example.org:port", "without a path"),
        ("NODE_ENV", "live", "production, development, test"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("KEEP_ALIVE_TIMEOUT", "75", "milliseconds"),
        ("BIND_ADDRESS", "localhost", "set an IP address"),
        ("DRAIN_SECONDS", "4", "from 5 to 600"),
        ("DRAIN_NOTICE_SECONDS", "16", "set at most 15"),
    ],
)
def test_an_unusable_value_is_named_with_a_remedy(name: str, value: str, part: str) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name}: found")
    assert part in problem
    assert SECRET not in problem


def test_a_short_secret_is_not_repeated_in_the_message() -> None:
    assert "short-secret" not in problems(JWT_SECRET="short-secret")[0]


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Feast.example/", "https://feast.example"),
        ("http://feast.example:80", "http://feast.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_the_frontends_url_is_reduced_to_an_origin_as_browsers_write_it(given: str, origin: str) -> None:
    assert load_settings({**GOOD, "FRONTEND_URL": given}).frontend_origin == origin


def test_a_migration_needs_no_token_secret() -> None:
    environment = {name: value for name, value in GOOD.items() if name != "JWT_SECRET"}
    assert load_migration_settings(environment).wait_seconds == 120


def start(module: str, **environment: str) -> tuple[int, list[dict[str, str]]]:
    done = subprocess.run(  # noqa: S603 - this project's own programs
        [sys.executable, "-m", module],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(BACKEND),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("module", ["feastflow_api", "feastflow_api.migrate"])
def test_a_start_without_settings_ends_with_2_and_a_line_for_each(module: str) -> None:
    code, lines = start(module)
    named = {line["message"].partition(":")[0] for line in lines}
    assert code == 2
    assert named >= {"DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD"}
    assert all(line["level"] == "error" and line["service"] == "feastflow-api" for line in lines)


def test_a_port_in_use_ends_with_2_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, lines = start("feastflow_api", **GOOD, PORT=port, BIND_ADDRESS="127.0.0.1")
    assert code == 2
    (line,) = lines
    assert f"port {port}: Address already in use" in line["message"]
