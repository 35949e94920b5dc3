"""The vocabulary of the rules: the object, its pod, its containers, and their fields.

Effective values are resolved here: a container's field, else its pod's, else Kubernetes' default.
"""

from enum import StrEnum

from .expression import (
    At,
    Default,
    Either,
    Expression,
    Field,
    IntOrString,
    Literal,
    Long,
    Named,
    Present,
    Variable,
)
from .kinds import PARTIAL, TEMPLATED
from .logic import (
    All,
    AnyOf,
    Calculated,
    Choice,
    Compare,
    Every,
    Joined,
    ListOf,
    Mapped,
    Matches,
    Not,
    OneOf,
    Size,
    Some,
    Those,
)

__all__ = [
    "At",
    "Choice",
    "Default",
    "Either",
    "Every",
    "Joined",
    "Literal",
    "Matches",
    "Not",
    "Some",
    "Those",
    "Variable",
]

OBJECT = Variable("object")
KIND = Variable("kind", "variables.kind")
POD = Variable("pod")
CONTAINER = Variable("container")
# Registries that images may come from; none: any.
REGISTRIES = Variable("registries", "variables.registries")


class Subject(StrEnum):
    """The part of an object that a rule's expression is evaluated for."""

    OBJECT = "the object"
    POD = "the pod"
    # Also what `kubectl debug` adds.
    CONTAINERS = "every container, init and ephemeral ones too"
    # An ephemeral container cannot have resources.
    SIZED = "every container, init ones too"
    # A pod that runs to its end serves no requests.
    SERVING = "every container with ports, sidecars too, of a pod that runs on"


def flag(base: Expression, *names: str) -> Field:
    """Return a field that is true or false."""
    return Field(base, names, bool)


def number(base: Expression, *names: str) -> Field:
    """Return a field that is a whole number."""
    return Field(base, names, int)


def text(base: Expression, *names: str) -> Field:
    """Return a field that is a text."""
    return Field(base, names, str)


def long(base: Expression, *names: str) -> Field:
    """Return a field that is a whole number of 64 bits."""
    return Field(base, names, Long)


def number_or_text(base: Expression, *names: str) -> Field:
    """Return a field that is a whole number or a text, such as a port."""
    return Field(base, names, IntOrString)


def anything(base: Expression, *names: str) -> Field:
    """Return a field of any type."""
    return Field(base, names)


def items(base: Expression, *names: str) -> Default:
    """Return a list, empty where it is missing."""
    return Default(Field(base, names, list), [])


def items_or_null(base: Expression, *names: str) -> Expression:
    """Return a list that the API server shows as null where it is empty, since its type is not optional."""
    field = Field(base, names, list)
    return Choice(Compare(Default(field, None), "==", Literal(None)), Literal([]), Default(field, []))


def entries(base: Expression, *names: str) -> Default:
    """Return an object, empty where it is missing."""
    return Default(Field(base, names, dict), {})


def present(*fields: Field) -> Expression:
    """Return the test that all of these fields are present."""
    return All(tuple(Present(field) for field in fields))


def absent(*fields: Field) -> Expression:
    """Return the test that none of these fields is present."""
    return All(tuple(Not(Present(field)) for field in fields))


def is_(value: Expression, meant: object) -> Expression:
    """Return the test that the value is `meant`."""
    return Compare(value, "==", Literal(meant))


def one_of(value: Expression, *options: object) -> Expression:
    """Return the test that the value is one of these."""
    return OneOf(value, options)


def empty(collection: Expression) -> Expression:
    """Return the test that a list or map is empty."""
    return Compare(Size(collection), "==", Literal(0))


def every(*parts: Expression) -> Expression:
    """Return the test that all of these hold."""
    return All(parts)


def some(*parts: Expression) -> Expression:
    """Return the test that at least one of these holds."""
    return AnyOf(parts)


def if_(condition: Expression, then: Expression) -> Expression:
    """Return the implication: where the condition holds, `then` must hold too."""
    return AnyOf((Not(condition), then))


def sum_(left: Expression, right: Expression) -> Expression:
    """Return the sum of two numbers."""
    return Calculated(left, "+", right)


def product(left: Expression, right: Expression) -> Expression:
    """Return the product of two numbers."""
    return Calculated(left, "*", right)


def less(left: Expression, right: Expression) -> Expression:
    """Return the test that the first number is smaller."""
    return Compare(left, "<", right)


def equal(left: Expression, right: Expression) -> Expression:
    """Return the test that both values are equal."""
    return Compare(left, "==", right)


def effective(*names: str, shape: type) -> Either:
    """Return a field of the container's security context, else of its pod's."""
    return Either(
        Field(CONTAINER, ("securityContext", *names), shape), Field(POD, ("securityContext", *names), shape)
    )


_JOB = Variable("job")


def _template(*names: str) -> Expression:
    """Return the pod template under this field, as a list of one; empty where it is missing."""
    return Choice(
        present(Field(OBJECT, names, dict)), ListOf((Default(Field(OBJECT, names, dict), {}),)), Literal([])
    )


# The pod templates of an object: a bare pod is its own. The same for the API server, where it is a variable
# of the policy, and for the pack.
POD_TEMPLATES: Expression = Choice(
    is_(KIND, "Pod"),
    ListOf((OBJECT,)),
    Choice(
        is_(KIND, "CronJob"),
        ListOf((entries(OBJECT, "spec", "jobTemplate", "spec", "template"),)),
        Choice(
            is_(KIND, "JobSet"),
            Mapped(
                items(OBJECT, "spec", "replicatedJobs"),
                _JOB,
                entries(_JOB, "template", "spec", "template"),
            ),
            Choice(
                is_(KIND, "ScaledJob"),
                _template("spec", "jobTargetRef", "template"),
                _template("spec", "template"),
            ),
        ),
    ),
)
TEMPLATE = Variable("template")
POD_SPEC = entries(TEMPLATE, "spec")
_ANNOTATED = ListOf((entries(OBJECT, "metadata", "annotations"),))
# The annotations of the object and of each of its pod templates: a list of objects.
ANNOTATIONS = Named(
    Choice(
        one_of(KIND, *TEMPLATED, *PARTIAL),
        Joined((_ANNOTATED, Mapped(POD_TEMPLATES, TEMPLATE, entries(TEMPLATE, "metadata", "annotations")))),
        _ANNOTATED,
    ),
    "variables.annotations",
)
SIDECARS = Those(
    items(POD, "initContainers"), CONTAINER, is_(Default(text(CONTAINER, "restartPolicy"), ""), "Always")
)
_RUNS_ON = is_(Default(text(POD, "restartPolicy"), "Always"), "Always")

SELECTIONS: dict[Subject, Expression] = {
    Subject.CONTAINERS: Joined(
        (items(POD, "containers"), items(POD, "initContainers"), items(POD, "ephemeralContainers"))
    ),
    Subject.SIZED: Joined((items(POD, "containers"), items(POD, "initContainers"))),
    Subject.SERVING: Those(
        Joined((items(POD, "containers"), SIDECARS)),
        CONTAINER,
        every(_RUNS_ON, Not(empty(items(CONTAINER, "ports")))),
    ),
}
