"""A judge's finding, in one form for all judges."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One rule that one object breaks; `container` is empty where the rule is about more than one."""

    judge: str
    check: str
    resource: str
    container: str = ""
    message: str

    def __str__(self) -> str:
        place = f"{self.resource}, container {self.container}" if self.container else self.resource
        return f"{self.judge} {self.check}: {place}: {self.message}"
