"""Names of hosts as a pod's resolver reads them: of the cluster, public, private, or either.

https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
Pure: no name is looked up.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

_SERVICE, _POD = "svc", "pod"
# name.namespace.svc, pod.name.namespace.svc (of a StatefulSet), 10-0-0-1.namespace.pod
_BEFORE_SERVICE, _BEFORE_POD = (2, 3), (2,)
# A resolver first looks for a short name in the cluster, so these may be both.
_SHORT = 2
_OF_A_STATEFUL_SET = re.compile(r"[a-z0-9-]+-[0-9]+(\.[a-z0-9-]+){2}")
_DIGIT_OR_DASH = re.compile(r"[0-9-]")
# Of the Internet, and no team's or program's namespace.
_GENERIC = frozenset({"biz", "com", "edu", "gov", "info", "int", "mil", "net", "org"})
# https://www.iana.org/domains/root/db, but for those that teams and programs are
# called by as well: bi, cd, ci, gw, ml, mq, pg, qa and tf.
_COUNTRIES = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bj bm bn bo br bs bt bw by "
    "bz ca cc cf cg ch ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj "
    "fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gy hk hm hn hr ht hu id ie il im in io "
    "iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md "
    "me mg mh mk mm mn mo mp mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf "
    "ph pk pl pm pn pr ps pt pw py re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv "
    "sx sy sz tc td tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws "
    "ye yt za zm zw "
)
# https://www.rfc-editor.org/rfc/rfc6761, https://www.rfc-editor.org/rfc/rfc6762#appendix-G and
# https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en
# for `internal`; Consul's; and what routers call a network.
_PRIVATE = (
    "consul corp domain example home internal intranet invalid lan local localdomain localhost private test"
)
_PRIVATE_ENDS = (".home.arpa", ".internal.cloudapp.net")
_PRIVATE_LABELS = re.compile(r"privatelink|vpce-[a-z0-9-]+")
_PUBLIC_ENDS = _GENERIC.union(_COUNTRIES.split())
_PRIVATE_LAST = frozenset(_PRIVATE.split())


class Kind(Enum):
    """The kinds of names."""

    CLUSTER = auto()
    """A Service or a pod, in a namespace that the name has in it."""
    OWN = auto()
    """A Service of the namespace that asks."""
    OTHER_DOMAIN = auto()
    """One of a cluster whose domain is another one."""
    UNKNOWN = auto()
    """Written as a name of the cluster's, but no form of one."""
    EITHER = auto()
    """A short name of a Service, or a public host."""
    PRIVATE = auto()
    """A host that no public DNS server knows."""
    PUBLIC = auto()
    """Any other host."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A name, read. `namespace` and `service` are of what is in the cluster, or may be."""

    kind: Kind
    service: str = ""
    namespace: str = ""
    domain: str = ""


def read(name: str, domain: str) -> Host:
    """Return what the name is in a cluster of this domain; a dot at its end says that it is no short one."""
    absolute, plain = name.endswith("."), name.removesuffix(".")
    labels = plain.removesuffix(f".{domain}").split(".")
    inside = plain.endswith(f".{domain}")
    for at, label in enumerate(labels):
        forms = {_SERVICE: _BEFORE_SERVICE, _POD: _BEFORE_POD}.get(label, ())
        if at not in forms:
            continue
        found = {"service": labels[at - 2], "namespace": labels[at - 1]}
        rest = ".".join(labels[at + 1 :])
        if not rest:
            return Host(kind=Kind.CLUSTER, **found)
        if not inside:
            return Host(kind=Kind.OTHER_DOMAIN, domain=rest, **found)
    if inside or plain == domain or labels[-1] in (_SERVICE, _POD):
        return Host(kind=Kind.UNKNOWN)
    return _outside(plain, labels, absolute=absolute)


def _outside(plain: str, labels: list[str], *, absolute: bool) -> Host:
    last = labels[-1]
    if len(labels) == 1:
        return Host(kind=Kind.PRIVATE if absolute else Kind.OWN, service=last)
    if last in _PRIVATE_LAST or plain.endswith(_PRIVATE_ENDS) or any(map(_PRIVATE_LABELS.fullmatch, labels)):
        return Host(kind=Kind.PRIVATE)
    # No public domain ends in a label with a digit or a dash, but for those in other scripts.
    other_script = last.startswith("xn--")
    never_public = not other_script and _DIGIT_OR_DASH.search(last)
    if not absolute and (len(labels) == _SHORT or _OF_A_STATEFUL_SET.fullmatch(plain)):
        found = {"service": labels[-2], "namespace": last}
        if never_public:
            return Host(kind=Kind.CLUSTER, **found)
        if last not in _PUBLIC_ENDS and not other_script:
            return Host(kind=Kind.EITHER, **found)
    return Host(kind=Kind.PRIVATE if never_public else Kind.PUBLIC)
