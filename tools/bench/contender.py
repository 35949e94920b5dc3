"""The interface of everything that is measured: one class for each tool."""

from pathlib import Path
from typing import Protocol

from tools.bench.place import Place


class Contender(Protocol):
    """A tool that installs the same objects. Each call returns when the tool says that it is done.

    `folder` is its own for one run; what is written there before `install` is not measured.
    """

    @property
    def name(self) -> str:
        """Return the name by which it is chosen, and after which its namespace is named."""

    @property
    def what(self) -> str:
        """Return the command, as the table names it."""

    def prepare(self, place: Place, folder: Path) -> None:
        """Have everything ready that the user has before typing the command."""

    def install(self, place: Place, folder: Path) -> None:
        """Install everything into an empty namespace."""

    def again(self, place: Place, folder: Path) -> None:
        """Deploy the same with nothing changed."""

    def preview(self, place: Place, folder: Path) -> None:
        """Show what would change; nothing does."""

    def change(self, place: Place, folder: Path) -> None:
        """Have the one value changed, and wait as the tool waits."""
