"""Whether a preview may pass: what is lost when an object is made anew, and which rules were broken."""

from delivery.report import Change, Preview, Report

# Made anew they come back empty; taken away they take along what they hold.
_DATA = ("PersistentVolumeClaim", "StatefulSet", "Namespace", "Cluster")
# Made anew they come back as others: whoever holds the old value is locked out. A rotation makes new ones
# under new names and takes the old ones away afterwards, so that alone is no loss.
_SECRETS = ("Secret", "RandomPassword")
_MANDATORY = "mandatory"


def loses(change: Change) -> bool:
    """Whether data or a secret in use is lost with this change."""
    if change.operation == "replace":
        return change.kind in {*_DATA, *_SECRETS}
    return change.operation == "delete" and change.kind in _DATA


def fails(preview: Preview) -> bool:
    """Whether this preview stops the pull request."""
    broken = any(violation.level == _MANDATORY for violation in preview.violations)
    return bool(preview.errors) or broken or any(loses(change) for change in preview.changes)


def failed(report: Report) -> list[str]:
    """The stacks that stop the pull request."""
    return [preview.stack for preview in report.previews if fails(preview)]
