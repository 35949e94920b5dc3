"""Images: the same one is run tomorrow, and it is known when it is fetched."""

from ..expression import Expression
from ..kinds import PODS
from ..rule import Rule, Severity
from ..vocabulary import CONTAINER, Default, Matches, Not, Subject, every, one_of, text

_CATEGORY = "images"
_DIGEST = "@sha256:[0-9a-f]{64}$"
_TAG = ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"


def versioned(image: Expression) -> Expression:
    """The image's reference says which version, and means the same tomorrow."""
    return every(Matches(image, f"{_DIGEST}|{_TAG}"), Not(Matches(image, ":latest$")))


RULES = (
    Rule(
        id="image-version",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=PODS,
        subject=Subject.CONTAINERS,
        holds=versioned(Default(text(CONTAINER, "image"), "")),
        protects="Every replica runs the same program, and a rollback brings back the one before.",
        remedy="name a version: image:1.2.3 or image@sha256:…, not latest",
    ),
    Rule(
        id="image-pull-policy",
        category=_CATEGORY,
        severity=Severity.LOW,
        kinds=PODS,
        subject=Subject.CONTAINERS,
        holds=one_of(Default(text(CONTAINER, "imagePullPolicy"), ""), "IfNotPresent", "Always", "Never"),
        protects="Whether a registry that is away stops a restart is decided, not left to the tag.",
        remedy="set imagePullPolicy: IfNotPresent",
        pack_only="the API server fills in what is missing before it asks the policies",
    ),
)
