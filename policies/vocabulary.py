"""The words the rules are written in: the object, its pod, its containers, and their fields.

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
    """What of an object is judged, each time the rule's expression is evaluated."""

    OBJECT = "the object"
    POD = "the pod"
    # Also what `kubectl debug` adds.
    CONTAINERS = "every container, init and ephemeral ones too"
    # An ephemeral container cannot have resources.
    SIZED = "every container, init ones too"
    # A pod that runs to its end serves nobody.
    SERVING = "every container with ports, sidecars too, of a pod that runs on"


def flag(base: Expression, *names: str) -> Field:
    """A field that is true or false."""
    return Field(base, names, bool)


def number(base: Expression, *names: str) -> Field:
    """A field that is a whole number."""
    return Field(base, names, int)


def text(base: Expression, *names: str) -> Field:
    """A field that is a text."""
    return Field(base, names, str)


def long(base: Expression, *names: str) -> Field:
    """A field that is a whole number of 64 bits."""
    return Field(base, names, Long)


def number_or_text(base: Expression, *names: str) -> Field:
    """A field that is a whole number or a text, such as a port."""
    return Field(base, names, IntOrString)


def anything(base: Expression, *names: str) -> Field:
    """A field of any type."""
    return Field(base, names)


def items(base: Expression, *names: str) -> Default:
    """A list, empty where it is missing."""
    return Default(Field(base, names, list), [])


def items_or_null(base: Expression, *names: str) -> Expression:
    """A list that the API server shows as null where it is empty: its type says that it is not optional."""
    field = Field(base, names, list)
    return Choice(Compare(Default(field, None), "==", Literal(None)), Literal([]), Default(field, []))


def entries(base: Expression, *names: str) -> Default:
    """An object, empty where it is missing."""
    return Default(Field(base, names, dict), {})


def present(*fields: Field) -> Expression:
    """All of these are there."""
    return All(tuple(Present(field) for field in fields))


def absent(*fields: Field) -> Expression:
    """None of these is there."""
    return All(tuple(Not(Present(field)) for field in fields))


def is_(value: Expression, meant: object) -> Expression:
    """The value is this one."""
    return Compare(value, "==", Literal(meant))


def one_of(value: Expression, *options: object) -> Expression:
    """The value is one of these."""
    return OneOf(value, options)


def empty(collection: Expression) -> Expression:
    """There is nothing in it."""
    return Compare(Size(collection), "==", Literal(0))


def every(*parts: Expression) -> Expression:
    """All of these hold."""
    return All(parts)


def some(*parts: Expression) -> Expression:
    """At least one of these holds."""
    return AnyOf(parts)


def if_(condition: Expression, then: Expression) -> Expression:
    """Where the condition holds, the other does too."""
    return AnyOf((Not(condition), then))


def sum_(left: Expression, right: Expression) -> Expression:
    """Both numbers together."""
    return Calculated(left, "+", right)


def product(left: Expression, right: Expression) -> Expression:
    """One number times the other."""
    return Calculated(left, "*", right)


def less(left: Expression, right: Expression) -> Expression:
    """The first number is smaller."""
    return Compare(left, "<", right)


def equal(left: Expression, right: Expression) -> Expression:
    """Both values are the same."""
    return Compare(left, "==", right)


def effective(*names: str, shape: type) -> Either:
    """A field of the container's security context, else of its pod's."""
    return Either(
        Field(CONTAINER, ("securityContext", *names), shape), Field(POD, ("securityContext", *names), shape)
    )


_JOB = Variable("job")


def _template(*names: str) -> Expression:
    """The pod template under this field, as a list of one; empty where it is missing."""
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
