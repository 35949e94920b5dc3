"""Running other programs: their output kept for the message, not for the screen."""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.toolchain.aside import Aside

TIMED_OUT = 124

_TAIL_LINES = 25
# Long enough for pulumi to record what it was doing, short enough for the user who pressed Ctrl-C.
_GRACE_SECONDS = 10.0
_ASKED_SECONDS = 1.0
_INTERRUPTED_SECONDS = 30.0
_streaming: set[subprocess.Popen[bytes]] = set()
_ending = threading.Event()


class CommandError(Exception):
    """A program that ended with a failure; `tail` holds the last lines it printed."""

    def __init__(self, command: Sequence[str], code: int, tail: str) -> None:
        """Keep the command, its exit code (124 for a time-out) and its last lines."""
        super().__init__(f"{shlex.join(command)} ended with {code}\n{tail}")
        self.command = list(command)
        self.code = code
        self.tail = tail


def last_words(failure: Exception) -> str:
    """Return the last line that a failure tells: of a program, the last that it printed."""
    text = failure.tail if isinstance(failure, CommandError) else str(failure)
    return (text.strip().splitlines() or [""])[-1]


@dataclass(frozen=True)  # not kw_only: an older Python must come as far as the message that says so
class Ended:
    """A program that has ended: its exit code and both outputs."""

    code: int
    out: str
    err: str


def output(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 120,
    umask: int = -1,
) -> str:
    """Return what the program prints on standard output; `umask` is its own, by default this process's.

    Raises:
        CommandError: when it fails, or takes longer than `timeout` seconds.
        FileNotFoundError: when there is no such program.
    """
    done = ended(command, env=env, cwd=cwd, stdin=stdin, timeout=timeout, umask=umask)
    if done.code:
        raise CommandError(command, done.code, _last(done.err or done.out))
    return done.out


def ended(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 120,
    umask: int = -1,
) -> Ended:
    """Run the program to its end, whatever that is; see `output`.

    Raises:
        CommandError: when it takes longer than `timeout` seconds.
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
            umask=umask,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandError(command, TIMED_OUT, f"no answer within {timeout:.0f} s") from late
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


def answers(command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 15) -> bool:
    """Return whether the program exists and succeeds within `timeout` seconds."""
    try:
        output(command, env=env, timeout=timeout)
    except (CommandError, OSError):
        return False
    return True


def stream(  # noqa: PLR0913 - what surrounds a program
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    each: Callable[[str], None] | None = None,
    timeout: float = 3600,
    umask: int = -1,
    stop: Callable[[], bool] | None = None,
    aside: Aside | None = None,
) -> None:
    """Run a long program, giving `each` line (standard error included) as it comes and keeping all in `log`.

    `umask` is the program's own, by default this process's. `stop` is asked every second: once it says so,
    the program is interrupted as by Ctrl-C, and has some seconds to end by itself. `aside` is read meanwhile.

    Raises:
        CommandError: when it fails, or takes longer than `timeout` seconds.
    """
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    ends = time.monotonic() + timeout
    if _ending.is_set():
        raise CommandError(command, TIMED_OUT, "this command ends, and begins nothing any more")
    with contextlib.ExitStack() as opened:
        if aside:
            opened.callback(aside.close)
        sink = opened.enter_context(log.open("a", encoding="utf-8")) if log else None
        process = _start(command, _environment(env), cwd, umask, aside)
        try:
            assert process.stdout is not None  # noqa: S101 - PIPE was asked for
            opened.enter_context(process.stdout)
            for line in _lines(process.stdout, _Ending(process, ends, stop), aside):
                tail.append(line)
                if sink:
                    sink.write(f"{line}\n")
                if each:
                    each(line)
            code = process.wait(timeout=max(0.0, ends - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired) as late:
            _end(process, aside)
            tail.append(f"no end within {timeout:.0f} s")
            raise CommandError(command, TIMED_OUT, "\n".join(tail)) from late
        except BaseException:
            _end(process, aside)
            raise
        if aside:
            aside.read()
        _streaming.discard(process)
    if code:
        raise CommandError(command, code, "\n".join(tail))


def _start(
    command: Sequence[str], env: Mapping[str, str] | None, cwd: Path | None, umask: int, aside: Aside | None
) -> subprocess.Popen[bytes]:
    """Start a program that is ended with this process, whenever the signal to do so comes."""
    with _undisturbed(), contextlib.ExitStack() as begun:
        if aside:
            begun.callback(aside.begun)
        process = subprocess.Popen(
            list(command),
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            umask=umask,
            pass_fds=(aside.writing,) if aside else (),
        )
        _streaming.add(process)
    return process


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a signal wait for the end of the block: a program must not run before it is known that it does.

    Handlers run in the main thread; other threads are not disturbed anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # What is ignored stays so, for the program too.
    heard = {number: handler for number, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    for number in heard:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


class _Ending:
    """The moment by which a program must end: its time, or soon after `stop` says that it is of no use."""

    def __init__(
        self, process: subprocess.Popen[bytes], ends: float, stop: Callable[[], bool] | None
    ) -> None:
        self._process, self._ends, self._stop = process, ends, stop

    def seconds(self) -> float:
        """Return the seconds that are left, after interrupting the program where it is to stop."""
        if self._stop is not None and self._stop():
            self._stop = None
            self._process.send_signal(signal.SIGINT)
            self._ends = min(self._ends, time.monotonic() + _INTERRUPTED_SECONDS)
        return self._ends - time.monotonic()

    def interval(self, seconds: float) -> float:
        """Return for how long nothing need be looked at."""
        return seconds if self._stop is None else min(seconds, _ASKED_SECONDS)


def _lines(pipe: IO[bytes], ending: _Ending, aside: Aside | None) -> Iterator[str]:
    """Yield lines as they come, until the time ends even where a grandchild keeps the pipe open."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        if aside:
            selector.register(aside, selectors.EVENT_READ)
        while (seconds := ending.seconds()) > 0:
            ready = {each.fileobj for each, _ in selector.select(ending.interval(seconds))}
            if aside in ready and aside and not aside.read():
                selector.unregister(aside)
            if pipe not in ready:
                continue
            chunk = os.read(pipe.fileno(), 65536)
            *whole, rest = (rest + chunk).split(b"\n")
            if not chunk and rest:
                whole.append(rest)
            for line in whole:
                yield line.decode("utf-8", "replace").rstrip()
            if not chunk:
                return
    raise TimeoutError


def _end(process: subprocess.Popen[bytes], aside: Aside | None = None) -> None:
    if aside:
        aside.close()
    process.terminate()
    try:
        process.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _streaming.discard(process)


@atexit.register
def _end_all() -> None:
    """End what other threads have running: those end with this process, which must leave nothing behind."""
    _ending.set()
    while left := list(_streaming):
        for process in left:
            process.terminate()
        for process in left:
            _end(process)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if extra is None else {**os.environ, **extra}


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])
