"""Pod Security `restricted`, whole, and what is stricter still.

The checks and their values are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/;
tests/judges/ compares the verdicts with those of Kubernetes' own evaluator.
"""

from ..expression import Expression, Field
from ..kinds import TEMPLATED
from ..rule import Rule, Severity
from ..vocabulary import (
    CONTAINER,
    POD,
    Default,
    Every,
    Literal,
    Some,
    Subject,
    Variable,
    effective,
    every,
    flag,
    if_,
    is_,
    items,
    less,
    number,
    one_of,
    present,
    text,
)

_CATEGORY = "pod-security"
_VOLUME, _TYPE, _PORT, _SYSCTL = Variable("volume"), Variable("type"), Variable("port"), Variable("sysctl")
_CAPABILITY, _GROUP, _KEY = Variable("capability"), Variable("group"), Variable("key")
_VOLUME_TYPES = (
    "name",
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_PROFILES = ("RuntimeDefault", "Localhost")


def _security(*names: str, shape: type) -> tuple[Field, Field]:
    """Return the field of the container, and the pod's own."""
    path = ("securityContext", *names)
    return Field(CONTAINER, path, shape), Field(POD, path, shape)


def _both(names: tuple[str, ...], shape: type, default: object, *allowed: object) -> Expression:
    """Return the test that container and pod set nothing but the values allowed."""
    return every(*(one_of(Default(field, default), *allowed) for field in _security(*names, shape=shape)))


def _positive(field: Expression) -> Expression:
    return less(Literal(0), Default(field, 0))


_RULES: tuple[tuple[str, Severity, Subject, Expression, str, str], ...] = (
    (
        "host-namespaces",
        Severity.CRITICAL,
        Subject.POD,
        every(*(is_(Default(flag(POD, name), False), False) for name in _HOST_NAMESPACES)),
        "A pod sees neither the node's network nor its processes.",
        "leave hostNetwork, hostPID and hostIPC out",
    ),
    (
        "privileged",
        Severity.CRITICAL,
        Subject.CONTAINERS,
        is_(Default(flag(CONTAINER, "securityContext", "privileged"), False), False),
        "A container is not root on its node.",
        "leave securityContext.privileged out",
    ),
    (
        "privilege-escalation",
        Severity.HIGH,
        Subject.CONTAINERS,
        is_(Default(flag(CONTAINER, "securityContext", "allowPrivilegeEscalation"), True), False),
        "A set-user-id program in the image gains nothing.",
        "set securityContext.allowPrivilegeEscalation: false",
    ),
    (
        "capabilities",
        Severity.HIGH,
        Subject.CONTAINERS,
        every(
            Some(
                items(CONTAINER, "securityContext", "capabilities", "drop"),
                _CAPABILITY,
                is_(_CAPABILITY, "ALL"),
            ),
            Every(
                items(CONTAINER, "securityContext", "capabilities", "add"),
                _CAPABILITY,
                is_(_CAPABILITY, "NET_BIND_SERVICE"),
            ),
        ),
        "A process has none of root's powers one by one either.",
        "set securityContext.capabilities.drop: [ALL], and add nothing but NET_BIND_SERVICE",
    ),
    (
        "volume-types",
        Severity.CRITICAL,
        Subject.POD,
        Every(
            items(POD, "volumes"),
            _VOLUME,
            Every(_VOLUME, _TYPE, one_of(_TYPE, *_VOLUME_TYPES)),
        ),
        "A pod reads and writes no path of its node, and no storage but its claims.",
        f"use only {', '.join(_VOLUME_TYPES[1:])}",
    ),
    (
        "host-ports",
        Severity.HIGH,
        Subject.CONTAINERS,
        Every(items(CONTAINER, "ports"), _PORT, is_(Default(number(_PORT, "hostPort"), 0), 0)),
        "A pod takes no port of its node, past every NetworkPolicy.",
        "leave hostPort out and let a Service reach the pod",
    ),
    (
        "host-probes",
        Severity.MEDIUM,
        Subject.CONTAINERS,
        every(
            *(
                is_(Default(text(CONTAINER, *path, handler, "host"), ""), "")
                for path in (
                    ("livenessProbe",),
                    ("readinessProbe",),
                    ("startupProbe",),
                    ("lifecycle", "postStart"),
                    ("lifecycle", "preStop"),
                )
                for handler in ("httpGet", "tcpSocket")
            )
        ),
        "The kubelet cannot be made to send requests to others.",
        "leave host out of probes and lifecycle handlers: they ask their own pod",
    ),
    (
        "apparmor",
        Severity.MEDIUM,
        Subject.CONTAINERS,
        _both(("appArmorProfile", "type"), str, "RuntimeDefault", *_PROFILES),
        "The runtime's AppArmor profile stays in force.",
        "leave appArmorProfile out, or set its type to RuntimeDefault or Localhost",
    ),
    (
        "selinux",
        Severity.MEDIUM,
        Subject.CONTAINERS,
        every(
            _both(("seLinuxOptions", "type"), str, "", *_SELINUX_TYPES),
            _both(("seLinuxOptions", "user"), str, "", ""),
            _both(("seLinuxOptions", "role"), str, "", ""),
        ),
        "SELinux confines the container as it confines any other.",
        "leave seLinuxOptions out, or set only its type to one of the container types",
    ),
    (
        "proc-mount",
        Severity.MEDIUM,
        Subject.CONTAINERS,
        is_(Default(text(CONTAINER, "securityContext", "procMount"), "Default"), "Default"),
        "What the kernel shows in /proc stays masked.",
        "leave securityContext.procMount out",
    ),
    (
        "seccomp",
        Severity.HIGH,
        Subject.CONTAINERS,
        one_of(Default(effective("seccompProfile", "type", shape=str), ""), *_PROFILES),
        "System calls that no server needs are out of reach.",
        "set securityContext.seccompProfile.type: RuntimeDefault for the pod",
    ),
    (
        "sysctls",
        Severity.MEDIUM,
        Subject.POD,
        Every(
            items(POD, "securityContext", "sysctls"),
            _SYSCTL,
            one_of(Default(text(_SYSCTL, "name"), ""), *_SYSCTLS),
        ),
        "A pod tunes nothing of the kernel that others share.",
        "leave securityContext.sysctls out",
    ),
    (
        "windows-host-process",
        Severity.CRITICAL,
        Subject.CONTAINERS,
        _both(("windowsOptions", "hostProcess"), bool, False, False),
        "A Windows container is not its node.",
        "leave windowsOptions.hostProcess out",
    ),
    (
        "run-as-non-root",
        Severity.HIGH,
        Subject.CONTAINERS,
        is_(Default(effective("runAsNonRoot", shape=bool), False), True),
        "An image that would run as root does not start.",
        "set securityContext.runAsNonRoot: true for the pod",
    ),
    (
        "run-as-user",
        Severity.HIGH,
        Subject.CONTAINERS,
        _positive(effective("runAsUser", shape=int)),
        "The user is known before the image is, and is not root.",
        "set securityContext.runAsUser to a number above 0",
    ),
    (
        "run-as-group",
        Severity.HIGH,
        Subject.CONTAINERS,
        _positive(effective("runAsGroup", shape=int)),
        "Without one a process is in group 0, to which much in an image belongs.",
        "set securityContext.runAsGroup to a number above 0",
    ),
    (
        "groups",
        Severity.MEDIUM,
        Subject.POD,
        every(
            if_(
                present(number(POD, "securityContext", "fsGroup")),
                _positive(number(POD, "securityContext", "fsGroup")),
            ),
            Every(items(POD, "securityContext", "supplementalGroups"), _GROUP, less(Literal(0), _GROUP)),
        ),
        "Volumes do not belong to root's group.",
        "let fsGroup and supplementalGroups be numbers above 0",
    ),
    (
        "read-only-root",
        Severity.MEDIUM,
        Subject.CONTAINERS,
        is_(Default(flag(CONTAINER, "securityContext", "readOnlyRootFilesystem"), False), True),
        "An attacker in a container cannot leave a program behind.",
        "set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where it writes",
    ),
)

# Rules about fields that an operator completes where its template does not set them.
_FILLED_IN: dict[str, tuple[Field, ...]] = {
    "privilege-escalation": (flag(CONTAINER, "securityContext", "allowPrivilegeEscalation"),),
    "capabilities": (Field(CONTAINER, ("securityContext", "capabilities")),),
    "seccomp": _security("seccompProfile", shape=object),
    "run-as-non-root": _security("runAsNonRoot", shape=object),
    "run-as-user": _security("runAsUser", shape=object),
    "run-as-group": _security("runAsGroup", shape=object),
    "read-only-root": (flag(CONTAINER, "securityContext", "readOnlyRootFilesystem"),),
}
RULES = tuple(
    Rule(
        id=id_,
        category=_CATEGORY,
        severity=severity,
        kinds=TEMPLATED,
        subject=subject,
        holds=holds,
        protects=protects,
        remedy=remedy,
        said=_FILLED_IN.get(id_, ()),
    )
    for id_, severity, subject, holds, protects, remedy in _RULES
)
