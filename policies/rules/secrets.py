"""Secrets: their values stand in Secrets, and each consumer is given the ones it needs."""

from ..expression import Field
from ..kinds import TEMPLATED
from ..rule import Rule, Severity
from ..shapes import harmless, holds_a_key, is_a_secret, looks_random, names_a_secret
from ..vocabulary import (
    CONTAINER,
    OBJECT,
    At,
    Default,
    Every,
    Not,
    Some,
    Subject,
    Variable,
    entries,
    every,
    flag,
    if_,
    is_,
    items,
    present,
    some,
    text,
)

_CATEGORY = "secrets"
_VARIABLE, _SOURCE, _KEY = Variable("variable"), Variable("source"), Variable("key")
_VALUE = Default(text(_VARIABLE, "value"), "")
_DATA = entries(OBJECT, "data")

RULES = (
    Rule(
        id="secret-literal",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=Every(
            items(CONTAINER, "env"),
            _VARIABLE,
            every(
                if_(names_a_secret(Default(text(_VARIABLE, "name"), "")), harmless(_VALUE)),
                Not(is_a_secret(_VALUE)),
            ),
        ),
        protects="Whoever may look at a workload does not thereby know its passwords.",
        remedy="put the value into a Secret and refer to it with valueFrom.secretKeyRef",
        said=(),
    ),
    Rule(
        id="secret-in-config-map",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=("ConfigMap",),
        holds=Every(
            _DATA,
            _KEY,
            every(
                if_(names_a_secret(_KEY), harmless(At(_DATA, _KEY, str))),
                Not(some(holds_a_key(At(_DATA, _KEY, str)), looks_random(At(_DATA, _KEY, str)))),
            ),
        ),
        protects="Secrets stand where access to them is limited and they are encrypted at rest.",
        remedy="move the key to a Secret",
    ),
    Rule(
        id="secret-immutable",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("Secret",),
        holds=is_(Default(flag(OBJECT, "immutable"), False), True),
        protects="A secret does not change below a running pod; a new one has a new name and rolls its pods.",
        remedy="set immutable: true and name the Secret after its content",
    ),
    Rule(
        id="secret-whole",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=Not(Some(items(CONTAINER, "envFrom"), _SOURCE, present(Field(_SOURCE, ("secretRef",), dict)))),
        protects="A container has the secrets it names, and not those that are added later.",
        remedy="name each key with env[].valueFrom.secretKeyRef instead of envFrom",
        said=(),
    ),
)
