"""Tokens for the Kubernetes API from other sources than the automounted one, which is turned off."""

from ..kinds import TEMPLATED
from ..rule import Rule, Severity
from ..vocabulary import (
    OBJECT,
    POD,
    Default,
    Every,
    Matches,
    Not,
    Subject,
    Variable,
    absent,
    anything,
    every,
    items,
    one_of,
    text,
)

_CATEGORY = "access"
_VOLUME, _SOURCE = Variable("volume"), Variable("source")
_SIGNER = Default(text(_SOURCE, "podCertificate", "signerName"), "")

RULES = (
    Rule(
        id="projected-token",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.POD,
        # A clusterTrustBundle holds public certificates.
        holds=Every(
            items(POD, "volumes"),
            _VOLUME,
            Every(
                items(_VOLUME, "projected", "sources"),
                _SOURCE,
                every(
                    absent(anything(_SOURCE, "serviceAccountToken")),
                    # Signed for the API server, a certificate is a token of another kind.
                    Not(Matches(_SIGNER, "kubernetes\\.io/")),
                ),
            ),
        ),
        protects="A pod whose token is not mounted has none in a volume of its own either.",
        remedy="leave serviceAccountToken out of projected volumes, or exempt by name what talks to the API",
        said=(),
    ),
    Rule(
        id="token-secret",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Secret",),
        holds=Not(
            one_of(
                Default(text(OBJECT, "type"), "Opaque"),
                "kubernetes.io/service-account-token",
                "bootstrap.kubernetes.io/token",
            )
        ),
        protects="No token lies about that never ends: Kubernetes fills such a Secret with one.",
        remedy="let what needs the API have a token by its ServiceAccount, which is renewed and ends",
    ),
)
