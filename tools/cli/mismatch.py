"""Reasons against an adoption, and the commands and settings that lead out of them."""

import shlex
from dataclasses import dataclass
from typing import NamedTuple

SUPERUSER = "postgres"


class Mismatch(NamedTuple):
    """A reason against an adoption: what was found, why it matters, and what to do about it."""

    found: str
    why: str
    next: str


@dataclass(frozen=True, kw_only=True)
class Ways:
    """Words for ways out: the beginning of a kubectl command in the namespace, and the stack's file."""

    kubectl: str
    file: str

    def set(self, key: str, value: object) -> str:
        """Return how a setting is changed."""
        return f"set feastflow:{key} to {value} in {self.file}, and make adopt"

    def inside(self, pod: str, container: str, command: str) -> str:
        """Return how a command is run in a container."""
        return f"{self.kubectl} exec {pod} --container {container} -- {command}"

    def move(self, pod: str, container: str, database: str) -> str:
        """Return how the data leaves a server that cannot be adopted."""
        # A name is what the server says, and the line is made to be typed.
        name, file = shlex.quote(database), shlex.quote(f"{database}.sql")
        flags = f"--username={SUPERUSER} --no-owner --no-privileges --dbname={name}"
        return (
            f"move the data: {self.inside(pod, container, f'pg_dump {flags}')} > {file}\n"
            "into a stack of its own: docs/operations.md, An existing FeastFlow"
        )
