"""Access: a pod has an account of its own and no token for the Kubernetes API; a role says what it allows."""

from ..kinds import TEMPLATED
from ..rule import Rule, Severity
from ..vocabulary import (
    OBJECT,
    POD,
    Default,
    Every,
    Not,
    Some,
    Subject,
    Variable,
    every,
    flag,
    is_,
    items,
    items_or_null,
    one_of,
    some,
    text,
)

_CATEGORY = "access"
_ALLOWED, _WORD = Variable("allowed"), Variable("word")

RULES = (
    Rule(
        id="service-account",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=Not(one_of(Default(text(POD, "serviceAccountName"), ""), "", "default")),
        protects="What one workload is allowed, no other has by accident.",
        remedy="make a ServiceAccount for the workload and name it in serviceAccountName",
    ),
    Rule(
        id="service-account-token",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=is_(Default(flag(POD, "automountServiceAccountToken"), True), False),
        protects="An attacker in a pod finds no credentials for the Kubernetes API.",
        remedy="set automountServiceAccountToken: false, or exempt by name what talks to the API",
    ),
    Rule(
        id="service-links",
        category=_CATEGORY,
        severity=Severity.LOW,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=is_(Default(flag(POD, "enableServiceLinks"), True), False),
        protects="A Service's name invents no variables, and tells a pod nothing of its neighbours.",
        remedy="set enableServiceLinks: false",
    ),
    Rule(
        id="account-token",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("ServiceAccount",),
        # Kubernetes itself creates `default`; no pod may use it.
        holds=some(
            is_(Default(text(OBJECT, "metadata", "name"), ""), "default"),
            is_(Default(flag(OBJECT, "automountServiceAccountToken"), True), False),
        ),
        protects="A pod that forgets to refuse the token is not given one.",
        remedy="set automountServiceAccountToken: false on the ServiceAccount",
    ),
    Rule(
        id="role-wildcard",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Role", "ClusterRole"),
        holds=Every(
            items_or_null(OBJECT, "rules"),
            _ALLOWED,
            every(
                *(
                    Not(Some(items(_ALLOWED, part), _WORD, is_(_WORD, "*")))
                    for part in ("verbs", "resources", "apiGroups")
                )
            ),
        ),
        protects="A role allows what it says, also after another kind of object has come to the cluster.",
        remedy="list verbs, resources and apiGroups instead of *",
    ),
)
