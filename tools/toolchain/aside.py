"""A pipe from a program besides its output: for what it says to this process alone."""

from __future__ import annotations

import os
from collections.abc import Callable


class Aside:
    """A pipe from a program, which is told its `path`; `each` line of it is given as it comes.

    What is written there reaches no disk and never blocks: without a reader the program goes on.
    """

    def __init__(self, each: Callable[[str], None]) -> None:
        """Open it; `stream` closes it."""
        self.each = each
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._rest = b""

    @property
    def path(self) -> str:
        """The path that the program opens."""
        return f"/dev/fd/{self.writing}"

    def fileno(self) -> int:
        """Return the end that is read, for a selector."""
        return self._reading

    def begun(self) -> None:
        """Leave the writing end to the program."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    def read(self) -> bool:
        """Give what has come; returns whether more may come."""
        try:
            while chunk := os.read(self._reading, 65536):
                *whole, self._rest = (self._rest + chunk).split(b"\n")
                for line in whole:
                    self.each(line.decode("utf-8", "replace"))
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        """Read no more: a program that is ending must not wait for a reader."""
        self.begun()
        if self._reading >= 0:
            os.close(self._reading)
            self._reading = -1
