"""One kind of failure for everything a person can put right."""


class Refusal(Exception):  # noqa: N818 - it is an answer to a person, not an error of the program
    """Work that cannot go on until the person at the terminal has acted.

    Commands print it without a traceback and exit 2. Defects of this program are none: they keep theirs.
    """

    def __init__(self, found: str, why: str, fix: str) -> None:
        """Say what was found, why that matters, and what to type next."""
        super().__init__(found)
        self.found = found
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        """Return the whole message as it is printed, one fact a paragraph."""
        indent = "\n           "
        return (
            f"error:     {self.found.replace(chr(10), indent)}\n"
            f"  matters: {self.why.replace(chr(10), indent)}\n"
            f"  do this: {self.fix.replace(chr(10), indent)}"
        )
