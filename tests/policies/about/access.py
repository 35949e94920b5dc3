"""Cases of the rules about access."""

from ..manifests import DELETE
from .shape import About, at

ABOUT: dict[str, About] = {
    "service-account": About(
        kind="Deployment",
        field="pod/serviceAccountName",
        allowed=at("pod/serviceAccountName", "other"),
        denied=at("pod/serviceAccountName", DELETE, "default", ""),
        wrong=["web"],
    ),
    "service-account-token": About(
        kind="Deployment",
        field="pod/automountServiceAccountToken",
        allowed=at("pod/automountServiceAccountToken", False),
        denied=at("pod/automountServiceAccountToken", DELETE, True),
    ),
    "service-links": About(
        kind="Deployment",
        field="pod/enableServiceLinks",
        allowed=at("pod/enableServiceLinks", False),
        denied=at("pod/enableServiceLinks", DELETE, True),
    ),
    "account-token": About(
        kind="ServiceAccount",
        field="automountServiceAccountToken",
        allowed=at("automountServiceAccountToken", False),
        denied=at("automountServiceAccountToken", DELETE, True),
    ),
    "role-wildcard": About(
        kind="Role",
        field="rules",
        allowed=at("rules", [], [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]),
        denied=at(
            "rules",
            [{"apiGroups": [""], "resources": ["*"], "verbs": ["get"]}],
            [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}],
            [{"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}],
        ),
    ),
}
