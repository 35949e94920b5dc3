"""The manifests of `make observe`: hardened, bounded, closed, and of one mind about names and ports."""

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tools.observe import images, rendering, workloads
from tools.observe.certificate import Certificate
from tools.observe.network import Addresses
from tools.observe.part import NAMESPACE, NODES_NAMESPACE, Manifest, Part
from tools.observe.parts import PARTS
from tools.observe.rendering import MARK, MARKED, Setting

_PORT = 8097
_SETTING = Setting(
    images=images.named(),
    addresses=Addresses(nodes=("10.89.0.3", "10.89.0.2"), api="10.96.0.1"),
    certificates={"adapter": Certificate(certificate="public", key="private")},
    port=_PORT,
)
_MIB = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}
_NODES = 3


@pytest.fixture(scope="module")
def found() -> list[Manifest]:
    """Return all objects."""
    return rendering.manifests(_SETTING)


def _workloads(found: list[Manifest]) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in found if each["kind"] in {"Deployment", "DaemonSet"}}


def _pods(found: list[Manifest]) -> dict[str, Manifest]:
    return {name: each["spec"]["template"]["spec"] for name, each in _workloads(found).items()}


def _containers(found: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for name, pod in _pods(found).items():
        for container in pod["containers"]:
            yield f"{name}/{container['name']}", container


def _mib(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return float(number) * _MIB[unit]


def test_every_object_bears_the_mark_by_which_it_is_deleted(found: list[Manifest]) -> None:
    assert {each["metadata"]["labels"][MARK] for each in found} == {MARKED}


def test_all_that_is_of_no_namespace_is_of_a_kind_that_is_deleted(found: list[Manifest]) -> None:
    kinds = {f"{each['kind'].lower()}s" for each in found if "namespace" not in each["metadata"]}

    assert kinds == set(rendering.CLUSTER_WIDE)


def test_what_has_a_namespace_is_in_one_that_is_made_first(found: list[Manifest]) -> None:
    inside = {each["metadata"]["namespace"] for each in found if "namespace" in each["metadata"]}

    assert [each["metadata"]["name"] for each in found[:2]] == [NAMESPACE, NODES_NAMESPACE]
    assert inside == {NAMESPACE, NODES_NAMESPACE}


def test_the_same_setting_gives_the_same_bytes() -> None:
    assert rendering.stream(rendering.manifests(_SETTING)) == rendering.stream(rendering.manifests(_SETTING))


def test_only_what_reads_log_files_is_outside_of_pod_security_restricted(found: list[Manifest]) -> None:
    levels = {
        each["metadata"]["name"]: each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in found
        if each["kind"] == "Namespace"
    }
    on_the_node = {name for name, pod in _pods(found).items() if any("hostPath" in v for v in pod["volumes"])}
    outside = {
        name
        for name, each in _workloads(found).items()
        if levels[each["metadata"]["namespace"]] != "restricted"
    }

    assert on_the_node == outside == {"log-agent"}


def test_no_container_writes_to_its_image_or_is_root(found: list[Manifest]) -> None:
    for name, container in _containers(found):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"], name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert not context["allowPrivilegeEscalation"], name
    for name, pod in _pods(found).items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] > 1000, name


def test_log_files_are_only_read(found: list[Manifest]) -> None:
    (agent,) = _pods(found)["log-agent"]["containers"]
    places = {mount["mountPath"]: mount.get("readOnly", False) for mount in agent["volumeMounts"]}

    assert places["/var/log/pods"]
    assert places["/var/log/containers"]


def test_every_folder_that_is_written_to_has_a_bound(found: list[Manifest]) -> None:
    for name, pod in _pods(found).items():
        volumes = {each["name"]: each for each in pod["volumes"]}
        for container in pod["containers"]:
            for mount in container["volumeMounts"]:
                volume = volumes[mount["name"]]
                assert mount.get("readOnly") or volume["emptyDir"]["sizeLimit"], (name, mount)


def test_all_parts_together_ask_for_less_than_a_gibibyte(found: list[Manifest]) -> None:
    asked = 0.0
    for name, pod in _pods(found).items():
        times = _NODES if _workloads(found)[name]["kind"] == "DaemonSet" else 1
        asked += times * sum(_mib(each["resources"]["requests"]["memory"]) for each in pod["containers"])

    assert asked < 1024


def test_limits_are_never_below_requests(found: list[Manifest]) -> None:
    for name, container in _containers(found):
        sizes = container["resources"]
        assert _mib(sizes["limits"]["memory"]) >= _mib(sizes["requests"]["memory"]), name


def test_a_token_is_only_where_rights_are(found: list[Manifest]) -> None:
    bound = {
        subject["name"]
        for each in found
        if each["kind"] == "ClusterRoleBinding"
        for subject in each["subjects"]
    }
    with_token = {name for name, pod in _pods(found).items() if pod["automountServiceAccountToken"]}

    assert with_token == bound == {"metrics", "rules", "log-agent", "state", "adapter"}


def test_nobody_may_write_or_read_a_secret(found: list[Manifest]) -> None:
    rules = [rule for each in found if each["kind"] == "ClusterRole" for rule in each["rules"]]
    writing = [rule for rule in rules if not set(rule["verbs"]) <= {"get", "list", "watch"}]

    # Reviews are questions, and nothing is kept of them.
    assert [(rule["resources"], rule["verbs"]) for rule in writing] == [
        (["tokenreviews"], ["create"]),
        (["subjectaccessreviews"], ["create"]),
    ]
    assert not {"secrets", "*"} & {resource for rule in rules for resource in rule["resources"]}


def _policies(found: list[Manifest]) -> dict[str, Manifest]:
    return {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"]
        for each in found
        if each["kind"] == "NetworkPolicy"
    }


def _opens(rules: list[Manifest], side: str, part: Part, port: int) -> bool:
    """Return whether a rule opens the port for the part's pods, or for all pods."""
    for rule in rules:
        ports = {each["port"] for each in rule.get("ports", [])}
        for peer in rule[side]:
            selector = peer.get("podSelector")
            everyone = peer.get("namespaceSelector") == {} and selector is None
            if (selector == {"matchLabels": part.selector} or everyone) and (not ports or port in ports):
                return True
    return False


def test_both_namespaces_are_closed_unless_a_policy_opens_something(found: list[Manifest]) -> None:
    for namespace in (NAMESPACE, NODES_NAMESPACE):
        closed = _policies(found)[f"{namespace}/default-deny"]
        assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_no_policy_has_an_empty_list_which_the_api_server_would_not_keep(found: list[Manifest]) -> None:
    assert all(value != [] for spec in _policies(found).values() for value in spec.values())


def test_an_opening_has_two_sides(found: list[Manifest]) -> None:
    policies = _policies(found)
    paths = [(part, other) for part in PARTS for other in PARTS if other.name in part.reaches]
    for part, other in paths:
        away = policies[f"{part.namespace}/{part.name}"]["egress"]
        home = policies[f"{other.namespace}/{other.name}"]["ingress"]
        for port in other.ports.values():
            assert _opens(away, "to", other, port), (part.name, other.name, port)
            assert _opens(home, "from", part, port), (part.name, other.name, port)

    assert len(paths) > 5


def test_what_has_metrics_lets_the_store_of_metrics_in(found: list[Manifest]) -> None:
    (store,) = (part for part in PARTS if part.scrapes)
    for part in PARTS:
        opened = _opens(
            _policies(found)[f"{part.namespace}/{part.name}"]["ingress"], "from", store, part.port[1]
        )
        assert opened == (part.metrics is not None or part.name in store.reaches), part.name


def test_only_who_asks_kubernetes_reaches_the_api_server_and_no_address_outside(
    found: list[Manifest],
) -> None:
    inside = {"10.89.0.2/32", "10.89.0.3/32", "10.96.0.1/32"}
    asking = set()
    for name, spec in _policies(found).items():
        for rule in spec.get("egress", []):
            blocks = {peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer}
            assert blocks <= inside
            if any(each["port"] == 6443 for each in rule.get("ports", [])):
                asking.add(name.split("/")[1])

    assert asking == {part.name for part in PARTS if part.rights}


def test_programs_name_each_other_by_the_service_and_port_that_the_policies_open() -> None:
    by_name = {part.name: part for part in PARTS}
    named = 0
    for part in PARTS:
        texts = [*part.args, *workloads._files(part).values()]
        for host, port in re.findall(r"http://([a-z-]+)(?:\.observability)?:(\d+)", "\n".join(texts)):
            assert host in part.reaches, f"{part.name} names {host}, which it may not reach"
            assert int(port) in by_name[host].ports.values(), f"{part.name} names {host}:{port}"
            named += 1

    assert named >= 9


def test_the_configuration_files_are_yaml() -> None:
    for part in PARTS:
        for name, text in workloads._files(part).items():
            assert isinstance(yaml.safe_load(text), dict), name


def test_a_changed_file_is_another_pod(monkeypatch: pytest.MonkeyPatch, found: list[Manifest]) -> None:
    before = {name: each["spec"]["template"]["metadata"] for name, each in _workloads(found).items()}
    monkeypatch.setattr(workloads, "_files", lambda part: dict.fromkeys(part.files, "other: text\n"))
    after = _workloads(rendering.manifests(_SETTING))

    changed = {name for name, each in after.items() if each["spec"]["template"]["metadata"] != before[name]}
    assert changed == {part.name for part in PARTS if part.files}


def test_every_page_is_routed_to_a_part_that_lets_the_edge_in(found: list[Manifest]) -> None:
    hosts: dict[str, list[Any]] = {}
    for each in found:
        if each["kind"] == "Ingress":
            for rule in each["spec"]["rules"]:
                paths = [path["path"] for path in rule["http"]["paths"]]
                hosts.setdefault(rule["host"], []).extend(paths)

    pages = [*rendering.addresses(_PORT).values(), rendering.intake(_PORT)]
    for page in pages:
        host, port, path = re.fullmatch(r"http://([^:]+):(\d+)(/.*)", page).groups()  # type: ignore[union-attr]
        assert int(port) == _PORT
        assert any(path.startswith(routed) for routed in hosts[host]), page
    assert set(hosts) == {re.sub(r"http://([^:]+):.*", r"\1", page) for page in pages}


def test_alerts_lead_to_pages_at_the_port_of_this_cluster(found: list[Manifest]) -> None:
    told = " ".join(_pods(found)["rules"]["containers"][0]["args"])

    assert f"-external.url=http://metrics.localhost:{_PORT}" in told


def test_each_program_runs_from_an_image_named_after_its_version(found: list[Manifest]) -> None:
    used = {container["image"] for _, container in _containers(found)}

    assert used == set(images.named().values())
    assert all(re.fullmatch(r"localhost/feastflow/[a-z-]+:[\d.]+-[0-9a-f]{16}", image) for image in used)


def test_an_api_is_known_by_the_certificate_that_its_server_has(found: list[Manifest]) -> None:
    (part,) = (part for part in PARTS if part.serves)
    (api,) = (each["spec"] for each in found if each["kind"] == "APIService")
    (secret,) = (each for each in found if each["kind"] == "Secret")
    files = {name: b64decode(text).decode() for name, text in secret["data"].items()}
    (volume,) = (each for each in _pods(found)[part.name]["volumes"] if "secret" in each)

    assert files == {"tls.crt": "public", "tls.key": "private"}
    assert b64decode(api["caBundle"]).decode() == "public"
    assert "insecureSkipTLSVerify" not in api
    assert f"{api['service']['name']}.{api['service']['namespace']}.svc" == part.host
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]


def test_only_the_nodes_reach_what_serves_an_api(found: list[Manifest]) -> None:
    (part,) = (part for part in PARTS if part.serves)
    (rule,) = _policies(found)[f"{part.namespace}/{part.name}"]["ingress"]

    assert [peer["ipBlock"]["cidr"] for peer in rule["from"]] == ["10.89.0.2/32", "10.89.0.3/32"]
    assert [each["port"] for each in rule["ports"]] == [part.port[1]]


def test_an_api_ends_before_the_namespace_of_its_server() -> None:
    assert rendering.CLUSTER_WIDE.index("apiservices") < rendering.CLUSTER_WIDE.index("namespaces")
