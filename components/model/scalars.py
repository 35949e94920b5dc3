"""The values of settings: text with a grammar, each refused with its reason and an example that works."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from .. import addresses, images, quantities
from .base import refuse

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
HOST = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LONGEST_HOST = 253
_WIDEST_PREFIX = 8
# What clusters, ingress controllers, operators and GitOps tools are installed into by their own instructions.
_SYSTEM_NAMESPACES = frozenset(
    {
        *("argo", "argo-rollouts", "argocd", "calico-system", "cert-manager", "cnpg-system", "default"),
        *("external-secrets", "flux-system", "gatekeeper-system", "gmp-system", "ingress-nginx"),
        *("istio-ingress", "istio-system", "keda", "kyverno", "linkerd", "local-path-storage"),
        *("longhorn-system", "metallb-system", "monitoring", "nginx-gateway", "openebs", "operators"),
        *("projectcontour", "rook-ceph", "sealed-secrets", "tigera-operator", "traefik", "velero"),
    }
)
_SYSTEM_PREFIXES = ("amazon-", "aks-", "cattle-", "gke-", "kube-", "openshift-")


def matching(pattern: re.Pattern[str], why: str, fix: str) -> AfterValidator:
    """A validator that refuses text outside the grammar."""

    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise refuse(why, fix)
        return text

    return AfterValidator(check)


def text_of_scalar(value: Any) -> Any:  # noqa: ANN401 - raw input of any shape
    """Return a number or a boolean as its text, anything else as it is."""
    # `pulumi config set --path` stores 1 as a number and true as a boolean, whatever the user meant.
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _sequence(value: Any) -> Any:  # noqa: ANN401 - raw input of any shape
    return tuple(value) if isinstance(value, list) else value


def _quantity(example: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            amount = quantities.parse(text)
        except quantities.QuantityError:
            raise refuse(
                "it is no Kubernetes quantity, so the API server would refuse every pod", example
            ) from None
        if amount <= 0:
            raise refuse("nothing runs with an amount of zero", example)
        return text

    return check


def _image(reference: str) -> str:
    try:
        return images.check(reference)
    except images.ImageError as error:
        raise refuse(error.why, error.fix) from None


def _host(text: str) -> str:
    why = "browsers and the edge route by a DNS name in lower case, without scheme, port or path"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.split(".")
        if len(text) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels):
            return text
    raise refuse(why, "feastflow.example.com")


def _namespace(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise refuse(
            "a namespace is a DNS label: at most 63 lower-case letters, digits and dashes", "feastflow-dev"
        )
    if text in _SYSTEM_NAMESPACES or text.startswith(_SYSTEM_PREFIXES):
        raise refuse(
            "the stack owns its namespace and `pulumi destroy` deletes it with all it holds, "
            "and this one is the cluster's, a controller's or an operator's",
            "feastflow-dev",
        )
    return text


def _path(text: str) -> str:
    parts = text.split("/")
    if not text.startswith("/") or {".", ".."} & {*parts} or ":" in text or "" in parts[1:]:
        raise refuse(
            "a mount needs an absolute path in the container, other than `/` and without `..` or `.`",
            "/tmp",  # noqa: S108 - a path inside a container
        )
    return text


def _url_path(text: str) -> str:
    if not re.fullmatch(r"/[!-~]*", text):
        raise refuse("it is the path of an HTTP request and begins with `/`", "/api/health")
    return text


def _subdomain(text: str) -> str:
    if len(text) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in text.split(".")):
        return text
    raise refuse(
        "the name is labels of lower-case letters, digits and dashes, with dots between", "letsencrypt"
    )


def _account(text: str) -> str:
    namespace, _, name = text.partition("/")
    if not _LABEL.fullmatch(namespace) or len(name) > _LONGEST_HOST:
        name = ""
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise refuse(
            "it is no service account, which is a namespace, a slash and a name",
            "cert-manager/cert-manager",
        )
    if name == "default":
        raise refuse(
            "every pod of that namespace that names no account has this one, and nothing would judge it",
            f"{namespace}/operator",
        )
    return text


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise refuse(
            "a network policy takes address ranges: an address and the length of its prefix", "192.0.2.10/32"
        ) from None


def _narrow(text: str) -> str:
    if ipaddress.ip_network(text).prefixlen < _WIDEST_PREFIX:
        raise refuse(
            f"a range with a prefix below /{_WIDEST_PREFIX} opens the way to everybody's hosts",
            "192.0.2.10/32",
        )
    return text


def _range(text: str) -> str:
    found = _cidr(text)
    if why := addresses.problem(found):
        raise refuse(why, "10.20.0.0/16")
    return found


def _dns_server(text: str) -> str:
    found = _cidr(text)
    if not addresses.is_host(found):
        raise refuse(
            "a DNS server is one address, and the range would open its neighbours too", "169.254.20.10"
        )
    return found


Scalar = Annotated[str, BeforeValidator(text_of_scalar)]
Cpu = Annotated[Scalar, AfterValidator(_quantity("250m"))]
Bytes = Annotated[Scalar, AfterValidator(_quantity("256Mi"))]
Image = Annotated[str, AfterValidator(_image)]
Host = Annotated[str, AfterValidator(_host)]
Namespace = Annotated[str, AfterValidator(_namespace)]
Name = Annotated[
    str,
    matching(
        _LABEL,
        "a Kubernetes name is a DNS label: at most 63 lower-case letters, digits and dashes",
        "my-name",
    ),
]
Subdomain = Annotated[str, AfterValidator(_subdomain)]
Account = Annotated[str, AfterValidator(_account)]
Variable = Annotated[
    str,
    matching(_VARIABLE, "an environment variable is letters, digits and `_`, no digit first", "LOG_LEVEL"),
]
SqlName = Annotated[
    str,
    matching(
        _IDENTIFIER,
        "the name goes into SQL unquoted: lower-case letters, digits and `_`, at most 63",
        "feastflow",
    ),
]
Cidr = Annotated[str, AfterValidator(_cidr)]
Range = Annotated[str, AfterValidator(_range)]
DnsServer = Annotated[str, AfterValidator(_dns_server)]
LabelKey = Annotated[
    str,
    matching(
        re.compile(r"(?:[a-z0-9][a-z0-9.-]{0,251}[a-z0-9]/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"),
        "it is no key of a label, so it would select no pod",
        "k8s-app",
    ),
]
LabelValue = Annotated[
    str,
    matching(
        re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?"),
        "it is no value of a label, so it would select no pod",
        "kube-dns",
    ),
]
NarrowCidr = Annotated[Cidr, AfterValidator(_narrow)]
MountPath = Annotated[str, AfterValidator(_path)]
UrlPath = Annotated[str, AfterValidator(_url_path)]
Port = Annotated[int, Field(ge=1, le=65535)]
UnprivilegedPort = Annotated[int, Field(ge=1024, le=65535)]
UserId = Annotated[int, Field(ge=1, le=2**31 - 1)]
Percent = Annotated[int, Field(ge=1, le=100)]
Seconds = Annotated[int, Field(ge=0, le=86400)]
Command = Annotated[tuple[str, ...], BeforeValidator(_sequence), Field(min_length=1)]
Sequence = BeforeValidator(_sequence)
