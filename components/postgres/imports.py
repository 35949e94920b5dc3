"""Files of an import into the stack's database: a dump on its way through a pod, in one transaction."""

from pathlib import Path

from ..settings.values import majors

_SCRIPT, _FILTER, _TRANSACTION = (
    Path(__file__).with_name(f"import.{ending}") for ending in ("sh", "awk", "sql")
)
SCRIPT = _SCRIPT.name


def files(major: int) -> dict[str, str]:
    """Return the scripts by name, for an image with the programs of this major version."""
    return {
        _SCRIPT.name: majors.of_version(_SCRIPT.read_text(encoding="utf-8"), major),
        _FILTER.name: _FILTER.read_text(encoding="utf-8"),
        _TRANSACTION.name: _TRANSACTION.read_text(encoding="utf-8"),
    }
