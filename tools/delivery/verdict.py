"""The verdict on a preview: errors, broken rules, and protection that is removed without consent."""

from tools.delivery import protection
from tools.delivery.report import Preview, Report

_MANDATORY = "mandatory"


def fails(preview: Preview, *, agreed: bool = False) -> bool:
    """Return whether this preview stops the pull request; a reviewer may have `agreed` to what it removes."""
    broken = any(violation.level == _MANDATORY for violation in preview.violations)
    return bool(preview.errors) or broken or (protection.removes(preview) and not agreed)


def failed(report: Report) -> list[str]:
    """Return the stacks that stop the pull request."""
    agreed = protection.agreed(report)
    return [preview.stack for preview in report.previews if fails(preview, agreed=agreed)]
