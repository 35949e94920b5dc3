"""Secrets: their values are in Secrets alone, and each consumer gets only those that it needs."""

from ..expression import Field
from ..kinds import TEMPLATED
from ..logic import Matches
from ..rule import Rule, Severity
from ..shapes import can_be_read, harmless, holds_a_key, is_a_secret, looks_random, names_a_secret
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
    one_of,
    present,
    some,
    text,
)

_CATEGORY = "secrets"
_VARIABLE, _SOURCE, _KEY = Variable("variable"), Variable("source"), Variable("key")
_VALUE = Default(text(_VARIABLE, "value"), "")
_DATA = entries(OBJECT, "data")

# Not read by a pod's environment: the pack holds that against a whole stack (`secret-environment`).
READ_AS = "kubernetes-namespace.policies/read-as"
# What others rewrite under the same name, and a controller or a node reads:
# https://kubernetes.io/docs/concepts/configuration/secret/#secret-types
_CHANGING = (
    "kubernetes.io/tls",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg",
    "kubernetes.io/service-account-token",
)
_OWNER = Variable("owner")

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
        protects="The right to read a workload does not reveal its passwords.",
        remedy="put the value into a Secret and refer to it with valueFrom.secretKeyRef",
        said=(),
    ),
    Rule(
        id="secret-in-config-map",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=("ConfigMap",),
        # `config-map-size` judges those that are too large.
        holds=some(
            Not(can_be_read(_DATA)),
            Every(
                _DATA,
                _KEY,
                every(
                    if_(names_a_secret(_KEY), harmless(At(_DATA, _KEY, str))),
                    Not(some(holds_a_key(At(_DATA, _KEY, str)), looks_random(At(_DATA, _KEY, str)))),
                ),
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
        holds=some(
            is_(Default(flag(OBJECT, "immutable"), False), True),
            one_of(Default(text(OBJECT, "type"), "Opaque"), *_CHANGING),
            is_(Default(text(OBJECT, "metadata", "labels", READ_AS), ""), "files"),
            Some(
                items(OBJECT, "metadata", "ownerReferences"),
                _OWNER,
                every(
                    Matches(Default(text(_OWNER, "apiVersion"), ""), "^cert-manager[.]io/"),
                    is_(Default(text(_OWNER, "kind"), ""), "Certificate"),
                ),
            ),
        ),
        protects="A secret does not change below a running pod; a new one has a new name and rolls its pods.",
        remedy=(
            "set immutable: true and name the Secret after its content, "
            f"or label it {READ_AS}: files where no pod's environment reads it"
        ),
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
