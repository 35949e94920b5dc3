"""Secrets in the wrong place: command lines, probes, annotations, and files in ConfigMaps."""

from ..expression import Expression
from ..kinds import TEMPLATED
from ..logic import Lines
from ..resources import KINDS
from ..rule import Rule, Severity
from ..shapes import (
    MOST_LETTERS,
    assigns,
    can_be_read,
    hands_over,
    harmless,
    has_a_prefix,
    holds_a_key,
    is_a_secret,
    names_a_secret,
)
from ..vocabulary import (
    ANNOTATIONS,
    CONTAINER,
    OBJECT,
    At,
    Default,
    Every,
    Joined,
    Matches,
    Not,
    Subject,
    Variable,
    entries,
    every,
    if_,
    items,
    some,
    text,
)

_CATEGORY = "secrets"
_PROBES = (("livenessProbe",), ("readinessProbe",), ("startupProbe",))
_HANDLERS = (*_PROBES, ("lifecycle", "postStart"), ("lifecycle", "preStop"))
_HEADER, _ANNOTATED, _KEY, _WORD = (
    Variable("header"),
    Variable("annotated"),
    Variable("key"),
    Variable("word"),
)
_VALUE, _NOTE = Default(text(_HEADER, "value"), ""), At(_ANNOTATED, _KEY, str)
# `checksum/secret` is of one, and `kubernetes.io/…-token: name` says which.
_TELLS_WHICH = "kubernetes\\.io/|checksum|hash|digest"
# A stack's mark is not known before its first deployment.
_OWNER = "^feastflow\\.pulumi\\.com/owner$"
# Files that programs keep secrets in.
_FILE = (
    "(?i)(^|[.-])(env(\\.[a-z]+)?|pgpass|netrc|npmrc|pypirc|my\\.cnf|htpasswd|git-credentials|dockercfg"
    "|dockerconfigjson|vault-token|kubeconfig|tfstate|tfvars)$|^id_[a-z0-9]+$|^(credentials|kube\\.?config)$"
    "|\\.(key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|ovpn|kubeconfig|tfvars|tfstate)$"
)
# Base64 of how compressed files, pictures, fonts and programs begin; anything else could be any text.
_BINARY = (
    "^(|H4sI.*|iVBORw0KGgo.*|/9j/.*|R0lGOD.*|AAABAA.*|UEsDB.*|d09GM.*|d09G.*|JVBER.*|KLUv/.*|AGFzbQ.*|UklGR.*"
    "|T1RUTw.*|AAEAAAA.*|QlpoO.*|/Td6WFoA.*)$"
)
_DATA, _BINARY_DATA = entries(OBJECT, "data"), entries(OBJECT, "binaryData")


def _clean(words: Expression) -> Expression:
    """Return the test that no word of a command is a secret, and no flag is given one."""
    line = Lines(words)
    return every(
        Not(some(holds_a_key(line), has_a_prefix(line), hands_over(line))),
        Every(words, _WORD, Not(is_a_secret(_WORD))),
    )


RULES = (
    Rule(
        id="secret-in-command",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=every(
            _clean(Joined((items(CONTAINER, "command"), items(CONTAINER, "args")))),
            *(_clean(items(CONTAINER, *handler, "exec", "command")) for handler in _HANDLERS),
        ),
        protects="A command line is readable in the workload, in its events and in the node's process list.",
        remedy="refer to a variable, $(NAME), that comes from valueFrom.secretKeyRef, or read a file",
        said=(),
    ),
    Rule(
        id="secret-in-header",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=every(
            *(
                Every(
                    items(CONTAINER, *handler, "httpGet", "httpHeaders"),
                    _HEADER,
                    every(
                        if_(
                            some(
                                names_a_secret(Default(text(_HEADER, "name"), "")),
                                Matches(Default(text(_HEADER, "name"), ""), "(?i)authorization|cookie"),
                            ),
                            harmless(_VALUE),
                        ),
                        Not(is_a_secret(_VALUE)),
                    ),
                )
                for handler in _HANDLERS
            )
        ),
        protects="A probe is written out in the workload, and needs no login.",
        remedy="let the probe's path be open to the kubelet, without Authorization, cookies or keys",
        said=(),
    ),
    Rule(
        id="secret-in-annotation",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        # What kubectl notes on a Secret is as readable as the Secret.
        kinds=(*(kind for kind in KINDS if kind != "Secret"), "ClusterRole", "PersistentVolumeClaim"),
        holds=Every(
            ANNOTATIONS,
            _ANNOTATED,
            Every(
                _ANNOTATED,
                _KEY,
                some(
                    Matches(_KEY, _OWNER),
                    every(
                        if_(names_a_secret(_KEY), some(Matches(_KEY, _TELLS_WHICH), harmless(_NOTE))),
                        Not(some(holds_a_key(_NOTE), has_a_prefix(_NOTE))),
                    ),
                ),
            ),
        ),
        protects="Annotations are readable with the object, and are encrypted nowhere.",
        remedy="put the value into a Secret",
    ),
    # Each of these has the API server's budget for one condition, since texts are long here.
    Rule(
        id="config-map-token",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=("ConfigMap",),
        holds=some(Not(can_be_read(_DATA)), Every(_DATA, _KEY, Not(has_a_prefix(At(_DATA, _KEY, str))))),
        protects="Tokens of known services, which begin alike, stand where access to them is limited.",
        remedy="move the token to a Secret, and let the file refer to a variable or another file",
    ),
    Rule(
        id="config-map-password",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=("ConfigMap",),
        holds=some(Not(can_be_read(_DATA)), Every(_DATA, _KEY, Not(assigns(At(_DATA, _KEY, str))))),
        protects="Passwords inside of files stand where access to them is limited.",
        remedy="move the file to a Secret, or let it refer to a variable",
    ),
    Rule(
        id="config-map-size",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("ConfigMap",),
        holds=every(can_be_read(_DATA), can_be_read(_BINARY_DATA)),
        protects="What is too large for the API server to look for secrets in is not let in unseen.",
        remedy=(
            f"put at most {MOST_LETTERS // 1000} kB into one ConfigMap: have a file in several, in the image "
            "or on a volume; or exempt this one by its name"
        ),
    ),
    Rule(
        id="config-map-file",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=("ConfigMap",),
        holds=every(
            Every(_DATA, _KEY, Not(Matches(_KEY, _FILE))),
            Every(
                _BINARY_DATA,
                _KEY,
                every(
                    Not(some(Matches(_KEY, _FILE), names_a_secret(_KEY))),
                    some(Not(can_be_read(_BINARY_DATA)), Matches(At(_BINARY_DATA, _KEY, str), _BINARY)),
                ),
            ),
        ),
        protects="Files that programs keep their secrets in stand where access is limited.",
        remedy="move the file to a Secret; binaryData is for what is no text, such as pictures and archives",
    ),
)
