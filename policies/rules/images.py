"""Images: a reference always means the same image, and a pull policy is set."""

from ..expression import Expression
from ..kinds import TEMPLATED
from ..logic import StartsWith
from ..rule import Level, Rule, Severity
from ..vocabulary import (
    CONTAINER,
    REGISTRIES,
    Default,
    Matches,
    Not,
    Some,
    Subject,
    Variable,
    empty,
    every,
    one_of,
    some,
    text,
)

_CATEGORY = "images"
_DIGEST = "@sha256:[0-9a-f]{64}$"
_IMAGE = (text(CONTAINER, "image"),)
_REGISTRY = Variable("registry")
_TAG = ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"


def versioned(image: Expression) -> Expression:
    """Return the test that an image's reference names a version, and so means the same tomorrow."""
    return every(Matches(image, f"{_DIGEST}|{_TAG}"), Not(Matches(image, ":latest$")))


RULES = (
    Rule(
        id="image-version",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=versioned(Default(text(CONTAINER, "image"), "")),
        protects="Every replica runs the same program, and a rollback brings back the one before.",
        remedy="name a version: image:1.2.3 or image@sha256:…, not latest",
        said=_IMAGE,
    ),
    Rule(
        id="image-registry",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=some(
            empty(REGISTRIES),
            Some(REGISTRIES, _REGISTRY, StartsWith(Default(text(CONTAINER, "image"), ""), _REGISTRY)),
        ),
        protects="Programs come from the registries that policies:registries lists; without one, from any.",
        remedy="name an image below one of policies:registries, its registry written out",
        said=_IMAGE,
    ),
    Rule(
        id="image-digest",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=Matches(Default(text(CONTAINER, "image"), ""), _DIGEST),
        protects="What was tested is what runs: a tag can be given to another image.",
        remedy="name the image by its digest: image:1.2.3@sha256:…",
        level=Level.DISABLED,
        said=_IMAGE,
    ),
    Rule(
        id="image-pull-policy",
        category=_CATEGORY,
        severity=Severity.LOW,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=one_of(Default(text(CONTAINER, "imagePullPolicy"), ""), "IfNotPresent", "Always", "Never"),
        protects="Whether a registry that is away stops a restart is decided, not left to the tag.",
        remedy="set imagePullPolicy: IfNotPresent",
        pack_only="the API server fills in what is missing before it asks the policies",
    ),
)
