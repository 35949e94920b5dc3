"""Cases of the rules about availability."""

from ..manifests import DELETE
from .shape import About, at

ABOUT: dict[str, About] = {
    "rollout-strategy": About(
        kind="Deployment",
        field="spec/strategy",
        allowed=at(
            "spec/strategy/rollingUpdate",
            {"maxUnavailable": 0, "maxSurge": 1},
            {"maxUnavailable": "0%", "maxSurge": "50%"},
        ),
        denied=(
            *at("spec/strategy", DELETE, {"type": "Recreate"}, {"type": "RollingUpdate"}),
            *at("spec/strategy/rollingUpdate/maxUnavailable", 1, "10%", DELETE),
        ),
    ),
    "update-strategy": About(
        kind="StatefulSet",
        field="spec/updateStrategy",
        allowed=at("spec/updateStrategy", DELETE, {"type": "RollingUpdate"}),
        denied=at("spec/updateStrategy", {"type": "OnDelete"}),
    ),
    "spread": About(
        kind="Deployment",
        field="pod/topologySpreadConstraints",
        allowed=(
            {
                "pod/topologySpreadConstraints": DELETE,
                "pod/affinity": {
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {"matchLabels": {"app": "web"}},
                            }
                        ]
                    }
                },
            },
        ),
        denied=at("pod/topologySpreadConstraints", DELETE, []),
    ),
    "spread-stateful": About(
        kind="StatefulSet",
        field="pod/topologySpreadConstraints",
        allowed=(
            {"pod/topologySpreadConstraints": DELETE, "spec/replicas": 1},
            {"pod/topologySpreadConstraints": DELETE, "spec/replicas": DELETE},
        ),
        denied=at("pod/topologySpreadConstraints", DELETE, []),
    ),
    "grace-period": About(
        kind="Deployment",
        field="pod/terminationGracePeriodSeconds",
        allowed=(*at("pod/terminationGracePeriodSeconds", DELETE, 6, 3600), {"container/lifecycle": DELETE}),
        denied=(
            {"pod/terminationGracePeriodSeconds": 0, "container/lifecycle": DELETE},
            {"pod/terminationGracePeriodSeconds": 5},
        ),
    ),
    "disruption-budget-bounds": About(
        kind="PodDisruptionBudget",
        field="spec/maxUnavailable",
        allowed=(
            *at("spec/maxUnavailable", 1, "25%"),
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": 1},
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": "50%"},
        ),
        denied=(
            *at("spec/maxUnavailable", 0, "0%", "100%", DELETE),
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": "100%"},
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": 0},
        ),
        wrong=["1"],
    ),
    "autoscaler-range": About(
        kind="HorizontalPodAutoscaler",
        field="spec/maxReplicas",
        allowed=at("spec/maxReplicas", 3, 100),
        denied=at("spec/maxReplicas", 2),
    ),
    "autoscaler-minimum": About(
        kind="HorizontalPodAutoscaler",
        field="spec/minReplicas",
        allowed=at("spec/minReplicas", 2, 3),
        denied=at("spec/minReplicas", DELETE, 1),
    ),
    "job-deadline": About(
        kind="Job",
        field="spec/activeDeadlineSeconds",
        allowed=at("spec/activeDeadlineSeconds", 1, 86400),
        denied=at("spec/activeDeadlineSeconds", DELETE),
    ),
}
