"""Release strategies: their Deployments, their routes, and what must be ready before a switch."""

import datetime as dt
import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.http.traffic import alike
from components.settings import deviations, reader
from components.settings.derived import variants
from components.settings.values.names import Identity
from policies.configuration import Configuration, Exemption
from policies.rule import Level

from .recorder import Recording, encode, record_stack, stack_file
from .test_settings import MINIMAL, parse, refusal

TIERS = ("backend", "frontend")
GATEWAY = {"host": "shop.example.com", "mode": "gateway", "className": "traefik"}
NEXT = {"image": "feastflow/next:2.0.0"}
FEWER = {"minReplicas": 2, "maxReplicas": 12}
# For the connections of two versions of 12 pods.
ROOMY = {"resources": {"limits": {"memory": "768Mi"}}}
OUTSIDE = {"egress": [{"host": "api.example.com"}]}


def released(release: dict[str, Any], *, gateway: bool = False, **tier: Any) -> Recording:
    """Return dev with this release of both tiers, which may reach a host outside."""
    config = {**stack_file("dev"), "feastflow:database": ROOMY}
    for name in TIERS:
        section = config.get(f"feastflow:{name}") or {}
        assert isinstance(section, dict)
        config[f"feastflow:{name}"] = {**section, "autoscaling": FEWER, **OUTSIDE, **tier, "release": release}
    return record_stack({**config, **({"feastflow:edge": GATEWAY} if gateway else {})})


def rolling(*, gateway: bool = False) -> Recording:
    return released({}, gateway=gateway)


BLUE = {"strategy": "blue-green", "green": NEXT}
GREEN = {**BLUE, "active": "green"}
CANARY = {"strategy": "canary", "canary": {**NEXT, "weight": 10}}


def selector(recording: Recording, service: str) -> dict[str, str]:
    found = recording.one("Service", service).inputs["spec"]["selector"]
    assert isinstance(found, dict)
    return found


def led_to(recording: Recording, service: str) -> set[str]:
    """Return the Deployments whose pods a Service selects."""
    wanted = selector(recording, service).items()
    return {
        each.object_name
        for each in recording.all("Deployment")
        if wanted <= each.inputs["spec"]["template"]["metadata"]["labels"].items()
    }


def image(recording: Recording, deployment: str) -> str:
    pod = recording.pods()[f"Deployment/{deployment}"]
    return str(pod["containers"][0]["image"])


def waits_for(recording: Recording, kind: str, name: str) -> set[str]:
    """Return `Kind/name` of everything that must be done before, directly or not."""
    open_, seen = list(recording.one(kind, name).dependencies), set()
    while open_:
        urn = open_.pop()
        if urn not in seen:
            seen.add(urn)
            open_ += recording.by_urn(urn).dependencies
    found = (recording.by_urn(urn) for urn in seen)
    return {f"{each.kind}/{each.object_name}" for each in found if "metadata" in each.inputs}


def awaits(recording: Recording, kind: str, name: str) -> str | None:
    annotations = recording.one(kind, name).inputs["metadata"].get("annotations", {})
    found = annotations.get("pulumi.com/waitFor")
    return str(found) if found else None


@pytest.mark.parametrize("release", [{"strategy": "canary"}, {"strategy": "rolling"}])
def test_without_a_second_version_every_object_is_as_with_the_default(release: dict[str, Any]) -> None:
    seen = [
        {each.urn: each.inputs for each in recording.resources}
        for recording in (rolling(), released(release))
    ]
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("release", "gateway"), [(BLUE, False), (GREEN, False), (CANARY, False), (CANARY, True)]
)
def test_the_pods_that_serve_are_never_replaced_by_a_change_of_strategy(
    release: dict[str, Any], *, gateway: bool
) -> None:
    recording = released(release, gateway=gateway)
    usual = rolling(gateway=gateway)
    before = {each.urn: each for each in usual.resources}
    after = {each.urn: each for each in recording.resources}
    kept = {"Deployment", "ServiceAccount", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert {urn for urn, each in before.items() if each.kind in kept} <= set(after)
    for each in usual.all("Deployment"):
        assert after[each.urn].inputs == each.inputs, "nothing of it changes, so nothing of it rolls"


@pytest.mark.parametrize("release", [BLUE, GREEN, CANARY])
def test_no_deployment_autoscaler_or_budget_selects_the_pods_of_another(release: dict[str, Any]) -> None:
    recording = released(release)
    made = recording.all("Deployment")
    assert len(made) == 4
    for each in made:
        own = each.inputs["spec"]["selector"]["matchLabels"].items()
        assert [
            other.object_name
            for other in made
            if own <= other.inputs["spec"]["template"]["metadata"]["labels"].items()
        ] == [each.object_name]
        budget = recording.one("PodDisruptionBudget", each.object_name).inputs["spec"]
        assert budget["selector"] == each.inputs["spec"]["selector"]
    targets = [
        each.inputs["spec"]["scaleTargetRef"]["name"] for each in recording.all("HorizontalPodAutoscaler")
    ]
    assert len(targets) == len(set(targets))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("release", "active"), [(BLUE, ""), (GREEN, "-green")])
def test_one_colour_gets_all_requests_and_each_has_a_service_to_try_it(
    tier: str, release: dict[str, Any], active: str
) -> None:
    recording, name = released(release), f"feastflow-{tier}"
    assert led_to(recording, name) == {f"{name}{active}"}
    assert led_to(recording, f"{name}-blue") == {name}
    assert led_to(recording, f"{name}-green") == {f"{name}-green"}
    assert image(recording, name) == image(rolling(), name)
    assert image(recording, f"{name}-green") == NEXT["image"]
    scaler = recording.one("HorizontalPodAutoscaler", f"{name}-green").inputs["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 12), "either colour can carry all of it"


@pytest.mark.parametrize("tier", TIERS)
def test_the_switch_is_one_selector_and_waits_for_every_pod_of_the_new_colour(tier: str) -> None:
    name = f"feastflow-{tier}"
    before, after = released(BLUE), released(GREEN)
    changed = {
        f"{each.kind}/{each.object_name}"
        for each in after.resources
        if tier in each.urn and each.inputs != before.by_urn(each.urn).inputs
    }
    assert changed == {
        f"Service/{name}",
        f"PodDisruptionBudget/{name}",
        f"PodDisruptionBudget/{name}-green",
    }
    assert awaits(after, "HorizontalPodAutoscaler", f"{name}-green") == "condition=AbleToScale"
    assert awaits(after, "PodDisruptionBudget", f"{name}-green") == "condition=DisruptionAllowed"
    assert {
        f"Deployment/{name}-green",
        f"HorizontalPodAutoscaler/{name}-green",
        f"PodDisruptionBudget/{name}-green",
    } <= waits_for(after, "Service", name)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("release", "idle"), [(BLUE, "-green"), (GREEN, "")])
def test_the_way_back_does_not_wait_for_the_colour_that_is_left(
    tier: str, release: dict[str, Any], idle: str
) -> None:
    recording, name = released(release), f"feastflow-{tier}"
    before = waits_for(recording, "Service", name)
    assert f"Deployment/{name}{idle}" not in before
    assert f"PodDisruptionBudget/{name}{idle}" not in before
    assert awaits(recording, "PodDisruptionBudget", f"{name}{idle}") is None


def test_under_every_strategy_the_service_changes_only_after_its_pods_are_ready() -> None:
    for recording in (rolling(), released(GREEN), released(CANARY), released({"strategy": "blue-green"})):
        for tier in TIERS:
            name = f"feastflow-{tier}"
            needed = {f"Deployment/{each}" for each in led_to(recording, name)}
            assert needed <= waits_for(recording, "Service", name)


@pytest.mark.parametrize("tier", TIERS)
def test_a_gateway_gives_a_canary_exactly_its_part(tier: str) -> None:
    recording, name = released(CANARY, gateway=True), f"feastflow-{tier}"
    port = {"backend": 5000, "frontend": 3000}[tier]
    rules = {
        rule["backendRefs"][0]["name"]: rule["backendRefs"]
        for rule in recording.one("HTTPRoute", "feastflow").inputs["spec"]["rules"]
    }
    assert rules[name] == [
        {"name": name, "port": port, "weight": 90},
        {"name": f"{name}-canary", "port": port, "weight": 10},
    ]
    assert led_to(recording, name) == {name}
    assert led_to(recording, f"{name}-canary") == {f"{name}-canary"}
    scaler = recording.one("HorizontalPodAutoscaler", f"{name}-canary").inputs["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 3)
    assert {
        f"Deployment/{name}-canary",
        f"HorizontalPodAutoscaler/{name}-canary",
        f"PodDisruptionBudget/{name}-canary",
    } <= waits_for(recording, "HTTPRoute", "feastflow")


@pytest.mark.parametrize("tier", TIERS)
def test_an_ingress_gives_a_canary_one_pod_to_nine(tier: str) -> None:
    recording, name = released(CANARY), f"feastflow-{tier}"
    assert led_to(recording, name) == {name, f"{name}-canary"}
    assert led_to(recording, f"{name}-canary") == {f"{name}-canary"}
    assert recording.one("Deployment", f"{name}-canary").inputs["spec"]["replicas"] == 1
    scaler = recording.one("HorizontalPodAutoscaler", name).inputs["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (9, 12)
    assert name in {each.object_name for each in recording.all("HorizontalPodAutoscaler")}
    budget = recording.one("PodDisruptionBudget", name).inputs["spec"]
    assert budget["minAvailable"] == 8
    assert "maxUnavailable" not in budget
    # Two stable pods and one canary would be a third of the requests: the nine come first.
    assert awaits(recording, "PodDisruptionBudget", name) == "condition=DisruptionAllowed"
    assert {f"Deployment/{name}-canary", f"PodDisruptionBudget/{name}"} <= waits_for(
        recording, "Service", name
    )


def test_only_the_tiers_pods_are_what_two_versions_have_in_common(dev: Recording) -> None:
    first = Identity(name="feastflow-backend", component="backend", instance="feastflow-dev")
    both = alike([first, first.variant("canary", "2")])
    selected = [
        each.object_name
        for each in dev.resources
        if "template" in each.inputs.get("spec", {})
        and both.items() <= each.inputs["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert selected == ["feastflow-backend"]


@pytest.mark.parametrize("release", [BLUE, GREEN, CANARY])
def test_the_network_is_the_same_under_every_strategy_and_open_to_both_versions(
    release: dict[str, Any],
) -> None:
    # A policy of its own would be deleted with a version, before the Service stops routing to it.
    recording, usual = released(release), rolling()

    def policies(found: Recording) -> dict[str, Any]:
        return {each.object_name: each.inputs["spec"] for each in found.all("NetworkPolicy")}

    assert policies(recording) == policies(usual)

    def opened(deployment: str) -> set[str]:
        template = recording.one("Deployment", deployment).inputs["spec"]["template"]
        own = template["metadata"]["labels"].items()
        return {
            name
            for name, spec in policies(recording).items()
            if (spec["podSelector"].get("matchLabels") or {}).items() <= own
        }

    suffix = "canary" if release is CANARY else "green"
    for tier in TIERS:
        name = f"feastflow-{tier}"
        assert opened(f"{name}-{suffix}") == opened(name)
        assert {f"edge-to-{name}", f"{name}-to-outside"} <= opened(name)


def migrations(recording: Recording) -> dict[str, Any]:
    return {
        each.inputs["spec"]["template"]["spec"]["containers"][0]["image"]: each
        for each in recording.all("Job")
        if "migrations" in each.object_name
    }


@pytest.mark.parametrize("release", [BLUE, CANARY])
def test_each_version_comes_after_its_own_migration_and_they_take_turns(release: dict[str, Any]) -> None:
    recording = released(release)
    jobs = migrations(recording)
    old, new = jobs["feastflow/backend:1.0.0"], jobs[NEXT["image"]]
    assert len(jobs) == 2
    assert old.urn == migrations(rolling())["feastflow/backend:1.0.0"].urn, "it is not run again"
    migrated, second_migrated = (recording.one("JobPatch", each.object_name).urn for each in (old, new))
    assert migrated in new.dependencies
    suffix = "green" if release is BLUE else "canary"
    second = recording.one("Deployment", f"feastflow-backend-{suffix}").dependencies
    first = recording.one("Deployment", "feastflow-backend").dependencies
    assert second_migrated in second
    assert migrated in first
    assert second_migrated not in first, "a migration that fails stops its own version and no other"
    labels = [each.inputs["metadata"]["labels"]["app.kubernetes.io/version"] for each in (old, new)]
    assert labels == ["1.0.0", "2.0.0"]


def test_two_colours_of_one_version_share_its_migration_and_its_environment() -> None:
    recording = released({"strategy": "blue-green"})
    assert len(migrations(recording)) == 1
    assert len([each for each in recording.all("ConfigMap") if each.name.startswith("backend-config")]) == 1


def test_each_version_migrates_by_its_own_image_where_pods_do_it_themselves() -> None:
    wish = {"mode": "initContainer", "command": ["migrate"]}
    recording = record_stack(
        {**stack_file("dev"), "feastflow:backend": {"migrations": wish, "release": BLUE}}
    )
    for name in ("feastflow-backend", "feastflow-backend-green"):
        pod = recording.pods()[f"Deployment/{name}"]
        assert pod["initContainers"][1]["image"] == pod["containers"][0]["image"]


def test_a_version_may_have_a_command_arguments_and_an_environment_of_its_own() -> None:
    own = {"command": ["serve"], "args": ["--new"], "env": {"A": "2", "C": "3"}}
    canary = {"strategy": "canary", "canary": own}
    recording = released(canary, command=["old"], args=["--old"], env={"A": "1", "B": "1"})

    def told(name: str) -> tuple[Any, Any, dict[str, str]]:
        container = recording.pods()[f"Deployment/{name}"]["containers"][0]
        env = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        return container["command"], container["args"], env

    assert told("feastflow-frontend") == (["old"], ["--old"], {"A": "1", "B": "1"})
    assert told("feastflow-frontend-canary") == (["serve"], ["--new"], {"A": "2", "B": "1", "C": "3"})


def test_the_second_version_knows_its_own_version_and_shares_the_secrets() -> None:
    recording = released(CANARY)
    versions = set()
    for name in ("feastflow-backend", "feastflow-backend-canary"):
        env = recording.pods()[f"Deployment/{name}"]["containers"][0]["env"]
        (entry,) = (each for each in env if each["name"] == "APP_VERSION")
        config = entry["valueFrom"]["configMapKeyRef"]["name"]
        versions.add(recording.one("ConfigMap", config).inputs["data"]["APP_VERSION"])
        secrets = [each for each in env if "secretKeyRef" in each.get("valueFrom", {})]
        assert len(secrets) == 2
    assert versions == {"1.0.0", "2.0.0"}
    assert len([each for each in recording.all("Secret") if "backend" in each.name]) == 1


@pytest.mark.parametrize(("release", "serving"), [(BLUE, "1.0.0"), (GREEN, "2.0.0"), (CANARY, "1.0.0")])
def test_the_stack_tells_which_version_gets_the_requests(release: dict[str, Any], serving: str) -> None:
    exports = released(release).exports
    assert exports["versions"] == {"backend": serving, "frontend": serving}
    assert exports["images"]["backend"].endswith(serving)


def test_a_rotated_login_is_locked_when_neither_version_uses_it_and_the_switch_is_done() -> None:
    config = stack_file("dev")
    section = config["feastflow:backend"]
    assert isinstance(section, dict)
    config["feastflow:backend"] = {**section, "release": GREEN}
    recording = record_stack({**config, "feastflow:rotation": 2})
    before = waits_for(recording, "Job", "feastflow-roles-retire")
    assert {
        "Deployment/feastflow-backend",
        "Deployment/feastflow-backend-green",
        "Service/feastflow-backend",
    } <= before


EXEMPT = {
    "policies:exemptions": [
        {
            "rule": "rollout-strategy",
            "resource": "Deployment/feastflow-*",
            "reason": "one at a time",
            "expires": (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=90)).isoformat(),
        }
    ]
}


def test_recreate_stops_every_pod_before_it_starts_one() -> None:
    config = {**stack_file("dev"), **EXEMPT, "feastflow:frontend": {"release": {"strategy": "recreate"}}}
    recording = record_stack(config)
    deployed = recording.one("Deployment", "feastflow-frontend").inputs["spec"]
    assert deployed["strategy"] == {"type": "Recreate"}
    other = recording.one("Deployment", "feastflow-backend").inputs["spec"]
    assert other["strategy"]["type"] == "RollingUpdate"


def test_recreate_is_awaited_until_pods_of_the_new_version_are_all_there_are() -> None:
    config = {**stack_file("dev"), **EXEMPT, "feastflow:frontend": {"release": {"strategy": "recreate"}}}
    recording = record_stack(config)
    found = awaits(recording, "Deployment", "feastflow-frontend")
    assert found is not None
    assert json.loads(found) == [
        "jsonpath={.status.updatedReplicas}",
        'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}=NewReplicaSetAvailable',
    ]
    assert awaits(recording, "Deployment", "feastflow-backend") is None


def test_recreate_is_refused_until_it_is_exempt_from_the_rule_that_it_breaks() -> None:
    given = {**MINIMAL, "feastflow:backend": {"release": {"strategy": "recreate"}}}
    raw = {key: encode(value) for key, value in given.items()}
    with pytest.raises(pulumi.RunError) as error:
        reader.parse(raw)
    head, problem = str(error.value).split("\n\n")
    assert head.endswith("nothing was changed.")
    key, found, why, remedy = problem.split("\n")
    assert key == "feastflow:backend.release.strategy"
    assert found == "  found: recreate"
    assert "rollout-strategy" in why
    assert '"resource": "Deployment/feastflow-backend"' in remedy
    reader.parse({**raw, "policies:exemptions": encode(EXEMPT["policies:exemptions"])})
    reader.parse({**raw, "policies:levels": '{"rollout-strategy": "advisory"}'})
    reader.parse({**raw, "feastflow:tenancy": '{"admissionPolicies": false}'})


def test_an_exemption_of_another_or_of_yesterday_does_not_count() -> None:
    stack = parse(
        backend={"release": {"strategy": "recreate"}}, tenancy={"admissionPolicies": False}
    ).model_copy(update={"tenancy": parse().tenancy})
    today = dt.date(2030, 1, 1)

    def judged(resource: str, expires: dt.date) -> list[str]:
        entry = Exemption(rule="rollout-strategy", resource=resource, reason="x", expires=expires)
        return deviations.problems(stack, Configuration(exemptions=(entry,)), today)

    assert judged("Deployment/feastflow-backend", today) == []
    assert len(judged("Deployment/feastflow-frontend", today)) == 1
    assert len(judged("Deployment/feastflow-backend", today - dt.timedelta(days=1))) == 1
    off = Configuration(levels={"rollout-strategy": Level.DISABLED})
    assert deviations.problems(stack, off, today) == []


@pytest.mark.parametrize(
    ("release", "why", "fix"),
    [
        (
            {"green": {"image": "x:2"}},
            "feastflow:backend.release.green\n",
            "set strategy to blue-green, or name the version in the tier's own settings and remove green",
        ),
        (
            {"strategy": "blue-green", "canary": {"image": "x:2"}},
            "the strategy is blue-green, so what canary names would not run",
            "set strategy to canary",
        ),
        (
            {"active": "green"},
            "there is no green, and nothing would get the requests",
            "pulumi config set --path feastflow:backend.release.active blue",
        ),
        ({"strategy": "canary", "canary": {"weight": 51}}, "less than or equal to 50", "10"),
        ({"strategy": "canary", "canary": {"weight": -1}}, "greater than or equal to 0", "10"),
        ({"strategy": "blue_green"}, "feastflow:backend.release.strategy\n", "blue-green"),
        (
            {"strategy": "canary", "canary": {"image": "x:latest"}},
            "`latest` names another image every day",
            "feastflow:backend.release.canary.image x:1.2.3",
        ),
        (
            {"strategy": "blue-green", "green": {"env": {"PORT": "1"}}},
            "feastflow:backend.release.green.env.PORT\n",
            "envNames",
        ),
        (
            {"strategy": "canary", "canary": {"env": {"DB_HOST": "x"}}},
            "feastflow:backend.release.canary.env.DB_HOST\n",
            "envNames",
        ),
        (
            {"strategy": "canary", "canary": {"weight": 10}},
            "10 % take 9 pods next to the canary's 1, and the autoscaler needs room above that",
            "pulumi config set --path feastflow:backend.autoscaling.maxReplicas 10",
        ),
    ],
)
def test_a_release_that_cannot_be_meant_is_refused_with_what_to_do(
    release: dict[str, Any], why: str, fix: str
) -> None:
    text = refusal(backend={"release": release})
    assert why in text
    assert fix in text.split("  next:  ", 1)[1]


def test_a_gateway_needs_no_room_for_a_canary_and_a_fixed_number_that_fits_is_accepted() -> None:
    canary = {"strategy": "canary", "canary": {"weight": 10}}
    parse(backend={"release": canary}, edge=GATEWAY)
    fixed = {"release": canary, "autoscaling": {"minReplicas": 9, "maxReplicas": 9}}
    parse(backend=fixed, tenancy={"admissionPolicies": False})
    text = refusal(backend=fixed)
    assert '"rule": "autoscaler-range", "resource": "HorizontalPodAutoscaler/feastflow-backend"' in text
    parse(backend={"release": canary, "autoscaling": {"maxReplicas": 10}})


weights = st.integers(min_value=1, max_value=50)
counts = st.integers(min_value=1, max_value=100)


@given(weight=weights, least=counts)
def test_by_pods_a_canary_never_gets_more_than_its_weight_and_nearly_that(weight: int, least: int) -> None:
    stable, canary = variants.by_pods(weight, least)
    assert stable >= max(least, 2)
    assert canary >= 1
    assert 100 * canary <= weight * (stable + canary)
    assert 100 * canary > weight * (stable - 1 + canary), "a stable pod fewer would be too few"


@pytest.mark.parametrize(
    ("weight", "least", "pods"), [(10, 2, (9, 1)), (10, 3, (9, 1)), (50, 3, (3, 3)), (25, 9, (9, 3))]
)
def test_ten_percent_are_nine_to_one(weight: int, least: int, pods: tuple[int, int]) -> None:
    assert variants.by_pods(weight, least) == pods


@given(weight=weights, least=counts, more=st.integers(min_value=0, max_value=100))
def test_by_requests_a_canary_has_the_pods_for_its_part(weight: int, least: int, more: int) -> None:
    fewest, most = variants.by_requests(weight, least, least + more)
    assert 2 <= fewest < most
    assert 100 * fewest >= weight * least
    assert 100 * most >= weight * (least + more)


@given(weight=weights, least=st.integers(1, 20), by_weight=st.booleans())
def test_both_versions_at_full_scale_in_the_middle_of_a_rollout_fit_the_quota(
    weight: int, least: int, *, by_weight: bool
) -> None:
    scale = {"minReplicas": least, "maxReplicas": 5000 // weight}
    for release in ({"strategy": "canary", "canary": {"weight": weight}}, {"strategy": "blue-green"}):
        tier = parse().backend
        release_model = tier.release.model_validate(release)
        autoscaling = tier.autoscaling.model_copy(
            update={"min_replicas": scale["minReplicas"], "max_replicas": scale["maxReplicas"]}
        )
        tier = tier.model_copy(update={"release": release_model, "autoscaling": autoscaling})
        both = variants.plan(tier, weights=by_weight).variants
        assert len(both) == 2
        pods, _ = (demand.pods for demand in tier.demands(weights=by_weight))
        assert pods == sum(2 * each.most + 1 for each in both)


def test_the_quota_grows_by_what_the_second_version_takes() -> None:
    def pods(recording: Recording) -> int:
        return int(recording.one("ResourceQuota", "feastflow").inputs["spec"]["hard"]["pods"])

    usual = pods(rolling())
    assert pods(released(BLUE)) - usual == 2 * (2 * 12 + 1)
    assert pods(released(CANARY)) - usual == 2 * (2 * 1 + 1)
    assert pods(released(CANARY, gateway=True)) - usual == 2 * (2 * 3 + 1)


def test_a_version_is_given_up_after_the_time_that_the_settings_name() -> None:
    recording = released({**BLUE, "timeoutSeconds": 60})
    limited = {
        f"{each.kind}/{each.object_name}": each.timeouts for each in recording.resources if each.timeouts
    }
    assert limited["Deployment/feastflow-backend"] == {"create": "60s", "update": "60s"}
    assert {name.split("/")[0] for name in limited} == {"Deployment", "PodDisruptionBudget"}
    assert not any(each.timeouts for each in rolling().resources)
