"""ClusterImagePolicies of Sigstore's policy-controller: which images the namespace takes, signed by whom.

https://docs.sigstore.dev/policy-controller/overview/
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, meta

from ..settings.model.stack import Stack
from ..settings.model.tenancy import Signatures
from ..settings.values import names

# policy-controller looks at pods in namespaces with this label, and refuses images that no policy knows.
GUARDED: Mapping[str, str] = {"policy.sigstore.dev/include": "true"}
_VERSION = "policy.sigstore.dev/v1beta1"
# Sigstore's own authority and log, which `cosign sign` asks when it is told of no others.
_FULCIO, _REKOR = "https://fulcio.sigstore.dev", "https://rekor.sigstore.dev"


def policies(stack: Stack, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """Create a policy for images that must be signed, and one for those that need not; none by default."""
    settings = stack.tenancy.signatures
    if settings is None:
        return []
    wanted = {"signed": _signed(settings), "unsigned": _unsigned(settings)}
    return [
        apiextensions.CustomResource(
            f"images-{name}",
            api_version=_VERSION,
            kind="ClusterImagePolicy",
            # The namespace is part of the name: the objects belong to the cluster, and two stacks share one.
            metadata=meta.v1.ObjectMetaArgs(
                name=f"{stack.namespace}-{name}", labels=names.common_labels(stack.namespace)
            ),
            spec=specification,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for name, specification in wanted.items()
        if specification["images"]
    ]


def _signed(settings: Signatures) -> dict[str, Any]:
    identity = {"issuer": settings.issuer, "subject": settings.subject}
    authority = {
        "name": "workflow",
        "keyless": {"url": _FULCIO, "identities": [identity]},
        "ctlog": {"url": _REKOR},
    }
    return {"mode": "enforce", "images": _globs(settings.images), "authorities": [authority]}


def _unsigned(settings: Signatures) -> dict[str, Any]:
    static = {"name": "named", "static": {"action": "pass"}}
    return {"mode": "enforce", "images": _globs(settings.unsigned), "authorities": [static]}


def _globs(globs: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"glob": glob} for glob in globs]
