"""Protection that a pull request removes, and the label by which a reviewer agrees to exactly that.

Removed is what an object or a stack had before: its data, its `protect`, its namespace, its cluster. Pure,
from a report alone.
"""

import hashlib
import json
import re
from collections.abc import Iterator

from tools.delivery.report import Change, Preview, Report

# Recreated they come back empty; deleted they take along what they hold.
_DATA = ("PersistentVolumeClaim", "StatefulSet", "Namespace", "Cluster")
# Recreated they come back as others: clients with the old value are locked out. A rotation creates new ones
# under new names and deletes the old ones afterwards, so that alone is no loss; nor is a Secret's other name,
# which is created first, and to which the pods roll.
_SECRETS = ("Secret", "RandomPassword")
# The end of a name that follows its content; a preview's own secrets differ from run to run.
_CONTENT = re.compile(r"-[0-9a-f]{10}$")
_DIGITS = 10


def loses(change: Change) -> bool:
    """Return whether data or a secret in use is lost with this change."""
    if change.operation == "replace":
        if change.kind == "Secret" and "metadata.name" in change.because:
            return False
        return change.kind in {*_DATA, *_SECRETS}
    return change.operation == "delete" and change.kind in _DATA


def removes(preview: Preview) -> bool:
    """Return whether the preview removes any protection."""
    return any(_removals(preview))


def label(report: Report) -> str | None:
    """Return the label that agrees to everything that the report removes; None where it removes nothing.

    It follows from the list, so that what a later commit adds to it is not agreed to.
    """
    found = [[preview.stack, *removed] for preview in report.previews for removed in _removals(preview)]
    if not found:
        return None
    digest = hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()
    return f"agreed-{digest[:_DIGITS]}"


def agreed(report: Report) -> bool:
    """Return whether the pull request has the label."""
    return label(report) in report.labels


def _removals(preview: Preview) -> Iterator[list[str]]:
    for change in preview.changes:
        if loses(change):
            yield [change.operation, change.kind, _CONTENT.sub("", change.name)]
    for name in preview.unprotected:
        yield ["unprotect", name]
    for setting in preview.moved:
        yield ["move", setting]
