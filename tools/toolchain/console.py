"""Steps as the user sees them: what is being done, how far it is, how long it took."""

from __future__ import annotations

import errno
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

if TYPE_CHECKING:
    from typing import Self  # an older Python must come as far as the message that says so

# Without a terminal nothing can be rewritten in place; a line every so often says that work goes on.
_QUIET_INTERVAL = 20.0
_TERMINAL_INTERVAL = 0.25
_WIDTH = 100
_LABEL = 13
_TENTHS_BELOW = 10
_MINUTE = 60
# What the machine refuses is not a defect of this program.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def elapsed(seconds: float) -> str:
    """Return a duration for people to read: 0.4 s, 12 s, 3 min 05 s."""
    if round(seconds, 1) < _TENTHS_BELOW:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Step:
    """A step under way. `note` replaces what is shown of its progress; `result` is its last line."""

    def __init__(self, label: str, doing: str) -> None:
        """Name the step in one word and say what it is doing."""
        self._label = label
        self._doing = doing
        self._note = ""
        self._result: str | None = None
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    @property
    def noted(self) -> str:
        """Return how far the step is, as it was said last."""
        return self._note

    def note(self, text: str) -> None:
        """Say how far the step is."""
        self._note = text

    def tell(self, text: str) -> None:
        """Print lines that stay, while the step goes on."""
        sys.stdout.write(("\r\x1b[K" if sys.stdout.isatty() else "") + f"{text}\n")
        sys.stdout.flush()

    def result(self, text: str) -> None:
        """Say what came of the step."""
        self._result = text

    def __enter__(self) -> Self:
        """Start the clock, and the line that shows it."""
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Replace the running line by the final one."""
        self._ended.set()
        self._ticker.join()
        mark, text = (
            ("ok", self._result or self._doing) if kind is None else ("--", f"{self._doing}: not done")
        )
        self._print(mark, text, final=True)

    def _tick(self) -> None:
        interval = _TERMINAL_INTERVAL if sys.stdout.isatty() else _QUIET_INTERVAL
        while not self._ended.wait(interval):
            self._print("..", f"{self._doing}{': ' if self._note else ''}{self._note}", final=False)

    def _print(self, mark: str, text: str, *, final: bool) -> None:
        spent = elapsed(time.monotonic() - self._started)
        # A line that the terminal wraps could not be rewritten in place.
        room = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 0)).columns) - _LABEL - len(spent) - 6
        text = " ".join(text.split())
        shown = text if len(text) <= room else text[: max(0, room - 3)] + "..."
        line = f"{mark} {self._label:<{_LABEL}}{shown}{' ' * (room - len(shown))} {spent}"
        if sys.stdout.isatty():
            sys.stdout.write(f"\r\x1b[K{line}" + ("\n" if final else ""))
        else:
            sys.stdout.write(line.rstrip() + "\n")
        sys.stdout.flush()


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(command: Callable[[], int | None]) -> None:
    """Run a command's body and exit: with what it returns, 1 for a user's error, 130 when interrupted."""
    # What other threads have running is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        code = command()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: nothing is lost; the same command goes on from here\n")
        sys.exit(130)
    except UserError as error:
        _fail(error)
    except CommandError as failure:
        fix = "run it again: finished work stays; then look at what it names"
        _fail(UserError(str(failure), "it was expected to succeed", fix))
    except OSError as failure:
        if failure.errno not in _OF_THE_MACHINE:
            raise
        found = f"{failure.filename or 'a file'}: {failure.strerror}"
        fix = "free some room or fix the permissions, and run it again: finished work stays"
        _fail(UserError(found, "it must be written or read to go on", fix))
    sys.exit(code or 0)


def _fail(error: UserError) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(f"\n{error}\n")
    sys.exit(1)
