"""Cases of the rules about pod-security."""

from ..manifests import DELETE
from .shape import About, at, container, pod

ABOUT: dict[str, About] = {
    "host-namespaces": About(
        kind="Deployment",
        field="pod/hostNetwork",
        allowed=at("pod/hostNetwork", False),
        denied=at("pod/hostPID", True)
        + at("pod/hostIPC", True)
        + ({"pod/hostNetwork": True, "container/ports/0/hostPort": DELETE},),
    ),
    "privileged": About(
        kind="Deployment",
        field=container("privileged"),
        allowed=at(container("privileged"), False, DELETE),
        denied=({container("privileged"): True, container("allowPrivilegeEscalation"): DELETE},),
    ),
    "privilege-escalation": About(
        kind="Deployment",
        field=container("allowPrivilegeEscalation"),
        allowed=at(container("allowPrivilegeEscalation"), False),
        denied=(
            *at(container("allowPrivilegeEscalation"), True, DELETE),
            {"init/securityContext/allowPrivilegeEscalation": True},
        ),
    ),
    "capabilities": About(
        kind="Deployment",
        field=container("capabilities"),
        allowed=at(
            container("capabilities"),
            {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            {"drop": ["CHOWN", "ALL"]},
        ),
        denied=at(
            container("capabilities"),
            DELETE,
            {"drop": ["CHOWN"]},
            {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
            {"drop": ["all"]},
        ),
    ),
    "volume-types": About(
        kind="Deployment",
        field="pod/volumes",
        also={"container/volumeMounts": DELETE, "init/volumeMounts": DELETE},
        allowed=at(
            "pod/volumes/0",
            {"name": "tmp", "configMap": {"name": "web"}},
            {"name": "tmp", "persistentVolumeClaim": {"claimName": "web"}},
            {"name": "tmp", "projected": {"sources": [{"secret": {"name": "web"}}]}},
        ),
        denied=at(
            "pod/volumes/0",
            {"name": "tmp", "hostPath": {"path": "/"}},
            {"name": "tmp", "nfs": {"server": "192.0.2.1", "path": "/"}},
            {"name": "tmp", "csi": {"driver": "secrets-store.csi.k8s.io"}},
        ),
    ),
    "host-ports": About(
        kind="Deployment",
        field="container/ports/0/hostPort",
        allowed=at("container/ports/0/hostPort", 0),
        denied=at("container/ports/0/hostPort", 8080),
    ),
    "host-probes": About(
        kind="Deployment",
        field="container/readinessProbe/httpGet/host",
        allowed=at("container/readinessProbe/httpGet/host", ""),
        denied=(
            *at("container/readinessProbe/httpGet/host", "192.0.2.1"),
            {"container/lifecycle/postStart": {"httpGet": {"host": "192.0.2.1", "port": "http"}}},
            {"container/startupProbe": {"tcpSocket": {"host": "192.0.2.1", "port": 8080}}},
        ),
        wrong=["192.0.2.1"],
    ),
    "apparmor": About(
        kind="Deployment",
        field=pod("appArmorProfile"),
        allowed=(
            *at(
                pod("appArmorProfile"),
                {"type": "RuntimeDefault"},
                {"type": "Localhost", "localhostProfile": "web"},
            ),
            *at(container("appArmorProfile"), {"type": "RuntimeDefault"}),
        ),
        denied=(
            *at(pod("appArmorProfile"), {"type": "Unconfined"}),
            *at(container("appArmorProfile"), {"type": "Unconfined"}),
        ),
    ),
    "selinux": About(
        kind="Deployment",
        field=pod("seLinuxOptions"),
        allowed=at(pod("seLinuxOptions"), {"type": "container_t", "level": "s0:c1"}),
        denied=(
            *at(pod("seLinuxOptions"), {"type": "spc_t"}, {"user": "root"}),
            *at(container("seLinuxOptions"), {"role": "sysadm_r"}),
        ),
    ),
    "proc-mount": About(
        kind="Deployment",
        field=container("procMount"),
        allowed=at(container("procMount"), "Default"),
        denied=({container("procMount"): "Unmasked", "pod/hostUsers": False},),
        wrong=["Default"],
    ),
    "seccomp": About(
        kind="Deployment",
        field=pod("seccompProfile"),
        allowed=(
            *at(pod("seccompProfile"), {"type": "Localhost", "localhostProfile": "web.json"}),
            {
                pod("seccompProfile"): DELETE,
                container("seccompProfile"): {"type": "RuntimeDefault"},
                "init/securityContext/seccompProfile": {"type": "RuntimeDefault"},
            },
        ),
        denied=(
            *at(pod("seccompProfile"), DELETE, {"type": "Unconfined"}),
            *at(container("seccompProfile"), {"type": "Unconfined"}),
        ),
    ),
    "sysctls": About(
        kind="Deployment",
        field=pod("sysctls"),
        allowed=at(pod("sysctls"), [], [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
        denied=at(pod("sysctls"), [{"name": "kernel.msgmax", "value": "1"}]),
    ),
    "windows-host-process": About(
        kind="Deployment",
        field=pod("windowsOptions"),
        allowed=at(pod("windowsOptions"), {}, {"runAsUserName": "web"}),
        denied=(
            {
                "pod/os": {"name": "windows"},
                pod("windowsOptions"): {"hostProcess": True},
                "pod/hostNetwork": True,
            },
        ),
    ),
    "run-as-non-root": About(
        kind="Deployment",
        field=pod("runAsNonRoot"),
        allowed=(
            {
                pod("runAsNonRoot"): DELETE,
                container("runAsNonRoot"): True,
                "init/securityContext/runAsNonRoot": True,
            },
        ),
        denied=(*at(pod("runAsNonRoot"), DELETE, False), *at(container("runAsNonRoot"), False)),
    ),
    "run-as-user": About(
        kind="Deployment",
        field=pod("runAsUser"),
        allowed=(
            {pod("runAsUser"): DELETE, container("runAsUser"): 1, "init/securityContext/runAsUser": 2},
            *at(pod("runAsUser"), 2147483647),
        ),
        denied=(*at(pod("runAsUser"), DELETE, 0), *at("init/securityContext/runAsUser", 0)),
    ),
    "run-as-group": About(
        kind="Deployment",
        field=pod("runAsGroup"),
        allowed=at(container("runAsGroup"), 7),
        denied=(*at(pod("runAsGroup"), DELETE, 0), *at(container("runAsGroup"), 0)),
    ),
    "groups": About(
        kind="Deployment",
        field=pod("fsGroup"),
        allowed=(*at(pod("fsGroup"), DELETE, 7), *at(pod("supplementalGroups"), [7, 8])),
        denied=(*at(pod("fsGroup"), 0), *at(pod("supplementalGroups"), [7, 0])),
    ),
    "read-only-root": About(
        kind="Deployment",
        field=container("readOnlyRootFilesystem"),
        allowed=at(container("readOnlyRootFilesystem"), True),
        denied=at(container("readOnlyRootFilesystem"), DELETE, False),
    ),
}
