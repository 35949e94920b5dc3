"""The survey of a cluster: one that cannot run the stack is refused in one message, before any change."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.guards import suitable, supported, trusted
from components.guards.cluster import live, rights, survey
from components.guards.cluster.live import Seen
from components.guards.cluster.survey import Survey
from components.settings import reader, unset
from components.settings.model.stack import Stack
from tools.toolchain import pins

from .recorder import ROOT, Recording, encode, record_stack, stack_file
from .test_hardening import THIRD
from .test_settings import parse, refusal

_KUBE_SYSTEM = "api/v1/namespaces/kube-system/pods"
_DNS_POD = {
    "spec": {
        "containers": [
            {
                "ports": [
                    {"name": "dns", "protocol": "UDP", "containerPort": 53},
                    {"name": "dns-tcp", "protocol": "TCP", "containerPort": 53},
                    {"name": "metrics", "containerPort": 9153},
                ]
            }
        ]
    }
}
_ADMIN = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
# The kinds of a stack that the ClusterRole `admin` may create in a namespace.
_OF_ADMIN = [
    {
        "apiGroups": [group],
        "resources": resources,
        "verbs": ["create", "delete", "patch", "update", "get", "list"],
    }
    for group, resources in {
        "": ["configmaps", "secrets", "serviceaccounts", "services", "persistentvolumeclaims", "pods"],
        "apps": ["deployments", "statefulsets", "replicasets", "daemonsets"],
        "autoscaling": ["horizontalpodautoscalers"],
        "batch": ["jobs", "cronjobs"],
        "networking.k8s.io": ["networkpolicies", "ingresses"],
        "policy": ["poddisruptionbudgets"],
        "rbac.authorization.k8s.io": ["roles", "rolebindings"],
    }.items()
]
_GIVEN = {"createNamespace": False, "priorityClasses": False, "admissionPolicies": False}
_REPLICATED = {"engine": "replicated", "instances": 3}


@dataclass
class Api:
    """Answers by path, without what is asked of a selector; reviews by rules."""

    answers: dict[str, Any] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=lambda: list(_ADMIN))
    # What reviews of single rights allow beyond the rules, such as by a cloud's own webhook.
    webhook: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, path: str, body: bytes | None = None) -> dict[str, Any] | None:
        self.asked.append(unquote(path))
        if body is None:
            return self.answers.get(unquote(path).partition("&")[0])
        spec = json.loads(body)["spec"]
        if path.endswith("selfsubjectrulesreviews"):
            return {"status": {"resourceRules": self.rules, "incomplete": self.webhook}}
        return {"status": {"allowed": self.webhook or self._allows(**spec["resourceAttributes"])}}

    def _allows(self, group: str, resource: str, verb: str, name: str = "", namespace: str = "") -> bool:
        need = rights.Need(group=group, resource=resource, name=name, everywhere=not namespace)
        return any(survey._allows(rule, need, verb) for rule in self.rules if namespace or rule in _ADMIN)


def pods(namespace: str, labels: str) -> str:
    return f"api/v1/namespaces/{namespace}/pods?labelSelector={labels}"


def cluster(**answers: Any) -> Api:
    """Return a cluster that suits every stack."""
    version = {"major": "1", "minor": "34"}
    return Api(
        {"version": version, pods("kube-system", "k8s-app=kube-dns"): {"items": [_DNS_POD]}, **answers}
    )


def looked(api: Api, stack: Stack, *, exists: bool = False) -> Survey:
    return survey.look(api, stack, exists=exists)


def refused(api: Api, stack: Stack, *, exists: bool = False) -> str:
    seen = Seen(name="context here at https://a", survey=looked(api, stack, exists=exists))
    with pytest.raises(pulumi.RunError) as error:
        suitable.check(stack, seen)
    text = str(error.value)
    assert text.startswith("The cluster cannot take the stack as its settings are; nothing was changed.\n\n")
    assert "  why:   " in text
    assert "  next:  " in text
    return text


def warned(api: Api, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    suitable.check(stack, Seen(name="context here", survey=looked(api, stack)))
    return said


def test_a_cluster_that_suits_is_taken_without_a_word_and_by_few_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = cluster()
    assert warned(api, parse(), monkeypatch) == []
    assert len(api.asked) == 9
    suitable.check(parse(), None)
    suitable.check(parse(), Seen(unseen="no answer"))


def test_images_that_no_stack_names_are_refused_with_whatever_else_the_cluster_lacks() -> None:
    stack = parse()
    seen = Seen(name="context here", survey=looked(cluster(version={"major": "1", "minor": "29"}), stack))
    raw = {"feastflow:backend": encode({"image": "api:1"}), "feastflow:edge": "{}"}
    found = list(unset.problems(raw))
    with pytest.raises(pulumi.RunError) as error:
        suitable.check(stack, seen, found)

    assert "Kubernetes 1.29" in str(error.value)
    assert "feastflow:frontend.image\n  found: nothing" in str(error.value)
    assert "feastflow:backend.image" not in str(error.value)
    # Where no cluster is asked, nothing is deployed.
    suitable.check(stack, None, found)


@pytest.mark.parametrize(
    ("major", "minor", "told"),
    [
        ("1", "32", "Kubernetes 1.32"),
        ("1", "32+", "Kubernetes 1.32"),
        ("1", "9", "Kubernetes 1.9"),
        ("0", "99", "0.99"),
    ],
)
def test_an_older_kubernetes_is_refused_by_its_version_with_the_range(
    major: str, minor: str, told: str
) -> None:
    text = refused(cluster(version={"major": major, "minor": minor}), parse())

    assert told in text
    assert "validated for 1.33 to 1.37" in text
    assert "next:  upgrade the cluster, or name another one" in text


@pytest.mark.parametrize(
    ("major", "minor", "told"), [("1", "38", "1.38"), ("1", "40+", "1.40"), ("2", "0", "2.0")]
)
def test_a_newer_kubernetes_than_the_range_is_warned_of(
    major: str, minor: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (warning,) = warned(cluster(version={"major": major, "minor": minor}), parse(), monkeypatch)

    assert f"Kubernetes {told} is newer than" in warning
    assert "(1.33 to 1.37)" in warning


def test_the_range_is_the_one_that_the_documents_name_and_the_local_cluster_is_in_it() -> None:
    for page in ("README.md", "docs/clusters.md"):
        assert f"Kubernetes {supported.span()}" in (ROOT / page).read_text(encoding="utf-8"), page
    assert pins.KUBERNETES.rpartition(".")[0] in supported.versions()
    assert supported.versions() == ("1.33", "1.34", "1.35", "1.36", "1.37")


@pytest.mark.parametrize(
    "version",
    [
        *({"major": "1", "minor": each.partition(".")[2]} for each in supported.versions()),
        {"major": "1", "minor": "34+"},
        {},
        {"major": "", "minor": ""},
        {"major": "1", "minor": "x"},
        None,
    ],
)
def test_a_version_of_the_range_or_one_that_is_not_told_is_taken_without_a_word(
    version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warned(cluster(version=version), parse(), monkeypatch) == []


def _openshift() -> Api:
    labels = "dns.operator.openshift.io/daemonset-dns=default"
    pod = {"spec": {"containers": [{"ports": [{"name": "dns", "containerPort": 5353}]}, {}]}}
    return cluster(
        **{
            pods("kube-system", "k8s-app=kube-dns"): {"items": []},
            pods("openshift-dns", labels): {"items": [pod]},
        }
    )


def test_dns_elsewhere_is_refused_with_the_settings_that_name_it() -> None:
    text = refused(_openshift(), parse())
    assert "feastflow:tenancy.dnsNamespace\n  found: kube-system" in text
    given_ones = json.loads(text.rpartition("set feastflow:tenancy to ")[2])

    suitable.check(stack := parse(tenancy=given_ones), Seen(survey=looked(_openshift(), stack)))
    assert stack.tenancy.dns_ports == (5353,)


def test_a_charts_own_labels_of_coredns_are_found() -> None:
    answers = {
        pods("kube-system", "k8s-app=kube-dns"): {"items": []},
        pods("kube-system", "k8s-app=coredns"): {"items": [_DNS_POD]},
    }
    assert '"dnsLabels": {"k8s-app": "coredns"}' in refused(cluster(**answers), parse())


def test_another_port_of_the_dns_pods_is_refused_with_it() -> None:
    pod = {"spec": {"containers": [{"ports": [{"name": "dns-tcp", "containerPort": 5353}]}]}}
    text = refused(cluster(**{pods("kube-system", "k8s-app=kube-dns"): {"items": [pod]}}), parse())
    assert "pulumi config set --path feastflow:'tenancy.dnsPorts[0]' 5353" in text


def test_dns_that_is_not_found_or_not_to_be_read_is_no_reason_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = cluster(**{pods("kube-system", "k8s-app=kube-dns"): {"items": []}})
    (said,) = warned(empty, parse(), monkeypatch)
    assert "docs/networking.md" in said
    assert warned(cluster(**{pods("kube-system", "k8s-app=kube-dns"): None}), parse(), monkeypatch) == []


@pytest.mark.parametrize(
    ("args", "address"),
    [
        (["-localip", "169.254.20.10,10.96.0.10", "-conf", "x"], "169.254.20.10"),
        (["--localip=fd00::a"], "fd00::a"),
        ([], "169.254.20.10"),
        (["-localip"], None),
    ],
)
def test_node_local_dns_is_told_with_its_address(
    args: list[str], address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemons = {"spec": {"template": {"spec": {"containers": [{"args": args} if args else {}]}}}}
    api = cluster(**{"apis/apps/v1/namespaces/kube-system/daemonsets/node-local-dns": daemons})
    said = warned(api, parse(), monkeypatch)
    assert [each.rpartition(" ")[2] for each in said] == ([address] if address else [])
    if address:
        assert warned(api, parse(tenancy={"dnsAddresses": [address]}), monkeypatch) == []


_DEPLOYMENTS = "deployments?labelSelector=app.kubernetes.io/name=cloudnative-pg"
_OF_OPERATOR = f"apis/apps/v1/namespaces/cnpg-system/{_DEPLOYMENTS}"
_ANYWHERE = f"apis/apps/v1/{_DEPLOYMENTS}"


def deployment(account: str | None, namespace: str = "cnpg-system") -> dict[str, Any]:
    pod = {"serviceAccountName": account} if account else {}
    return {"metadata": {"namespace": namespace}, "spec": {"template": {"spec": pod}}}


def _account(stack: Stack, api: Api | None) -> str | None:
    return survey.operator(stack, looked(api, stack) if api else None)


@pytest.mark.parametrize("account", ["cnpg-manager", "cnpg-cloudnative-pg", "my-release-cloudnative-pg"])
def test_the_account_that_the_operator_runs_as_is_trusted_and_remembered(account: str) -> None:
    stack, api = parse(database=_REPLICATED), cluster(**{_OF_OPERATOR: {"items": [deployment(account)]}})
    assert _account(stack, api) == f"cnpg-system/{account}"
    seen = Seen(survey=looked(api, stack))
    assert trusted.recorded(stack, seen, {}) == {"operatorAccount": f"cnpg-system/{account}"}
    suitable.check(stack, seen)


def _trusted_by(recording: Recording) -> set[str]:
    """Return the service accounts outside of kube-system that the admission policies pass."""
    text = json.dumps([each.inputs["spec"] for each in recording.all("ValidatingAdmissionPolicy")])
    found = set(re.findall(r"system:serviceaccount:([a-z-]+:[a-z-]+)", text))
    return {each for each in found if not each.startswith("kube-system:")}


@pytest.mark.parametrize(
    ("account", "before", "trusted_one"),
    [
        (None, None, "cnpg-system:cnpg-manager"),
        (None, "cnpg-system/cnpg-cloudnative-pg", "cnpg-system:cnpg-cloudnative-pg"),
        (None, "elsewhere/cnpg-cloudnative-pg", "cnpg-system:cnpg-manager"),
        ("mine", "cnpg-system/cnpg-cloudnative-pg", "cnpg-system:mine"),
    ],
)
def test_where_nothing_can_be_asked_it_is_the_setting_or_the_one_before_or_the_manifests(
    account: str | None, before: str | None, trusted_one: str
) -> None:
    config = stack_file("prod")
    there = config["feastflow:database"]
    assert isinstance(there, dict)
    named = {"operatorAccount": account} if account else {}
    last = {"dataDependsOn": {"operatorAccount": before}} if before else None

    recording = record_stack({**config, "feastflow:database": {**there, **named}}, last)

    assert _trusted_by(recording) == {trusted_one}


def test_what_was_found_is_remembered_until_something_else_is() -> None:
    stack, last = parse(database=_REPLICATED), {"operatorAccount": "cnpg-system/cnpg-cloudnative-pg"}
    assert trusted.recorded(stack, None, last) == last
    assert trusted.recorded(stack, None, {}) == {}
    assert trusted.recorded(parse(), None, last) == {}


def test_a_setting_that_names_another_account_than_the_operators_is_refused_at_once() -> None:
    stack = parse(database={**_REPLICATED, "operatorAccount": "cnpg-manager"})
    text = refused(cluster(**{_OF_OPERATOR: {"items": [deployment("cnpg-cloudnative-pg")]}}), stack)
    assert "pulumi config set --path feastflow:database.operatorAccount cnpg-cloudnative-pg" in text


def test_an_operator_without_an_account_of_its_own_is_not_trusted() -> None:
    stack = parse(database=_REPLICATED)
    assert "account default" in refused(cluster(**{_OF_OPERATOR: {"items": [deployment(None)]}}), stack)
    assert "operatorAccount" in refusal(database={**_REPLICATED, "operatorAccount": "default"})
    assert "operatorAccount" in refusal(database={"operatorAccount": "cnpg-manager"})


def test_an_operator_elsewhere_is_told_with_the_setting_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = parse(database=_REPLICATED)
    elsewhere = {"items": [deployment("x", "operators")]}
    api = cluster(**{_OF_OPERATOR: {"items": []}, _ANYWHERE: elsewhere})
    (said,) = warned(api, stack, monkeypatch)
    assert "but in operators" in said
    assert said.endswith("feastflow:database.operatorNamespace operators")
    assert _account(stack, api) is None
    assert len(warned(cluster(**{_OF_OPERATOR: {"items": []}}), stack, monkeypatch)) == 1
    assert warned(cluster(), stack, monkeypatch) == []


def test_an_administrator_of_one_namespace_gets_one_list_of_what_is_missing() -> None:
    text = refused(Api(cluster().answers, rules=_OF_ADMIN), parse(), exists=True)
    listed = [
        line.strip() for line in text.partition("nor change\n")[2].partition("\n  why:")[0].splitlines()
    ]
    assert listed == [
        "namespaces shop",
        "priorityclasses.scheduling.k8s.io shop-database",
        "validatingadmissionpolicies.admissionregistration.k8s.io shop-mandatory",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io shop-mandatory",
        "limitranges",
        "resourcequotas",
    ]
    for setting in _GIVEN:
        assert f"pulumi config set --path feastflow:tenancy.{setting} false" in text
    assert "make deployer-role" in text


def test_an_administrator_of_one_namespace_deploys_all_that_belongs_to_no_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = parse(tenancy=_GIVEN, backend={"jobs": {"a": {"schedule": "@daily", "command": ["a"]}}})
    assert warned(Api(cluster().answers, rules=_OF_ADMIN), stack, monkeypatch) == []


@pytest.mark.parametrize(
    ("more", "listed", "setting"),
    [
        ({"database": _REPLICATED}, "clusters.postgresql.cnpg.io", None),
        ({"edge": {"host": "a.b", "mode": "gateway", "className": "traefik"}}, "httproutes.gateway", None),
    ],
)
def test_what_a_namespaces_administrator_lacks_of_operators_objects_is_listed(
    more: Mapping[str, Any], listed: str, setting: str | None
) -> None:
    assert setting is None
    text = refused(Api(cluster().answers, rules=_OF_ADMIN), parse(tenancy=_GIVEN, **more), exists=True)
    assert listed in text
    assert "tenancy." not in text


def test_rights_by_a_clouds_own_webhook_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warned(Api(cluster().answers, rules=[], webhook=True), parse(), monkeypatch) == []


def test_who_may_make_nothing_may_still_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    (said,) = warned(Api(cluster().answers, rules=viewer), parse(), monkeypatch)
    assert "preview" in said


def _kinds(recording: Recording) -> Iterator[tuple[str, str, bool]]:
    for each in recording.resources:
        if each.type.startswith("kubernetes:") and not each.kind.endswith("Patch"):
            group = str(each.inputs.get("apiVersion", "")).rpartition("/")[0]
            word = each.kind.lower()
            plural = f"{word[:-1]}ies" if word.endswith("y") and not word.endswith("way") else f"{word}s"
            plural = {"ingresss": "ingresses", "priorityclasss": "priorityclasses"}.get(plural, plural)
            yield group, plural, not each.inputs["metadata"].get("namespace")


_WIDE: dict[str, object] = {
    "feastflow:backend": {
        "jobs": {"a": {"schedule": "@daily", "command": ["a"]}},
        "secrets": {"A": {"externalSecret": {"store": "s", "key": "k"}}},
    },
    "feastflow:edge": {
        "host": "shop.example.com",
        "attempts": 3,
        "mode": "gateway",
        "className": "traefik",
        "tls": {"enabled": True, "issuer": {"name": "letsencrypt"}},
    },
    "feastflow:tenancy": {
        "signatures": {
            "images": ["ghcr.io/a/**"],
            "subject": "https://github.com/a/b/.github/workflows/c.yml@refs/heads/main",
        }
    },
}


@pytest.mark.parametrize("which", ["dev", "prod", "third", "wide", "limited", "given"])
def test_each_kind_that_a_stack_makes_is_among_its_needs_and_no_other(which: str) -> None:
    configs: dict[str, dict[str, object]] = {
        "dev": stack_file("dev"),
        "prod": stack_file("prod"),
        "third": {**THIRD},
        "wide": {**stack_file("dev"), **_WIDE},
        "limited": {
            **stack_file("dev"),
            "feastflow:edge": {"host": "a.b", "rateLimit": {"requestsPerSecond": 5}},
        },
        "given": {**THIRD, "feastflow:tenancy": _GIVEN},
    }
    config = configs[which]
    stack = reader.parse({key: encode(value) for key, value in config.items()})[0]

    made = set(_kinds(record_stack(config)))

    assert {(need.group, need.resource, need.everywhere) for need in rights.needed(stack)} == made


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(
                st.sampled_from(
                    ["items", "spec", "template", "containers", "ports", "status", "resourceRules", "minor"]
                ),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=10,
    )
)
def test_whatever_answers_ends_in_no_other_error_than_one_that_is_told(answer: Any) -> None:
    def ask(_: str, __: bytes | None = None) -> Any:
        return answer if isinstance(answer, dict) else None

    # Unexpected answers skip the survey, and nothing else.
    with contextlib.suppress(*live._STRANGE):
        survey.look(ask, parse(database=_REPLICATED), exists=False)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_services_have_both_families_where_pods_have_both(name: str) -> None:
    config = stack_file(name)
    there = config.get("feastflow:cluster") or {}
    assert isinstance(there, dict)

    def policies(*families: str) -> set[object]:
        recording = record_stack({**config, "feastflow:cluster": {**there, "ipFamilies": list(families)}})
        specs = [each.inputs["spec"] for each in recording.all("Service")]
        for cluster in recording.all("Cluster"):
            services = cluster.inputs["spec"]["managed"]["services"]["additional"]
            specs += [each["serviceTemplate"]["spec"] for each in services]
        assert len(specs) >= 3
        return {each.get("ipFamilyPolicy") for each in specs}

    assert policies("IPv4", "IPv6") == policies("IPv6", "IPv4") == {"PreferDualStack"}
    assert policies("IPv6") == policies("IPv4") == {None}


def test_an_api_server_on_any_port_is_reached_by_the_settings() -> None:
    config = stack_file("prod")
    there = config["feastflow:cluster"]
    assert isinstance(there, dict)
    own = {"apiServer": ["10.20.0.0/24"], "apiServerPorts": [16443, 8443]}

    recording = record_stack({**config, "feastflow:cluster": {**there, **own}})

    (rule,) = recording.one("NetworkPolicy", "postgres-to-kubernetes").inputs["spec"]["egress"]
    assert [each["port"] for each in rule["ports"]] == [16443, 8443]
    assert "feastflow:cluster.apiServerPorts" in refusal(cluster={"apiServerPorts": [16443]})
