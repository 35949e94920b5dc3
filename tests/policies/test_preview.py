"""The pack as the engine runs it: what it allows, what it stops, and what a stack's file can change."""

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.pack import EXEMPTIONS, OBJECT
from policies.table import ALL, known
from tools.toolchain import scratch

from ..unit.recorder import stack_file
from .engine import ROOT, Run, Violation, Workspace

PROGRAMS = Path(__file__).parent / "programs"
Make = Callable[..., Workspace]
_OFF = {"level": "disabled", "reason": "of a test"}


_SOON = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=90)).isoformat()


def _exempt(rule: str, resource: str, expires: str = _SOON) -> dict[str, str]:
    return {"rule": rule, "resource": resource, "reason": "of a test", "expires": expires}


@pytest.fixture(scope="module", params=["dev", "prod"])
def own(request: pytest.FixtureRequest, workspace: Make) -> tuple[dict[str, object], Run]:
    """Preview FeastFlow's stacks, as their own files configure them."""
    config = stack_file(request.param)
    return config, workspace(ROOT, request.param).preview(config)


def test_our_own_stacks_break_no_rule(own: tuple[dict[str, object], Run]) -> None:
    _, run = own
    assert [entry for entry in run.violations if not entry.could_not_run] == []
    assert run.code == 0, run.text


def test_no_rule_meets_something_unknown_in_our_own_stacks(own: tuple[dict[str, object], Run]) -> None:
    _, run = own
    assert [entry for entry in run.violations if entry.could_not_run] == []
    assert "can't run" not in run.text


def test_every_rule_has_judged_our_own_stacks(own: tuple[dict[str, object], Run]) -> None:
    config, run = own
    levels = config["policies:levels"]
    assert isinstance(levels, dict)
    disabled = {
        rule for rule, level in levels.items() if isinstance(level, dict) and level["level"] == "disabled"
    }
    disabled |= {rule.id for rule in ALL if rule.level == "disabled"} - set(levels)
    assert run.judged == {*known(), OBJECT, EXEMPTIONS} - disabled


def test_a_mandatory_rule_stops_our_own_stack_at_the_resource_that_breaks_it(workspace: Make) -> None:
    config = stack_file("dev") | {"policies:levels": {"ingress-tls": "mandatory"}}
    run = workspace(ROOT, "dev").preview(config)
    assert run.code != 0
    assert [(entry.policy, entry.level, entry.resource) for entry in run.violations] == [
        ("ingress-tls", "mandatory", "ingress")
    ]
    assert "Ingress feastflow-dev/feastflow: set spec.tls" in run.text


def test_the_kubeconfig_that_the_provider_leaves_is_where_the_command_removes_it(workspace: Make) -> None:
    cluster, user = "{name: a, cluster: {server: 'https://127.0.0.1:1'}}", "{name: a, user: {token: t}}"
    context = "{name: a, context: {cluster: a, user: a}}"
    kubeconfig = f"{{current-context: a, clusters: [{cluster}], users: [{user}], contexts: [{context}]}}"
    before = set(Path(tempfile.gettempdir()).glob("kubeconfig*"))
    workspace(PROGRAMS / "shop").preview({"kubernetes:kubeconfig": kubeconfig}, judged=False)

    assert list(scratch.folder().glob("kubeconfig*"))
    assert set(Path(tempfile.gettempdir()).glob("kubeconfig*")) <= before


def test_what_the_settings_say_that_others_make_breaks_no_rule(workspace: Make) -> None:
    config = stack_file("prod")
    config["feastflow:backend"] = {**_section(config, "backend"), "pullSecrets": ["registry"]}
    config["feastflow:frontend"] = {"pullSecrets": ["registry"]}
    tls = {"enabled": True, "secretName": "shop-tls"}
    config["feastflow:edge"] = {**_section(config, "edge"), "tls": tls}
    config["feastflow:database"] = _backed_up(config)
    del config["policies:exemptions"]
    run = workspace(ROOT, "prod").preview(config)
    assert run.violations == ()
    assert run.code == 0, run.text


def test_a_certificate_that_cert_manager_writes_breaks_no_rule(workspace: Make) -> None:
    config = stack_file("prod")
    tls = {"enabled": True, "issuer": {"name": "letsencrypt"}}
    config["feastflow:edge"] = {**_section(config, "edge"), "tls": tls}
    config["feastflow:database"] = _backed_up(config)
    del config["policies:exemptions"]
    run = workspace(ROOT, "prod").preview(config)
    assert run.violations == ()
    assert run.code == 0, run.text


def test_a_pooler_in_the_middle_of_a_rotation_breaks_no_rule_and_meets_nothing_unknown(
    workspace: Make,
) -> None:
    config = {**stack_file("dev"), "feastflow:rotation": 2}
    config["feastflow:database"] = {**_section(config, "database"), "pooler": {}}
    run = workspace(ROOT, "dev").preview(config)
    assert run.violations == ()
    assert run.code == 0, run.text
    assert run.text.count(" kubernetes:apps/v1:Deployment ") == 3


def _backed_up(config: dict[str, object]) -> dict[str, object]:
    """Return the section of the database with a backup, which production must have, and a pooler."""
    backup = {"destination": "s3://backups/shop", "credentials": {"secretName": "store"}}
    return {**_section(config, "database"), "backup": backup, "pooler": {}}


def _section(config: dict[str, object], name: str) -> dict[str, object]:
    section = config[f"feastflow:{name}"]
    assert isinstance(section, dict)
    return section


@pytest.fixture(scope="module")
def shop(workspace: Make) -> Workspace:
    """Return two workloads, legacy and computed, that break rules."""
    return workspace(PROGRAMS / "shop")


@pytest.fixture(scope="module")
def strict(shop: Workspace) -> Run:
    """Return a run: most rules mandatory, one advisory, one disabled; exemptions for legacy, one a kind."""
    return shop.preview(
        {
            "policies:levels": {"service-account": "advisory", "service-links": _OFF},
            "policies:exemptions": [
                _exempt("read-only-root", "Deployment/legacy"),
                _exempt("seccomp", "Deployment/legacy", expires="2020-01-31"),
                _exempt("host-ports", "Deployment/legacy"),
            ],
        }
    )


@pytest.fixture(scope="module")
def lenient(shop: Workspace) -> Run:
    """Return every rule advisory but one, from which everything is exempt."""
    levels = dict.fromkeys(known(), "advisory") | {"read-only-root": "mandatory"}
    exemptions = [
        _exempt("read-only-root", "Deployment/legacy"),
        _exempt("read-only-root", "Deployment/computed"),
    ]
    return shop.preview({"policies:levels": levels, "policies:exemptions": exemptions})


def _at(found: list[Violation]) -> set[tuple[str, str]]:
    return {(entry.level, entry.resource) for entry in found}


def test_a_mandatory_finding_names_workload_container_and_fix_and_fails(strict: Run) -> None:
    assert strict.code != 0
    assert "image-version  (kubernetes:apps/v1:Deployment: legacy)" in strict.text
    assert "Deployment legacy, container prepare: name a version: image:1.2.3" in strict.text
    assert _at(strict.of("resource-limits")) == {("mandatory", "legacy"), ("mandatory", "computed")}


def test_an_advisory_finding_is_shown_and_passes(strict: Run, lenient: Run) -> None:
    assert _at(strict.of("service-account")) == {("advisory", "legacy"), ("advisory", "computed")}
    assert lenient.code == 0, lenient.text
    assert {entry.level for entry in lenient.violations} == {"advisory"}
    assert _at(lenient.of("resource-limits")) == {("advisory", "legacy"), ("advisory", "computed")}
    assert "Deployment legacy, container prepare: name a version: image:1.2.3" in lenient.text


def test_a_disabled_rule_is_silent(strict: Run, lenient: Run) -> None:
    assert lenient.of("service-links")
    assert strict.of("service-links") == []
    assert "service-links" not in strict.text
    assert "service-links" not in strict.judged


def test_an_exemption_is_for_its_rule_and_its_resource(strict: Run, lenient: Run) -> None:
    assert _at(strict.of("read-only-root")) == {("mandatory", "computed")}
    assert lenient.of("read-only-root") == []
    assert lenient.of(EXEMPTIONS) == []


def test_an_exemption_that_has_expired_exempts_nothing_and_fails(strict: Run) -> None:
    assert ("mandatory", "legacy") in _at(strict.of("seccomp"))
    assert "seccomp for Deployment/legacy expired on 2020-01-31" in strict.text


def test_an_exemption_that_is_not_needed_fails(strict: Run) -> None:
    assert "host-ports for Deployment/legacy is not needed" in strict.text
    assert [entry.level for entry in strict.of(EXEMPTIONS)] == ["mandatory", "mandatory"]


def test_an_unknown_image_keeps_one_rule_from_running_and_that_is_said(strict: Run) -> None:
    unknown = [entry for entry in strict.violations if entry.could_not_run]
    assert [(entry.policy, entry.level, entry.resource) for entry in unknown] == [
        ("image-version", "advisory", "computed")
    ]
    assert "containers.0.image" in unknown[0].message


def test_what_is_known_next_to_an_unknown_is_judged(strict: Run) -> None:
    def named(policy: str) -> set[str]:
        return {
            entry.message.partition(":")[0] for entry in strict.of(policy) if entry.resource == "computed"
        }

    assert {"Deployment computed, container server", "Deployment computed, container proxy"} == named(
        "resource-limits"
    )
    assert "Deployment computed, container proxy" in named("image-version")


def test_an_unknown_name_of_a_secret_is_taken_to_be_right(strict: Run) -> None:
    assert strict.of("reference") == []
    assert strict.of("dangling") == []
    assert strict.of("secret-narrow") == []


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"policies:level": {}}, "policies:level\n      found: a key that does not exist"),
        (
            {"policies:levels": {"service-link": _OFF}},
            "policies:levels.service-link\n      found: a rule that does not exist",
        ),
        (
            {"policies:exemptions": [_exempt("seccomp", "Deployment/legacy", expires="soon")]},
            "policies:exemptions[0].expires\n      found: soon",
        ),
    ],
    ids=["key", "rule", "date"],
)
def test_a_setting_that_cannot_be_followed_is_refused_without_a_traceback(
    shop: Workspace, config: dict[str, Any], found: str
) -> None:
    run = shop.preview(config)
    assert run.code != 0
    assert found in run.text
    assert "why:   a rule would be enforced otherwise than you mean\n      next:  " in run.text
    assert "Traceback" not in run.text
    assert run.judged == set()


def test_what_the_program_says_is_judged_and_not_what_the_cluster_made_of_it(
    workspace: Make, tmp_path: Path
) -> None:
    autoscaled = workspace(PROGRAMS / "autoscaled")
    config = {"autoscaled:folder": str(tmp_path), "policies:levels": dict.fromkeys(known(), "advisory")}
    made = autoscaled.up(config)
    assert made.code == 0, made.text
    state = autoscaled.exported()
    for entry in state["deployment"]["resources"]:
        if entry["type"] == "kubernetes:apps/v1:Deployment":
            # As after a refresh: the autoscaler's number.
            entry["outputs"]["spec"]["replicas"] = 3
    autoscaled.replace(state)
    run = autoscaled.preview(config)
    # Where something changed, the engine would hand over the program's value in any case.
    assert "4 unchanged" in run.text
    assert "autoscaled-replicas" in run.judged
    assert run.of("autoscaled-replicas") == []
