"""The namespace and its guards."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from components.settings.derived import sizing
from components.settings.model.stack import Stack
from components.settings.values import quantities

from .recorder import Recording, record_stack, stack_file
from .test_settings import parse


def test_pods_below_restricted_are_refused_reported_and_warned_of(dev: Recording) -> None:
    labels = dev.one("Namespace", "feastflow-dev").inputs["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == "v1.34"


def test_every_object_is_in_the_namespace_and_says_to_what_it_belongs(dev: Recording) -> None:
    outside = {
        "Namespace",
        "PriorityClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    for resource in dev.resources:
        if "metadata" not in resource.inputs or resource.is_patch:
            continue
        metadata = resource.inputs["metadata"]
        assert metadata.get("namespace") == (None if resource.kind in outside else "feastflow-dev"), (
            resource.name
        )
        assert metadata["labels"]["app.kubernetes.io/part-of"] == "feastflow", resource.name
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "pulumi", resource.name
        assert metadata["labels"]["app.kubernetes.io/instance"] == "feastflow-dev", resource.name


def test_everything_goes_through_the_one_explicit_provider(dev: Recording) -> None:
    provider = dev.one("kubernetes", "kubernetes")
    assert provider.inputs["enableServerSideApply"] in (True, "true")
    for resource in dev.resources:
        if resource.type.startswith("kubernetes:"):
            assert resource.provider.startswith(provider.urn), resource.name


def test_nothing_goes_in_or_out_until_a_tier_asks(dev: Recording) -> None:
    assert dev.one("NetworkPolicy", "default-deny").inputs["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_every_pod_may_ask_the_clusters_dns_and_only_that(dev: Recording) -> None:
    spec = dev.one("NetworkPolicy", "allow-dns").inputs["spec"]
    assert spec["podSelector"] == {}
    assert spec["policyTypes"] == ["Egress"]
    assert spec["egress"] == [
        {
            "to": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                }
            ],
            "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        }
    ]


def test_developers_may_look_at_pods_and_logs_and_nothing_else(dev: Recording) -> None:
    assert dev.one("Role", "developer").inputs["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]}
    ]
    binding = dev.one("RoleBinding", "developers").inputs
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "developer",
    }
    assert binding["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "feastflow-developers"}
    ]


def test_the_database_outlives_the_tiers_and_preempts_no_pod(dev: Recording) -> None:
    classes = {entry.object_name: entry.inputs for entry in dev.all("PriorityClass")}
    assert classes["feastflow-dev-database"]["value"] == max(entry["value"] for entry in classes.values())
    assert classes["feastflow-dev-backend"]["value"] == classes["feastflow-dev-frontend"]["value"] > 0
    for entry in classes.values():
        assert entry["preemptionPolicy"] == "Never"
        assert entry["globalDefault"] is False


def test_a_stack_that_may_not_make_cluster_objects_makes_none() -> None:
    config = {**stack_file("dev"), "feastflow:tenancy": {"priorityClasses": False}}
    recording = record_stack(config)
    assert recording.all("PriorityClass") == []
    assert all("priorityClassName" not in pod for pod in recording.pods().values())


def test_production_is_protected_on_the_resources_themselves(dev: Recording, prod: Recording) -> None:
    assert {resource.kind for resource in prod.resources if resource.protect} == {"Namespace", "Cluster"}
    assert not any(resource.protect for resource in dev.resources)


def test_the_data_of_a_protected_standalone_database_is_protected() -> None:
    recording = record_stack({**stack_file("dev"), "feastflow:tenancy": {"protect": True}})
    kinds = {resource.kind for resource in recording.resources if resource.protect}
    assert kinds == {"Namespace", "PersistentVolumeClaim"}


def test_the_quota_lets_in_no_other_way(dev: Recording) -> None:
    hard = dev.one("ResourceQuota", "feastflow").inputs["spec"]["hard"]
    assert (hard["services.nodeports"], hard["services.loadbalancers"]) == ("0", "0")


def test_no_container_may_be_larger_than_the_largest_of_the_stack(dev: Recording) -> None:
    container, claim = dev.one("LimitRange", "feastflow").inputs["spec"]["limits"]
    assert container == {
        "type": "Container",
        "max": {"cpu": "1", "memory": "512Mi"},
        "default": {"cpu": "300m", "memory": "256Mi", "ephemeral-storage": "128Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "32Mi"},
    }
    assert claim == {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}}


replicas = st.integers(min_value=2, max_value=50)
millicores = st.integers(min_value=13, max_value=4000)


@given(backend=replicas, frontend=replicas, cpu=millicores, instances=st.integers(min_value=2, max_value=9))
def test_a_rollout_at_full_scale_with_everything_else_at_work_fits_the_quota(
    backend: int, frontend: int, cpu: int, instances: int
) -> None:
    stack = parse(
        backend={
            "autoscaling": {"minReplicas": 1, "maxReplicas": backend},
            "resources": {"requests": {"cpu": f"{cpu}m"}, "limits": {"cpu": f"{2 * cpu}m"}},
        },
        frontend={"autoscaling": {"minReplicas": 1, "maxReplicas": frontend}},
        database={
            "engine": "replicated",
            "instances": instances,
            # For all their connections.
            "resources": {"limits": {"memory": "2Gi"}},
        },
    )
    hard = sizing.quota(stack)
    # Surge is one pod a tier; the pods it replaces still count while they drain.
    pods = 2 * backend + 1 + 2 * frontend + 1 + instances + 1 + 1 + 2
    assert int(hard["pods"]) >= pods
    needed = (
        (2 * backend + 2) * Decimal(cpu) / 1000
        + (2 * frontend + 1) * Decimal("0.1")
        + (instances + 1) * Decimal("0.25")
        + 2 * Decimal("0.05")
    )
    assert needed <= quantities.parse(hard["requests.cpu"])
    assert quantities.parse(hard["limits.cpu"]) >= quantities.parse(hard["requests.cpu"])
    assert quantities.parse(hard["limits.memory"]) >= quantities.parse(hard["requests.memory"])


def test_every_container_of_every_stack_fits_its_limit_range(dev: Recording, prod: Recording) -> None:
    for recording in (dev, prod):
        largest = recording.all("LimitRange")[0].inputs["spec"]["limits"][0]["max"]
        for name, pod in recording.pods().items():
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                for kind, most in largest.items():
                    limit = container["resources"]["limits"][kind]
                    assert quantities.parse(limit) <= quantities.parse(most), name


def test_the_peak_of_a_tier_is_a_rollout_at_full_scale() -> None:
    stack: Stack = parse()
    assert stack.backend.demands(weights=False)[0].pods == 17
    assert stack.frontend.demands(weights=False)[0].pods == 21
