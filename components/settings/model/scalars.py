"""The values of settings: text with a grammar, each refused with its reason and an example that works."""

import ipaddress
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from policies.shapes import MOST_LETTERS

from ..values import addresses, amounts, images, pem
from .base import refuse

# Kubernetes has a rule for each kind of name: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
HOST = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")
# Its labels may be longer than 63: no DNS server is asked for them.
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_QUALIFIED = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
# As Go prints one.
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)? [+-][0-9]{4} \S+")
_SEGMENT = re.compile(r"(?!\.\.?$)[^/%\s]+")
_KEY = re.compile(r"(?!\.\.?$|\.\.)[A-Za-z0-9._-]{1,253}")
# IsEnvVarName of k8s.io/apimachinery, which every API server accepts, and which is a key of a Secret too.
_VARIABLE = re.compile(r"(?!\.\.?$|\.\.)[-._a-zA-Z][-._a-zA-Z0-9]*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LONGEST_HOST = 253
# With the key's name it is all of its ConfigMap.
_LONGEST_BUNDLE = MOST_LETTERS - 100
# Made with every cluster, and everybody's.
_SHARED_NAMESPACES = ("default", "kube-node-lease", "kube-public")
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
    """Return a validator that refuses text outside the grammar."""

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


def _told(value: Any) -> Any:  # noqa: ANN401 - raw input of any shape
    # The engine has read it, and how it was written is gone: 2.10 is 2.1, and a day a moment.
    if isinstance(value, float) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        what = "a moment" if isinstance(value, str) else "a fraction"
        raise refuse(
            f"Pulumi has read it as {what}, and the process would be told another text than was written",
            "quote it in the stack's file, so that it arrives as it is written",
        )
    if value is None:
        raise refuse(
            "nothing stands there, or a word such as null or ~ without quotes",
            'quote it in the stack\'s file; an empty text is ""',
        )
    return text_of_scalar(value)


def _sequence(value: Any) -> Any:  # noqa: ANN401 - raw input of any shape
    return tuple(value) if isinstance(value, list) else value


def _amount(read: Callable[[str], str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            return read(text)
        except amounts.AmountError as error:
            raise refuse(error.why, error.instead) from None

    return check


def _image(reference: str) -> str:
    try:
        return images.check(reference)
    except images.ImageError as error:
        raise refuse(error.why, error.fix) from None


def _certificates(text: str) -> str:
    try:
        found = pem.certificates(text)
    except pem.PemError as error:
        raise refuse(
            str(error), "in the stack's file, set it to a block (`|`) that begins -----BEGIN CERTIFICATE-----"
        ) from None
    if len(found) > _LONGEST_BUNDLE:
        raise refuse(
            f"it has {len(found) // 1000} kB, and the API server looks for secrets in at most "
            f"{MOST_LETTERS // 1000} kB of a ConfigMap (the rule config-map-size)",
            "keep the authorities of your own: the image has the public ones",
        )
    return found


def _group(text: str) -> str:
    if text.startswith("system:"):
        raise refuse(
            "Kubernetes keeps these groups for itself: everybody who logs in, every service account, or its "
            "own administrators are in one",
            "feastflow-developers",
        )
    if text != text.strip() or not text.isprintable():
        raise refuse("groups are compared letter by letter, so no user would be in this one", text.strip())
    return text


def _host(text: str) -> str:
    why = "browsers and the edge route by a DNS name in lower case, without scheme, port or path"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.split(".")
        if len(text) <= LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels):
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


def _label_key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if (slash and not _SUBDOMAIN.fullmatch(prefix)) or not re.fullmatch(_QUALIFIED, name):
        raise refuse("it is no key of a label, so it would select no pod", "k8s-app")
    return text


def _account(text: str) -> str:
    namespace, _, name = text.partition("/")
    if not _LABEL.fullmatch(namespace) or not _SUBDOMAIN.fullmatch(name):
        raise refuse(
            "it is no service account, which is a namespace, a slash and a name",
            "cert-manager/cert-manager",
        )
    if namespace in _SHARED_NAMESPACES:
        raise refuse(
            "every user of the cluster shares this namespace, and may make an account that takes its name",
            "operators/operator",
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


# What a process is told in a variable.
Told = Annotated[str, BeforeValidator(_told)]
Scalar = Annotated[str, BeforeValidator(text_of_scalar)]
Cpu = Annotated[Scalar, AfterValidator(_amount(amounts.cpu))]
Memory = Annotated[Scalar, AfterValidator(_amount(partial(amounts.bytes_for, use=amounts.MEMORY)))]
Storage = Annotated[Scalar, AfterValidator(_amount(partial(amounts.bytes_for, use=amounts.STORAGE)))]
DirectorySize = Annotated[Scalar, AfterValidator(_amount(partial(amounts.bytes_for, use=amounts.DIRECTORY)))]
Image = Annotated[str, AfterValidator(_image)]
Certificates = Annotated[str, AfterValidator(_certificates)]
Group = Annotated[str, AfterValidator(_group), Field(min_length=1, max_length=253)]
Host = Annotated[str, AfterValidator(_host)]
Namespace = Annotated[str, AfterValidator(_namespace)]
Name = Annotated[
    str,
    matching(
        _LABEL,
        "this name is a DNS label: at most 63 lower-case letters, digits and dashes",
        "my-name",
    ),
]
Subdomain = Annotated[
    str,
    matching(
        _SUBDOMAIN,
        "an object's name is labels of lower-case letters, digits and dashes, dots between, at most 253",
        "my-name",
    ),
]
PathSegment = Annotated[
    str, matching(_SEGMENT, "it is a part of a URL's path: not empty, without `/`, `%` and spaces", "my-name")
]
Key = Annotated[
    str,
    matching(
        _KEY,
        "a key of a Secret is letters, digits, `.`, `-` and `_`, at most 253, and does not begin with `..`",
        "password",
    ),
]
EnvironmentName = Annotated[
    str,
    matching(
        re.compile(_QUALIFIED),
        "it is the value of a label: at most 63 letters, digits, `.`, `-`, `_`, no sign at either end",
        "dev",
    ),
]
Account = Annotated[str, AfterValidator(_account)]
Variable = Annotated[
    str,
    matching(
        _VARIABLE,
        "an environment variable is letters, digits, `_`, `.` and `-`, no digit first",
        "use a name such as LOG_LEVEL",
    ),
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
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[
    str,
    matching(
        re.compile(rf"(?:{_QUALIFIED})?"),
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
# Of a request: usage goes beyond it, up to the limit.
Percent = Annotated[int, Field(ge=1, le=10_000)]
Seconds = Annotated[int, Field(ge=0, le=86400)]
Command = Annotated[tuple[Scalar, ...], BeforeValidator(_sequence), Field(min_length=1)]
Sequence = BeforeValidator(_sequence)
