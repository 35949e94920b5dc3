"""Cases of the rules about privileges and tokens."""

from ..manifests import DELETE
from .shape import About, Change, at


def _rules(*resources: str, verbs: tuple[str, ...] = ("get",), **more: object) -> Change:
    return {"rules": [{"apiGroups": [""], "resources": list(resources), "verbs": list(verbs), **more}]}


def _subjects(*names: str, kind: str = "Group") -> tuple[Change, ...]:
    return tuple(
        {
            "subjects": [
                {"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"}
                if kind != "ServiceAccount"
                else {"kind": kind, "name": name, "namespace": "web"}
            ]
        }
        for name in names
    )


_GIVEN = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}

ABOUT: dict[str, About] = {
    "role-privileges": About(
        kind="Role",
        field="rules",
        allowed=(
            _rules("pods", "pods/log", "configmaps", verbs=("get", "list", "watch")),
            _rules("deployments/scale", "leases", verbs=("get", "update", "patch")),
            _rules("deployments", "jobs", "roles", verbs=("get", "list", "watch")),
            _rules("events", verbs=("create",)),
        ),
        denied=(
            _rules("secrets", verbs=("get", "list")),
            _rules("secrets", resourceNames=["one"]),
            _rules("pods", "secrets", verbs=("watch",)),
            _rules("pods/exec", verbs=("create",)),
            *(
                _rules(each)
                for each in (
                    "pods/attach",
                    "pods/portforward",
                    "pods/proxy",
                    "pods/ephemeralcontainers",
                    "services/proxy",
                    "nodes/proxy",
                    "nodes/log",
                )
            ),
            _rules("serviceaccounts/token", verbs=("create",)),
            _rules("serviceaccounts", verbs=("create",)),
            _rules("pods", verbs=("create",)),
            _rules("deployments", verbs=("patch",)),
            _rules("cronjobs", verbs=("get", "update")),
            _rules("rolebindings", verbs=("create",)),
            _rules("roles", verbs=("escalate",)),
            _rules("clusterroles", verbs=("bind",)),
            _rules("users", "groups", verbs=("impersonate",)),
            _rules("users", verbs=("impersonate:user-info",)),
            _rules("signers", verbs=("approve",)),
            _rules("signers", verbs=("sign",)),
            _rules("certificatesigningrequests", verbs=("create",)),
            _rules("certificatesigningrequests/approval", verbs=("update",)),
            _rules("validatingadmissionpolicybindings", verbs=("delete",)),
            _rules("mutatingwebhookconfigurations", verbs=("patch",)),
            _rules("externalsecrets", verbs=("create",)),
            _rules("clusters", "poolers", verbs=("patch",)),
        ),
    ),
    "role-patterns": About(
        kind="Role",
        field="rules",
        allowed=(_rules("pods", resourceNames=["web-1"]),),
        denied=(
            _rules("*/exec", verbs=("create",)),
            _rules("pods/*"),
            _rules("*/*"),
            _rules("*"),
            _rules("pods", verbs=("*",)),
            {"rules": [{"apiGroups": ["*.k8s.io"], "resources": ["pods"], "verbs": ["get"]}]},
            {"metadata/labels": {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}},
        ),
    ),
    "binding-role": About(
        kind="RoleBinding",
        field="roleRef/name",
        wrong=["web"],
        allowed=at("roleRef", {**_GIVEN, "name": "view"}, {**_GIVEN, "name": "web-reader"}),
        denied=at(
            "roleRef",
            *(
                {**_GIVEN, "name": name}
                for name in ("cluster-admin", "admin", "edit", "system:node", "web-admin", "system:masters")
            ),
        ),
    ),
    "binding-subjects": About(
        kind="RoleBinding",
        field="subjects",
        allowed=(
            *_subjects("web", kind="ServiceAccount"),
            *_subjects("alice@example.com", "system:serviceaccount:web:worker", kind="User"),
            {"subjects": []},
        ),
        denied=(
            *_subjects(
                "system:authenticated",
                "system:unauthenticated",
                "system:serviceaccounts",
                "system:serviceaccounts:web",
                "system:masters",
                "system:nodes",
                "*",
            ),
            *_subjects("system:anonymous", "system:serviceaccount:web:default", "system:admin", kind="User"),
            *_subjects("default", kind="ServiceAccount"),
        ),
    ),
    "projected-token": About(
        kind="Deployment",
        field="pod/volumes/0/projected",
        also={"pod/volumes/0": {"name": "tmp"}},
        allowed=at(
            "pod/volumes/0",
            {"name": "tmp", "projected": {"sources": [{"secret": {"name": "web-1"}}]}},
            {
                "name": "tmp",
                "projected": {"sources": [{"clusterTrustBundle": {"name": "ca", "path": "ca.crt"}}]},
            },
        ),
        denied=at(
            "pod/volumes/0",
            {"name": "tmp", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            {
                "name": "tmp",
                "projected": {
                    "sources": [
                        {"configMap": {"name": "web"}},
                        {"serviceAccountToken": {"path": "token", "audience": "vault"}},
                    ]
                },
            },
        ),
    ),
    "token-secret": About(
        kind="Secret",
        field="type",
        wrong=["Opaque"],
        allowed=at("type", DELETE, "kubernetes.io/basic-auth"),
        denied=(
            {
                "type": "kubernetes.io/service-account-token",
                "metadata/annotations": {"kubernetes.io/service-account.name": "web"},
            },
            {"type": "bootstrap.kubernetes.io/token"},
        ),
    ),
}
