"""A component as pinned here, and where a newer one of it is asked for."""

from dataclasses import dataclass
from typing import Literal

Registry = Literal["go", "npm", "pypi", "debian", "maven"]


@dataclass(frozen=True, kw_only=True)
class Component:
    """A pinned version of something that others maintain.

    `key` names its part of support.toml, `place` the file that pins it. `registry` is asked for the newest
    `package`. Of Debian's packages a line is pinned, and the newest is what an image gets.
    """

    key: str
    name: str
    pinned: str
    place: str
    registry: Registry
    package: str

    @property
    def asked(self) -> str:
        """The question to the registry, as the data has it."""
        return f"{self.registry} {self.package}"
