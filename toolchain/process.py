"""Running other programs: their output kept for the message, not for the screen."""

import os
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_TAIL_LINES = 25


class CommandError(Exception):
    """A program that ended with a failure; `tail` holds the last lines it printed."""

    def __init__(self, command: Sequence[str], code: int, tail: str) -> None:
        """Keep the command, its exit code (124 for a time-out) and its last lines."""
        super().__init__(f"{shlex.join(command)} ended with {code}\n{tail}")
        self.command = list(command)
        self.code = code
        self.tail = tail


def output(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 120,
) -> str:
    """What the program prints on standard output.

    Raises:
        CommandError: when it fails, or takes longer than `timeout` seconds.
        FileNotFoundError: when there is no such program.
    """
    try:
        done = subprocess.run(
            list(command),
            env=_environment(env),
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandError(command, 124, f"no answer within {timeout:.0f} s") from late
    if done.returncode:
        raise CommandError(command, done.returncode, _last(done.stderr or done.stdout))
    return done.stdout


def answers(command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 15) -> bool:
    """Whether the program exists and succeeds within `timeout` seconds."""
    try:
        output(command, env=env, timeout=timeout)
    except (CommandError, OSError):
        return False
    return True


def stream(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    each: Callable[[str], None] | None = None,
    timeout: float = 3600,
) -> None:
    """Run a long program, giving `each` line (standard error included) as it comes and keeping all in `log`.

    Raises:
        CommandError: when it fails, or takes longer than `timeout` seconds.
    """
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    sink = log.open("a", encoding="utf-8") if log else None
    process = subprocess.Popen(
        list(command),
        env=_environment(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    clock = threading.Timer(timeout, process.kill)
    clock.start()
    try:
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        for line in process.stdout:
            tail.append(line.rstrip())
            if sink:
                sink.write(line)
            if each:
                each(line.rstrip())
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        clock.cancel()
        if sink:
            sink.close()
    if code:
        raise CommandError(command, code, "\n".join(tail))


def _environment(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if extra is None else {**os.environ, **extra}


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
