"""Service levels as code: burn rates, names of the edge's metrics, sizes, runbooks, the dashboard."""

import json
import re
from typing import Any

import pytest

from components.observing import burning, dashboards, edge, rules
from components.observing.promql import Alert, Recording
from components.settings import reader
from components.settings.derived import tiers
from components.settings.model.observability import Objective
from components.settings.model.stack import Stack
from components.settings.values.tiers import OF_APPLICATION, TIERS

from .recorder import ROOT, encode, record_stack, stack_file
from .test_settings import parse

_COMPANION = ROOT / "tools" / "toolchain" / "go" / "observe" / "companion" / "state.go"
# What a rule for texts may cost bounds a ConfigMap at some 60 KB (docs/policies.md).
_MOST_BYTES = 50_000
_BACKUP = {"destination": "s3://my-backups/shop", "credentials": {"secretName": "backup-store"}}
_ALL = {"database": {"engine": "replicated", "instances": 3, "backup": _BACKUP}}
_TLS = {"host": "shop.example.com", "tls": {"enabled": True, "secretName": "shop"}}
# As Traefik 3.7 calls a rule of an HTTPRoute; the end is a hash.
_ROUTED = "httproute-a-b-feastflow-gw-a-b-feastflow-ep-web-0-799bcbf0c2317c5d1c93"
_BURN = re.compile(
    r"increase(\w+)\{[^}]*\} / [^ ]+ > ([\d.]+) and [^ ]+increase(\w+)\{[^}]*\} / [^ ]+ > ([\d.]+)"
)


def whole(**sections: Any) -> Stack:
    """A stack with every alert that there is."""
    return parse(**{**_ALL, "edge": _TLS, **sections})


def alerts(stack: Stack) -> list[Alert]:
    return [rule for group in rules.groups(stack) for rule in group.rules if isinstance(rule, Alert)]


def of_tier(stack: Stack, tier: str, name: str) -> Alert:
    (found,) = (each for each in alerts(stack) if (each.name, each.labels.get("tier")) == (name, tier))
    return found


def test_burn_rates_and_windows_are_the_workbooks() -> None:
    stack = whole(observability={"objectives": {"backend": {"availability": 99}}})
    found = {
        name: _BURN.findall(of_tier(stack, "backend", name).expr)
        for name in ("ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly")
    }
    assert found == {
        "ErrorBudgetBurnsFast": [("1h", "0.144", "5m", "0.144"), ("6h", "0.06", "30m", "0.06")],
        "ErrorBudgetBurnsSlowly": [("1d", "0.03", "2h", "0.03"), ("3d", "0.01", "6h", "0.01")],
    }


def test_a_longer_window_has_as_many_times_more_budget_and_a_rate_above_all_requests_is_left_out() -> None:
    long = {"backend": {"availability": 99.9, "windowDays": 60}, "frontend": {"availability": 90}}
    stack = whole(observability={"objectives": long})
    rates = _BURN.findall(of_tier(stack, "backend", "ErrorBudgetBurnsFast").expr)
    assert [rate for _, rate, _, _ in rates] == ["0.0288", "0.012"]
    assert [
        window for window, *_ in _BURN.findall(of_tier(stack, "frontend", "ErrorBudgetBurnsFast").expr)
    ] == ["6h"]


def test_where_no_rate_can_be_there_is_no_alert_rather_than_one_that_never_fires() -> None:
    half = {"backend": {"latency": {"percentile": 50, "milliseconds": 100}, "windowDays": 90}}
    names = {
        each.name
        for each in alerts(whole(observability={"objectives": half}))
        if each.labels.get("tier") == "backend"
    }
    assert "LatencyBudgetBurnsFast" not in names
    assert "ErrorBudgetBurnsFast" in names


def test_a_slower_request_is_one_above_the_limit_at_the_quantile_of_the_share_that_may_be_slow() -> None:
    latency = {"backend": {"latency": {"percentile": 95, "milliseconds": 1200}}}
    stack = whole(observability={"objectives": latency})
    expr = of_tier(stack, "backend", "LatencyBudgetBurnsFast").expr
    fast = re.findall(r"histogram_quantile\(([\d.]+), [^)]*increase(\w+)\{[^)]*\) > ([\d.]+)", expr)
    assert fast == [
        ("0.28", "1h", "1.2"),
        ("0.28", "5m", "1.2"),
        ("0.7", "6h", "1.2"),
        ("0.7", "30m", "1.2"),
    ]


def test_every_window_that_an_alert_reads_is_recorded_for_its_tier() -> None:
    stack = whole()
    recorded = {
        (rule.record, rule.labels["tier"])
        for group in rules.groups(stack)
        for rule in group.rules
        if isinstance(rule, Recording)
    }
    read = {
        (name, alert.labels["tier"])
        for alert in alerts(stack)
        for name in re.findall(r"feastflow:\w+:\w+", alert.expr)
    }
    assert read
    assert read <= recorded


def test_the_edges_metrics_of_a_namespace_are_those_of_each_of_its_tiers_and_of_no_other() -> None:
    pattern = edge.services("a-b").removeprefix('service=~"').removesuffix('"')

    for name in ("feastflow-backend-8000@kubernetes", "feastflow-frontend-green-http-80@kubernetesgateway"):
        assert re.fullmatch(pattern, f"a-b-{name}")
        assert not re.fullmatch(pattern, f"a-b-c-{name}")
        assert not re.fullmatch(pattern, f"x-a-b-{name}")
    assert not re.fullmatch(pattern, "a-b-postgres-rw-5432@kubernetes")


@pytest.mark.parametrize("mode", ["ingress", "gateway"])
@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_the_edges_metrics_are_the_tiers_alone(tier: str, mode: str) -> None:
    stack = whole(namespace="a-b", edge={**_TLS, "mode": mode})
    (own,) = (each for each in tiers.applications(stack) if each.name == tier)
    pattern = edge.service(own, "a-b").removeprefix('service=~"').removesuffix('"')
    port = own.settings.port
    for name in (
        f"a-b-feastflow-{tier}-{port}@kubernetes",
        f"a-b-feastflow-{tier}-canary-{port}@kubernetes",
        f"a-b-feastflow-{tier}-http-{port}@kubernetesgateway",
        f"a-b-feastflow-{tier}-green-http-{port}@kubernetesgateway",
        f"{_ROUTED}-svc-a-b-feastflow-{tier}-0@kubernetesgateway",
        f"{_ROUTED}-svc-a-b-feastflow-{tier}-canary-1@kubernetesgateway",
    ):
        assert re.fullmatch(pattern, name), name
    (other,) = (each for each in OF_APPLICATION if each != tier)
    for name in (
        f"a-b-feastflow-{other}-{port}@kubernetes",
        f"a-feastflow-{tier}-{port}@kubernetes",
        f"a-b-c-feastflow-{tier}-{port}@kubernetes",
        f"a-b-feastflow-{tier}less-{port}@kubernetes",
        f"a-b-feastflow-{tier}-{port}1@kubernetes",
        f"a-b-feastflow-{tier}-{port}@docker",
        f"{_ROUTED}-svc-a-b-feastflow-{other}-0@kubernetesgateway",
        f"{_ROUTED}-svc-a-b-feastflow-{tier}less-0@kubernetesgateway",
        f"{_ROUTED.replace('a-b', 'a-c')}-svc-a-b-feastflow-{tier}-0@kubernetesgateway",
        f"{_ROUTED}-wrr@kubernetesgateway",
    ):
        assert not re.fullmatch(pattern, name), name


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_tier_of_the_application_has_its_objectives_and_every_alert_its_stack(name: str) -> None:
    stack = reader.parse({key: encode(value) for key, value in stack_file(name).items()})[0]
    found = alerts(stack)
    for tier in OF_APPLICATION:
        assert {each.name for each in found if each.labels.get("tier") == tier} == {
            "ErrorBudgetBurnsFast",
            "ErrorBudgetBurnsSlowly",
            "LatencyBudgetBurnsFast",
            "LatencyBudgetBurnsSlowly",
        }
    for each in found:
        assert each.labels["namespace"] == f"feastflow-{name}"
        assert each.severity in {"page", "ticket"}
        assert f"feastflow-{name}" in each.summary


_PROOFS = {"BackupNotProved", "BackupProofFailed"}


def test_a_database_without_metrics_has_no_alert_on_them_and_plain_http_none_on_a_certificate() -> None:
    names = {each.name for each in alerts(parse(database={"backup": _BACKUP}))}
    assert names == {each.name for each in alerts(whole())} - {
        "ReplicationLag",
        "ConnectionsNearLimit",
        "BackupTooOld",
        "LogArchiveFails",
        "CertificateExpires",
    }


def test_every_metric_of_objects_that_an_alert_reads_is_told_on_the_local_cluster() -> None:
    read = {name for each in alerts(whole()) for name in re.findall(r"\bkube_\w+", each.expr)}
    told = set(re.findall(r'"(kube_\w+)"', _COMPANION.read_text(encoding="utf-8")))
    assert {"kube_job_failed", "kube_cronjob_status_last_successful_time"} <= read
    assert read <= told


def test_a_database_whose_restores_are_not_proved_has_no_alert_on_proofs() -> None:
    names = {each.name for each in alerts(parse(database={"backup": _BACKUP}))}
    off = {**_BACKUP, "proof": {"enabled": False}}
    for database in ({}, {"backup": off}):
        assert {each.name for each in alerts(parse(database=database))} == names - _PROOFS
    assert names > _PROOFS


def fixed(stack: Stack, tier: str) -> Stack:
    """The stack as a file that is exempted from the rule about ranges may have it."""
    section = getattr(stack, tier)
    scale = section.autoscaling.model_copy(update={"max_replicas": section.autoscaling.min_replicas})
    return stack.model_copy(update={tier: section.model_copy(update={"autoscaling": scale})})


def test_only_autoscalers_that_can_add_a_pod_are_watched() -> None:
    stack = fixed(whole(), "frontend")
    expr = of_namespace(stack, "AutoscalerAtMaximum").expr
    assert 'horizontalpodautoscaler=~"feastflow-backend"' in expr
    assert "AutoscalerAtMaximum" not in {each.name for each in alerts(fixed(stack, "backend"))}


def of_namespace(stack: Stack, name: str) -> Alert:
    (found,) = (each for each in alerts(stack) if each.name == name)
    return found


def test_a_given_namespace_has_no_quota_of_the_stacks_to_watch() -> None:
    given = {"createNamespace": False}
    assert "QuotaNearFull" not in {each.name for each in alerts(whole(tenancy=given))}


def test_each_alert_has_its_section_in_the_runbook_and_each_section_its_alert() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (\w+)$", section, re.MULTILINE)
    found = {each.name: each for each in alerts(whole())}
    assert sorted(headings) == sorted(found)
    for heading, body in zip(headings, re.split(r"^### \w+$", section, flags=re.MULTILINE)[1:], strict=True):
        assert body.strip().lower().startswith(found[heading].severity), heading
        written = found[heading].written()["annotations"]["runbook"]
        assert written == f"docs/operations.md#{heading.lower()}"


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_rules_and_dashboard_are_small_enough_for_the_rules_about_texts(name: str) -> None:
    recording = record_stack(stack_file(name))
    for config in ("feastflow-rules", "feastflow-dashboards"):
        data = recording.one("ConfigMap", config).inputs["data"]
        assert 1000 < sum(len(text.encode()) for text in data.values()) < _MOST_BYTES


def test_the_sidecar_of_grafana_finds_a_dashboard_that_it_can_read() -> None:
    config = record_stack(stack_file("prod")).one("ConfigMap", "feastflow-dashboards").inputs
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    (text,) = config["data"].values()
    board = json.loads(text)
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == [
        "Objectives",
        *("Backend", "Frontend", "PostgreSQL"),
    ]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"


def test_the_dashboard_shows_each_tier_and_what_is_promised_of_it() -> None:
    found = dashboards.rows(whole(observability={"objectives": {"backend": {"availability": 99}}}))
    titles = {row: {panel.title for panel in panels} for row, panels in found.items()}
    for tier in TIERS:
        row = tier.title if not tier.of_application else tier.title.capitalize()
        assert {"Pods", "Memory", "Processor time, cores"} <= titles[row]
        if tier.of_application:
            assert {"Requests", "Errors", "Latency"} <= titles[row]
    assert {"Connections", "Replication lag", "Transactions", "Volumes"} <= titles["PostgreSQL"]
    (errors,) = (panel for panel in found["Backend"] if panel.title == "Errors")
    assert [line.expr for line in errors.lines if line.legend == "budget"] == ["vector(0.01)"]
    (latency,) = (panel for panel in found["Backend"] if panel.title == "Latency")
    assert [line.legend for line in latency.lines] == ["p50", "p95", "p99"]


def test_the_dashboard_reads_only_what_is_recorded_of_the_edge() -> None:
    stack = whole()
    recorded = {
        rule.record for group in rules.groups(stack) for rule in group.rules if isinstance(rule, Recording)
    }
    read = set(re.findall(r"feastflow:\w+:\w+", json.dumps(list(dashboards.files(stack).values()))))
    assert read
    assert read <= recorded


def test_a_default_objective_is_one_that_the_settings_accept() -> None:
    assert Objective.model_validate(Objective().model_dump(by_alias=True)) == Objective()
    assert burning.BUDGET in {
        rule.record for group in rules.groups(parse()) for rule in group.rules if isinstance(rule, Recording)
    }
