"""Objects that an attacker may try against the rules: one idea each.

Written before the rules were read again. Each is judged by the whole table, and must break one rule at least.
What passes is listed in `PASSES` with the reason.
"""

from collections.abc import Iterator
from typing import Any

from .manifests import Manifest, changed

_RBAC = "rbac.authorization.k8s.io"
_GATEWAY = "gateway.networking.k8s.io/v1"


def _object(api_version: str, kind: str, **rest: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, **rest}


def _role(kind: str = "Role", **rule: Any) -> Manifest:
    return _object(f"{_RBAC}/v1", kind, rules=[{"apiGroups": [""], "verbs": ["get"], **rule}])


def _binding(role: str, subject: str, kind: str = "Group") -> Manifest:
    return _object(
        f"{_RBAC}/v1",
        "ClusterRoleBinding",
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": _RBAC, "kind": kind, "name": subject}],
    )


def _cluster(**spec: Any) -> Manifest:
    return changed("Cluster", {f"spec/{path.replace('__', '/')}": value for path, value in spec.items()})


def _pod(**change: Any) -> Manifest:
    return changed("Deployment", {path.replace("__", "/"): value for path, value in change.items()})


def _env(name: str, value: str) -> Manifest:
    return _pod(container__env=[{"name": name, "value": value}])


def _config(**data: str) -> Manifest:
    return changed("ConfigMap", {"data": data})


def _policy(direction: str, peer: Any, **port: Any) -> Manifest:
    key = "from" if direction == "ingress" else "to"
    return changed("NetworkPolicy", {f"spec/{direction}": [{key: [peer], "ports": [port or {"port": 80}]}]})


_NAMED = "kubernetes.io/metadata.name"
_SOME = {"podSelector": {"matchLabels": {"a": "b"}}}
_EVIL = {"name": "evil", "image": "evil:latest", "command": ["sh"]}
_TOKEN = "glpat-" + "feastflow00000000000"
_KEY = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END"


def _privileges() -> Iterator[tuple[str, Manifest]]:
    yield "watch of secrets by name", _role(resources=["secrets"], verbs=["watch"], resourceNames=["a"])
    yield "deletecollection of secrets", _role(resources=["secrets"], verbs=["deletecollection"])
    yield "exec by get, as websockets do", _role(resources=["pods/exec"], verbs=["get"])
    yield "subresources of everything", _role(resources=["*/token"], verbs=["create"])
    yield "impersonation of one user", _role("ClusterRole", resources=["users"], verbs=["impersonate"])
    yield "groups to impersonate", _role("ClusterRole", resources=["groups"], verbs=["impersonate"])
    yield (
        "approval of certificates",
        _role(
            "ClusterRole",
            apiGroups=["certificates.k8s.io"],
            resources=["signers"],
            resourceNames=["kubernetes.io/kube-apiserver-client"],
            verbs=["approve"],
        ),
    )
    yield (
        "the whole API by its path",
        _object(f"{_RBAC}/v1", "ClusterRole", rules=[{"nonResourceURLs": ["/api/*"], "verbs": ["get"]}]),
    )
    yield (
        "aggregation of every role",
        _object(
            f"{_RBAC}/v1",
            "ClusterRole",
            aggregationRule={"clusterRoleSelectors": [{"matchLabels": {}}]},
            rules=[],
        ),
    )
    yield (
        "rules lent to edit",
        {
            **_role("ClusterRole", resources=["pods"]),
            "metadata": {"name": "web", "labels": {f"{_RBAC}/aggregate-to-edit": "true"}},
        },
    )
    yield "ephemeral containers", _role(resources=["pods/ephemeralcontainers"], verbs=["patch"])
    yield "Jobs of one's own", _role(apiGroups=["batch"], resources=["jobs"], verbs=["create"])
    yield (
        "admission deleted",
        _role("ClusterRole", resources=["validatingadmissionpolicies"], verbs=["deletecollection"]),
    )
    yield "admin for all accounts of a namespace", _binding("admin", "system:serviceaccounts:web")
    yield "view for those who are not known", _binding("view", "system:unauthenticated")
    yield "a role for the anonymous", _binding("web", "system:anonymous", kind="User")
    yield "edit for a user", _binding("edit", "alice", kind="User")
    yield (
        "a token for another audience",
        _pod(
            pod__volumes=[
                {
                    "name": "t",
                    "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "x"}}]},
                }
            ]
        ),
    )
    yield (
        "a Secret that Kubernetes fills with a token",
        changed("Secret", {"type": "kubernetes.io/service-account-token"}),
    )


def _templates() -> Iterator[tuple[str, Manifest]]:
    yield (
        "a Workflow's container",
        _object("argoproj.io/v1alpha1", "Workflow", spec={"templates": [{"name": "a", "container": _EVIL}]}),
    )
    yield (
        "a CronWorkflow's sidecar",
        _object(
            "argoproj.io/v1alpha1",
            "CronWorkflow",
            spec={"workflowSpec": {"templates": [{"sidecars": [{**_EVIL, "mirrorVolumeMounts": True}]}]}},
        ),
    )
    yield "a Task's step", _object("tekton.dev/v1", "Task", spec={"steps": [{**_EVIL, "script": "id"}]})
    yield (
        "a RayCluster's head",
        _object(
            "ray.io/v1", "RayCluster", spec={"headGroupSpec": {"template": {"spec": {"containers": [_EVIL]}}}}
        ),
    )
    yield (
        "a privileged container of Prometheus",
        _object(
            "monitoring.coreos.com/v1",
            "Prometheus",
            spec={"containers": [{"name": "prometheus", "securityContext": {"privileged": True}}]},
        ),
    )
    yield "a PodTemplate", _object("v1", "PodTemplate", template={"spec": {"containers": [_EVIL]}})
    yield (
        "a Rollout without hardening",
        _object(
            "argoproj.io/v1alpha1",
            "Rollout",
            spec={"template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}},
        ),
    )
    yield "a Pooler on its node's network", changed("Pooler", {"pod/hostNetwork": True})
    yield (
        "a Pooler with a secret in its environment",
        changed("Pooler", {"container/env": [{"name": "PGPASSWORD", "value": "hunter2"}]}),
    )
    yield (
        "a manifest inside of an Object",
        _object(
            "kubernetes.crossplane.io/v1alpha2",
            "Object",
            spec={
                "forProvider": {"manifest": {"kind": "Pod", "spec": {"hostPID": True, "containers": [_EVIL]}}}
            },
        ),
    )


def _database() -> Iterator[tuple[str, Manifest]]:
    yield "a role that replicates", _cluster(managed__roles=[{"name": "a", "replication": True}])
    yield (
        "a role that reads every file",
        _cluster(managed__roles=[{"name": "a", "inRoles": ["pg_read_server_files"]}]),
    )
    yield "trust after a tab", _cluster(postgresql__pg_hba=["hostssl\tall\tall\tall\ttrust"])
    yield "cleartext passwords", _cluster(postgresql__pg_hba=["hostssl all all all password"])
    yield (
        "a superuser by SQL",
        _cluster(bootstrap={"initdb": {"postInitTemplateSQL": ["create user evil with superuser"]}}),
    )
    yield (
        "SQL from a ConfigMap",
        _cluster(
            bootstrap={
                "initdb": {"postInitApplicationSQLRefs": {"configMapRefs": [{"name": "a", "key": "b"}]}}
            }
        ),
    )
    yield (
        "a database on every node's port",
        _cluster(managed__services={"additional": [{"serviceTemplate": {"spec": {"type": "NodePort"}}}]}),
    )
    yield (
        "a patch of the operator's pods",
        changed("Cluster", {"metadata/annotations": {"cnpg.io/podPatch": "[]"}}),
    )


def _network() -> Iterator[tuple[str, Manifest]]:
    yield "half of the Internet", _policy("ingress", {"ipBlock": {"cidr": "0.0.0.0/1"}})
    yield "IPv6, all of it, written long", _policy("egress", {"ipBlock": {"cidr": "0:0:0:0:0:0:0:0/0"}})
    yield (
        "every namespace with a name",
        _policy(
            "ingress",
            {
                "namespaceSelector": {
                    "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]
                }
            },
        ),
    )
    yield (
        "all ports but one",
        _policy("egress", _SOME, port=2, endPort=65535),
    )
    yield (
        "a protocol without a port",
        _policy("ingress", _SOME, protocol="SCTP"),
    )
    yield (
        "the metadata service",
        _policy("egress", {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}),
    )


def _routes() -> Iterator[tuple[str, Manifest]]:
    yield (
        "an Istio Gateway",
        _object("networking.istio.io/v1beta1", "Gateway", spec={"servers": [{"hosts": ["*"]}]}),
    )
    yield "UDP past the edge", _object("gateway.networking.k8s.io/v1alpha2", "UDPRoute", spec={"rules": [{}]})
    yield (
        "TLS passed through",
        _object(
            "gateway.networking.k8s.io/v1alpha2",
            "TLSRoute",
            spec={"hostnames": ["a.example.com"], "rules": [{}]},
        ),
    )
    yield (
        "a Gateway for a selector of namespaces",
        changed("Gateway", {"spec/listeners/0/allowedRoutes": {"namespaces": {"from": "Selector"}}}),
    )
    yield (
        "a second host without TLS",
        changed(
            "Ingress",
            {"spec/rules": [{"host": "web.example.com"}, {"host": "admin.example.com"}]},
        ),
    )
    yield (
        "a snippet by another controller",
        changed("Ingress", {"metadata/annotations": {"nginx.org/server-snippets": "return 200;"}}),
    )
    yield "a Service that is a name", changed("Service", {"spec/externalName": "metadata.google.internal"})
    yield "Endpoints, the old way", _object("v1", "Endpoints", subsets=[{"addresses": [{"ip": "10.0.0.1"}]}])


def _secrets() -> Iterator[tuple[str, Manifest]]:
    yield "a token in a query", _env("SOURCE", "https://api.example.com/v1?access_token=hunter2")
    yield "a connection string", _env("STORE", "DefaultEndpointsProtocol=https;AccountKey=aHVudGVyMg==;")
    yield "a key in a script", _config(start=f"cat > key <<E\n{_KEY}\nE")
    yield "a token in TOML", _config(settings='[git]\ntoken = "hunter2"\n')
    yield "a token in a URL of git", _config(remote=f"https://oauth2:{_TOKEN}@git.example.com/a.git")
    yield "a password in Base64", _env("DB_PASSWORD_B64", "aHVudGVyMg==")
    yield (
        "a header of a start-up probe",
        _pod(
            container__startupProbe={
                "httpGet": {"port": "http", "httpHeaders": [{"name": "X-Auth-Token", "value": "hunter2"}]}
            }
        ),
    )
    yield (
        "a password for wget",
        _pod(container__args=["sh", "-c", "wget --user=a --password=hunter2 http://b"]),
    )
    yield (
        "an annotation for a webhook",
        _pod(metadata__annotations={"example.com/hook": "https://hooks.slack.com/services/T0/B0/x"}),
    )


def _pods() -> Iterator[tuple[str, Manifest]]:
    yield (
        "AppArmor off in a Job's template",
        changed(
            "Job",
            {
                "spec/template/metadata": {
                    "annotations": {"container.apparmor.security.beta.kubernetes.io/work": "unconfined"}
                }
            },
        ),
    )
    yield "above every other pod", changed("CronJob", {"pod/priorityClassName": "system-cluster-critical"})
    yield (
        "on the control plane",
        _pod(pod__tolerations=[{"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}]),
    )
    yield "an inline CSI volume", _pod(pod__volumes=[{"name": "a", "csi": {"driver": "hostpath.csi.k8s.io"}}])
    yield "an image as a volume", _pod(pod__volumes=[{"name": "a", "image": {"reference": "evil:latest"}}])
    yield (
        "a name that leads elsewhere",
        _pod(pod__hostAliases=[{"ip": "203.0.113.7", "hostnames": ["postgres"]}]),
    )
    yield "a null that is a volume", _pod(pod__volumes=[{"name": "a", "emptyDir": None, "configMap": None}])
    yield "a null that hides a default", _pod(pod__automountServiceAccountToken=None)


HOSTILE = [
    *_privileges(),
    *_templates(),
    *_database(),
    *_network(),
    *_routes(),
    *_secrets(),
    *_pods(),
]
# By name, with the reason.
PASSES: dict[str, str] = {}
