"""The one kind of failure that a user can put right."""

_INDENT = "\n         "


class UserError(Exception):
    """Work that cannot go on until the user has acted.

    Commands print it without a traceback and exit 1. Defects of this program are none: they keep theirs.
    """

    def __init__(self, found: str, why: str, fix: str) -> None:
        """Say what was found, why that matters, and what to type next."""
        super().__init__(found)
        self.found = found
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        """Return the whole message, in the format of `components.settings.problem`.

        A workflow has this folder without the components, and a machine may have it before any package.
        """
        facts = (("found: ", self.found), ("why:   ", self.why), ("next:  ", self.fix))
        return "\n".join(["error", *(f"  {label}{fact.replace(chr(10), _INDENT)}" for label, fact in facts)])
