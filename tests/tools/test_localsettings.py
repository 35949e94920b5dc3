"""Settings that the local cluster and the demo add to a stack's, below what its file says."""

from typing import Any

import pytest
import yaml

from components.settings.values.merging import merged
from tools.stacks import localsettings

from ..harness import localstack
from .fakes import ROOT

_DEMO = """
feastflow:backend:
  migrations: {command: [python3, -m, feastflow_api.migrate]}
  jobs:
    purge:
      schedule: "30 3 * * *"
      command: [python3, -m, feastflow_api.purge]
      env: {ORDERS_KEPT_DAYS: "90"}
"""
# All that the program gets of `make up`, but for images, context and attempts.
_EFFECTIVE = {
    "dev": """
policies:levels:
  ingress-tls: {level: disabled, reason: its host ends in .localhost and is served on this machine alone}
  gateway-tls: mandatory
  autoscaler-minimum: mandatory
  postgres-backup: mandatory
policies:exemptions: []
feastflow:namespace: feastflow-dev
feastflow:environment: dev
feastflow:cluster: {zones: 3}
feastflow:tenancy: {protect: false}
feastflow:database: {engine: standalone, instances: 1, storage: 2Gi}
feastflow:edge: {host: feastflow-dev.localhost, port: 8080, tls: {enabled: false}}
""",
    "prod": """
policies:levels:
  ingress-tls: {level: mandatory, reason: its visitors come over networks of others}
  gateway-tls: mandatory
  autoscaler-minimum: mandatory
  postgres-backup: mandatory
policies:exemptions:
  - rule: ingress-certificate
    resource: Ingress/feastflow
    reason: >-
      No authority signs for a name that only the local cluster knows; for your own, set edge.tls.issuer or
      edge.tls.secretName and remove this.
    expires: "2027-05-15"
  - rule: postgres-backup
    resource: Cluster/postgres
    reason: >-
      The local cluster has no store of objects; for your own, set database.backup and remove this.
    expires: "2027-05-15"
feastflow:namespace: feastflow-prod
feastflow:environment: prod
feastflow:cluster: {zones: 3}
feastflow:tenancy: {protect: true}
feastflow:database: {engine: replicated, instances: 3, storage: 10Gi}
feastflow:edge: {host: feastflow-prod.localhost, port: 8443, tls: {enabled: true}}
""",
}


def _added(config: dict[str, Any], *, demo: bool = False) -> dict[str, Any]:
    return localsettings.of({"feastflow:namespace": "shop", **config}, demo=demo)


@pytest.mark.parametrize("stack", localstack.STACKS)
def test_what_the_program_gets_of_make_up_is_all_that_the_local_cluster_needs(stack: str) -> None:
    expected = yaml.safe_load(_EFFECTIVE[stack]) | yaml.safe_load(_DEMO)

    assert localstack.of(ROOT, stack) == expected


def test_the_demo_is_told_of_where_the_demo_is_what_runs() -> None:
    assert "feastflow:backend" not in _added({})
    assert _added({}, demo=True)["feastflow:backend"] == yaml.safe_load(_DEMO)["feastflow:backend"]


def test_what_the_stacks_file_says_goes_before_it() -> None:
    config: dict[str, Any] = {
        "feastflow:cluster": {"zones": 1},
        "feastflow:backend": {"migrations": {"command": ["true"]}, "jobs": {"purge": {"suspend": True}}},
        "feastflow:edge": {"host": "shop.test"},
    }
    effective = merged(config, _added(config, demo=True))

    assert effective["feastflow:cluster"] == {"zones": 1}
    assert effective["feastflow:backend"]["migrations"] == {"command": ["true"]}
    assert effective["feastflow:backend"]["jobs"]["purge"]["suspend"] is True
    assert effective["feastflow:edge"] == {"host": "shop.test"}


@pytest.mark.parametrize("edge", [{"host": "shop.test"}, {"host": "shop.test", "tls": {"enabled": True}}])
def test_a_stack_that_names_its_host_keeps_its_levels_and_exemptions(edge: dict[str, Any]) -> None:
    config = {
        "feastflow:edge": edge,
        "policies:levels": {"ingress-tls": {"level": "disabled", "reason": "ours"}},
    }

    assert _added(config).keys() == {"feastflow:cluster"}


@pytest.mark.parametrize(
    "tls", [{"enabled": True, "secretName": "own"}, {"enabled": True, "issuer": {"name": "a"}}]
)
def test_a_certificate_of_the_stacks_own_needs_no_exemption(tls: dict[str, Any]) -> None:
    assert "policies:exemptions" not in _added({"feastflow:edge": {"tls": tls}})


def test_exemptions_of_the_stacks_own_are_kept_with_that_of_the_local_name() -> None:
    own = {"rule": "image-version", "resource": "Deployment/x", "reason": "y", "expires": "2027-01-01"}
    added = _added({"policies:exemptions": [own], "feastflow:edge": {"tls": {"enabled": True}}})

    assert [each["rule"] for each in added["policies:exemptions"]] == ["image-version", "ingress-certificate"]


@pytest.mark.parametrize("value", [None, "x", []])
def test_a_section_that_is_none_is_left_to_the_program_to_refuse(value: object) -> None:
    added = _added({"feastflow:edge": value, "policies:levels": value})

    assert added["feastflow:edge"] == {"host": "shop.localhost"}
