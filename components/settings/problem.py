"""The problem that ends a deployment, in the one format of all messages: found, why, next."""

_INDENT = "\n         "


def problem(at: str, found: str, why: str, fix: str) -> str:
    """Return the text: `at` names what it is about, a setting for instance; then one fact a paragraph.

    `why` is the consequence for the user, `fix` what to type. No value of a secret is in any of them.
    """
    facts = (("found: ", found), ("why:   ", why), ("next:  ", fix))
    return "\n".join([at, *(f"  {label}{fact.replace(chr(10), _INDENT)}" for label, fact in facts)])
