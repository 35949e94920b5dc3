"""Every alert fires for its cause and for nothing else, as vmalert-tool evaluates the stack's own rules."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.observing import rules
from components.observing.promql import Alert
from components.settings import reader
from components.settings.model.stack import Stack
from tools.toolchain import pins

from ..unit.recorder import encode, stack_file
from .alerts import objectives, parts, proofs, quiet, servers
from .alerts.case import BOUNDS, NAMESPACE, Case, durations, grows, requests
from .running import compiled, said

Check = Callable[[list[dict[str, Any]], int, str], str]

_CASES = (*objectives.CASES, *parts.CASES, *servers.CASES, *proofs.CASES)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Return the stack with most alerts: by https, with a replicated database that is backed up."""
    settings: dict[str, Any] = stack_file("prod")
    backup = {"destination": "s3://my-backups/shop", "credentials": {"secretName": "backup-store"}}
    database = {**settings["feastflow:database"], "backup": backup}
    return reader.parse(
        {key: encode(value) for key, value in {**settings, "feastflow:database": database}.items()}
    )[0]


@pytest.fixture(scope="session")
def alerts(stack: Stack) -> dict[str, str]:
    """Return the group of each alert; of a tier's, the backend's."""
    return {
        rule.name: group.name
        for group in reversed(rules.groups(stack))
        for rule in group.rules
        if isinstance(rule, Alert)
    }


@pytest.fixture
def check(stack: Stack, tmp_path: Path) -> Check:
    """Return a function that evaluates the rules over series, and returns what is not as expected."""
    program = compiled(pins.VICTORIAMETRICS_BUILD) / "vmalert-tool"

    def run(tests: list[dict[str, Any]], interval: int, groups: str) -> str:
        """Evaluate the groups whose names begin so, each so many minutes."""
        chosen = [group.written() for group in rules.groups(stack) if group.name.startswith(groups)]
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": chosen}), encoding="utf-8")
        file = tmp_path / "test.yaml"
        content = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": f"{interval}m",
            "group_eval_order": [each["name"] for each in chosen],
            "tests": tests,
        }
        file.write_text(yaml.safe_dump(content, sort_keys=False, width=10_000), encoding="utf-8")
        told = said([str(program), "unittest", "--files", str(file)], cwd=tmp_path)
        return "" if re.search(r"\bSUCCESS\b", told) else told

    return run


def _group(
    name: str, series: Mapping[str, str], interval: int, tests: list[dict[str, Any]]
) -> dict[str, Any]:
    given = [{"series": key, "values": values} for key, values in series.items()]
    return {"name": name, "interval": f"{interval}m", "input_series": given, "alert_rule_test": tests}


def test_every_alert_has_series_that_it_fires_for(alerts: dict[str, str]) -> None:
    assert {case.alert: case.group for case in _CASES} == alerts


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_an_alert_fires_for_its_cause_and_not_for_what_looks_alike(case: Case, check: Check) -> None:
    test = {"eval_time": f"{case.minutes}m", "groupname": case.group, "alertname": case.alert}
    fired = {
        "exp_labels": {"namespace": NAMESPACE, "severity": case.severity, **case.labels},
        "exp_annotations": {
            "summary": case.summary,
            "runbook": f"docs/operations.md#{case.alert.lower()}",
        },
    }
    causes = [{**test, "exp_alerts": [fired]}]
    found = check(
        [
            _group("cause", case.given(alike=False), case.interval, causes),
            _group("alike", case.given(alike=True), case.interval, [{**test, "exp_alerts": []}]),
        ],
        case.interval,
        # With the recordings of the tier.
        case.group.removesuffix("-objective"),
    )
    assert not found, found


@pytest.mark.parametrize(
    ("name", "series"), [("rollout", quiet.ROLLOUT), ("night", quiet.NIGHT), ("nothing", {})]
)
def test_nothing_fires_in_a_rollout_or_at_night_or_without_any_series(
    name: str, series: Mapping[str, str], check: Check, alerts: dict[str, str]
) -> None:
    tests = [
        {"eval_time": f"{minute}m", "groupname": group, "alertname": alert, "exp_alerts": []}
        for minute in range(0, 60, 2)
        for alert, group in alerts.items()
    ]
    found = check([_group(name, series, 1, tests)], 1, "")
    assert not found, found


@pytest.mark.parametrize(("failed", "ratio", "left"), [(6, 0.01, -9), (0, 0, 1)])
def test_the_recordings_tell_requests_errors_latency_and_the_budget_that_is_left(
    failed: int, ratio: float, left: int, check: Check
) -> None:
    series = {
        requests("200"): grows(600 - failed, 70),
        # A series of errors begins with the first one.
        **({requests("503"): grows(failed, 70)} if failed else {}),
        **{durations(bound): grows(300 if bound == "0.1" else 600, 70) for bound in BOUNDS},
    }
    wanted = {
        "feastflow:requests:rate": 10,
        "feastflow:errors:ratio": ratio,
        'feastflow:duration:quantile{quantile="0.5"}': 0.1,
        "feastflow:error_budget:remaining": left,
    }
    samples = [
        {
            "expr": f"round(sum({name}), 1e-9)",
            "eval_time": "60m",
            "exp_samples": [{"labels": "{}", "value": value}],
        }
        for name, value in wanted.items()
    ]
    test = {**_group("recordings", series, 1, []), "metricsql_expr_test": samples}
    found = check([test], 1, f"feastflow-{NAMESPACE}-backend")
    assert not found, found
