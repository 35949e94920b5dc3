"""Cases of the rules about resources."""

from ..manifests import DELETE
from .shape import MEMORY, About, at

ABOUT: dict[str, About] = {
    "resource-limits": About(
        kind="Deployment",
        field="container/resources/limits",
        allowed=at(MEMORY.format("limits"), "1Gi", "128M", "1e9", "134217728"),
        denied=(
            *at("container/resources/limits", DELETE, {}),
            *(
                {f"container/resources/limits/{name}": DELETE}
                for name in ("cpu", "memory", "ephemeral-storage")
            ),
            {"init/resources": {"requests": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Mi"}}},
            {"container/resources/limits/cpu": "0", "container/resources/requests/cpu": "0"},
        ),
    ),
    "resource-requests": About(
        kind="StatefulSet",
        field="container/resources/requests",
        allowed=at("container/resources/requests/cpu", "1", "0.5", "500m", "1n", 1),
        denied=(
            *at("container/resources/requests", DELETE, {}),
            *(
                {f"container/resources/requests/{name}": DELETE}
                for name in ("cpu", "memory", "ephemeral-storage")
            ),
            {"init/resources/requests/cpu": "0"},
        ),
    ),
    "resource-request-within-limit": About(
        kind="Deployment",
        field=MEMORY.format("requests"),
        allowed=at(MEMORY.format("requests"), "128Mi", "134217728", "134217.728k", "1e8"),
        denied=at(MEMORY.format("requests"), "129Mi", "134217729", "1E", "999999999999Ki"),
        wrong=["128Mi"],
    ),
    "volume-size": About(
        kind="Deployment",
        field="pod/volumes/0/emptyDir/sizeLimit",
        allowed=(
            *at("pod/volumes/0/emptyDir/sizeLimit", "1Gi"),
            {"pod/volumes/0": {"name": "tmp", "secret": {"secretName": "web-1"}}},
        ),
        denied=(
            *at("pod/volumes/0/emptyDir/sizeLimit", DELETE, "0"),
            {"pod/volumes/0/emptyDir": {"medium": "Memory"}},
            {"pod/volumes/0": {"name": "tmp", "emptyDir": None}},
            {"pod/volumes/0": {"name": "tmp", "emptyDir": None, "secret": None}},
        ),
        wrong={"size": 1},
        # Kubernetes caps what is too large, unless nothing can be.
        huge="9" * 100_000 + "Zi",
    ),
}
