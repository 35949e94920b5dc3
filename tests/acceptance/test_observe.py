"""Observability on the local cluster: a request is found in metrics and logs, a span as a trace."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tools.drills import annotations
from tools.observe import rendering
from tools.observe.part import NAMESPACE, NODES_NAMESPACE, OTLP_ENDPOINT

from ..documented import documented
from ..harness.chromium import Customer
from ..harness.figures import Figures
from ..harness.kube import Kube, Object, name_of
from ..harness.product import Product
from ..harness.running import Ran
from ..harness.site import Answer, Site
from ..harness.waiting import until

_METRIC_SECONDS, _LOG_SECONDS, _TRACE_SECONDS = 60, 60, 60
_MEMORY_MIB = 1024
_MIB = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}
_RULES = """\
groups:
  - name: of-a-test
    interval: 5s
    rules:
      - {alert: TestIsRunning, expr: vector(1), annotations: {summary: a test runs}}
"""
_DASHBOARD = {
    "title": "of a test",
    "templating": {"list": [{"name": "namespace", "current": {"value": "default"}}]},
    "panels": [
        {
            "type": "timeseries",
            "title": "pods",
            "gridPos": {"w": 12},
            "fieldConfig": {"defaults": {"unit": "percentunit"}},
            "targets": [{"expr": 'count(kube_pod_info{namespace="$namespace"})', "legendFormat": "pods"}],
        }
    ],
}
_KINDS = "configmaps,services,serviceaccounts,deployments,daemonsets,ingresses,networkpolicies,clusterroles"
# A pod of a namespace without policies: what it reaches is what lets it in.
_STRANGER = "stranger"

Page = Callable[[str], Site]


def _observe(product: Product) -> Ran:
    return product.typed(documented("make observe"))


def _unobserve(product: Product) -> Ran:
    return product.typed(documented("make unobserve"))


def _everything(product: Product, kube: Kube) -> dict[str, set[str]]:
    """Return what no namespace holds, by kind, and the images of every node."""
    found = {
        kind: set(kube.run("get", kind, "--output", "name").split())
        for kind in kube.kinds(namespaced=False)
        # Figures change, and the nodes' requests for certificates are deleted after an hour.
        if "metrics" not in kind and "certificatesigningrequests" not in kind
    }
    listing = ("ctr", "--namespace", "k8s.io", "images", "list", "--quiet")
    return found | {node: set(product.engine("exec", node, *listing).split()) for node in product.nodes()}


@pytest.fixture(scope="module")
def before(product: Product, kube: Kube, site: Site) -> dict[str, set[str]]:
    """Return what was there before."""
    assert site.answers()
    # What an earlier, interrupted run left would be taken for what was there.
    _unobserve(product)
    return _everything(product, kube)


@pytest.fixture(scope="module")
def observed(product: Product, before: dict[str, set[str]], figures: Figures) -> Iterator[Ran]:
    """Have the cluster observed, twice: the second time with the images in the cache."""
    assert before
    started = time.monotonic()
    _observe(product)
    figures.seconds("make observe", time.monotonic() - started)
    _unobserve(product)
    started = time.monotonic()
    ran = _observe(product)
    figures.seconds("make observe, images in the cache", time.monotonic() - started, "60 s")
    yield ran
    _unobserve(product)


@pytest.fixture(scope="module")
def page(observed: Ran, site: Site) -> Page:
    """Return the page at a host of the local edge."""
    assert observed

    def at(host: str) -> Site:
        return Site(url=f"http://{host}.localhost:{site.port}")

    return at


def _value(metrics: Site, query: str) -> float:
    """Return the sum that a query gives now; 0 without a series."""
    answer = metrics.ask(f"/api/v1/query?{urlencode({'query': query, 'nocache': '1'})}")
    assert answer.status == 200, answer
    return sum(float(each["value"][1]) for each in answer.json["data"]["result"])


def _lines(logs: Site, query: str) -> list[dict[str, Any]]:
    answer = logs.ask(f"/select/logsql/query?{urlencode({'query': query, 'limit': '10'})}")
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.text.splitlines()]


def _measured(question: Callable[[], object], what: str, within: float) -> float:
    started = time.monotonic()
    until(question, what=what, within=within)
    return time.monotonic() - started


def test_the_command_names_pages_that_answer(observed: Ran, page: Page, site: Site) -> None:
    for what, url in rendering.addresses(site.port).items():
        assert url in observed.out, what
        host, _, path = url.removeprefix("http://").partition("/")
        asked = path.partition("#")[0]
        assert page(host.split(".")[0]).ask(f"/{asked}").status == 200, url


def test_everything_that_is_to_be_asked_for_metrics_answers(page: Page, kube: Kube) -> None:
    wanted = {
        "kubelet",
        "cadvisor",
        "state",
        "traefik",
        "metrics",
        "rules",
        "alerts",
        "logs",
        "log-agent",
        "traces",
    }

    def up() -> bool:
        targets = page("metrics").ask("/api/v1/targets?state=active").json["data"]["activeTargets"]
        jobs = {each["labels"]["job"] for each in targets}
        nodes = [each for each in targets if each["labels"]["job"] == "kubelet"]
        down = [
            each["scrapeUrl"]
            for each in targets
            if each["health"] != "up" and each["labels"]["job"] in wanted
        ]
        assert len(nodes) == len(kube.all("nodes"))
        if down or not jobs >= wanted:
            raise LookupError(f"down: {down}; missing: {wanted - jobs}")
        return True

    until(up, what="all targets up", within=90)


def test_a_request_at_the_edge_is_found_as_a_metric(page: Page, site: Site, figures: Figures) -> None:
    metrics = page("metrics")
    counter = 'traefik_service_requests_total{service=~".*backend.*"}'
    query, earlier = f"sum({counter})", f"sum({counter} offset 15s)"
    # The first request makes the series; later, no earlier one may be taken for the one that is measured.
    site.ask("/api/menu")
    until(
        lambda: 0 < _value(metrics, query) == _value(metrics, earlier),
        what="the edge's series, and nothing new in it",
        within=2 * _METRIC_SECONDS,
    )
    known = _value(metrics, query)
    site.ask("/api/menu")
    seconds = _measured(lambda: _value(metrics, query) > known, "the metric", _METRIC_SECONDS)

    figures.seconds("from a request to its metric", seconds, "15 s")


def test_a_requests_line_is_found(page: Page, site: Site, figures: Figures) -> None:
    asked = uuid.uuid4().hex
    site.ask("/api/menu", headers={"X-Request-Id": asked})
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        found[:] = _lines(page("logs"), f'request_id:="{asked}"')
        return bool(found)

    seconds = _measured(seen, "the line", _LOG_SECONDS)

    figures.seconds("from a request to its log line", seconds, "5 s")
    assert found[0]["kubernetes.pod_namespace"] == "feastflow-dev"
    assert found[0]["kubernetes.container_name"] == "backend"


def _span(trace: str) -> dict[str, Any]:
    now = time.time_ns()
    span = {
        "traceId": trace,
        "spanId": trace[:16],
        "name": "GET /of-a-test",
        "kind": 2,
        "startTimeUnixNano": str(now - 50_000_000),
        "endTimeUnixNano": str(now),
    }
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "a-test"}}]}
    return {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}


def test_a_span_is_found_as_a_trace_and_counted_as_a_metric(page: Page, figures: Figures) -> None:
    trace = uuid.uuid4().hex
    taken = page("traces").ask("/v1/traces", method="POST", body=_span(trace))
    assert taken.status == 200, taken
    seconds = _measured(
        lambda: page("traces").ask(f"/zipkin/api/v2/trace/{trace}").status == 200, "the trace", _TRACE_SECONDS
    )

    figures.seconds("from a span to its trace", seconds, "5 s")
    until(
        lambda: _value(
            page("metrics"), 'sum({__name__=~"traces_span_metrics_calls.*",service_name="a-test"})'
        ),
        what="the span's metric",
        within=90,
    )


@pytest.fixture(scope="module")
def told(product: Product, observed: Ran, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the tiers told of the collector."""
    assert observed
    clone = product.cloned(tmp_path_factory.mktemp("told") / "clone")
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"].setdefault("feastflow:observability", {})["otlpEndpoint"] = OTLP_ENDPOINT
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    clone.done("up")
    yield
    product.done("up")


def _headers(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _of_trace(page: Page, trace: str) -> list[dict[str, Any]]:
    answer = page("traces").ask(f"/zipkin/api/v2/trace/{trace}")
    return list(answer.json) if answer.status == 200 else []


_HOPS = {"traefik", "feastflow-frontend", "feastflow-backend", "sql"}


def _hops(page: Page, trace: str) -> set[str]:
    spans = _of_trace(page, trace)
    served = {each["localEndpoint"]["serviceName"] for each in spans}
    return served | {"sql" for each in spans if "db.query.text" in each.get("tags", {})}


def _visited(site: Site, name: str, note: str) -> str:
    """Order as a browser does on the page, with a trace; return that."""
    shown = site.ask("/", headers={"traceparent": f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"})
    caller = re.fullmatch(r'traceparent;desc="(00-([0-9a-f]{32})-[^"]+)"', _headers(shown)["server-timing"])
    assert caller, shown.headers
    body = {"items": [{"menu_item_id": "margherita", "quantity": 1}], "customer_name": name, "note": note}
    asked = {"traceparent": caller[1], "User-Agent": "persons-own"}
    placed = site.ask("/api/orders", method="POST", body=body, headers=asked)
    assert (placed.status, _headers(placed)["x-request-id"]) == (201, caller[2])
    return caller[2]


def test_a_visit_is_one_trace_from_the_page_to_sql_its_id_in_every_line_and_no_person_in_it(
    told: None, page: Page, site: Site, figures: Figures
) -> None:
    assert told is None
    name, note = f"Grace {uuid.uuid4().hex}", f"{uuid.uuid4().hex} Street"
    trace = _visited(site, name, note)
    seconds = _measured(lambda: _hops(page, trace) >= _HOPS, "all hops", 90)
    figures.seconds("from a visit to its trace, edge to SQL", seconds, "5 s")
    containers = {"frontend", "backend"}
    lines: list[dict[str, Any]] = []

    def logged() -> bool:
        lines[:] = _lines(page("logs"), f'trace_id:="{trace}"')
        return {each["kubernetes.container_name"] for each in lines} == containers

    until(logged, what="lines of both", within=_LOG_SECONDS)
    assert {"order stored", "request"} <= {each["_msg"] for each in lines}
    spans = json.dumps(_of_trace(page, trace))
    assert [each for each in (name, note, "persons-own", "client.address") if each in spans] == []
    assert [each for each in (name, note, "persons-own") if _lines(page("logs"), f'"{each}"')] == []


def test_a_person_sees_the_dashboard_the_lines_and_the_trace_of_a_visit_in_a_browser(
    told: None, page: Page, site: Site, customer: Customer
) -> None:
    assert told is None
    trace = _visited(site, "Ada", "a picture")
    until(lambda: _hops(page, trace) >= _HOPS, what="all hops", within=90)
    until(lambda: _lines(page("logs"), f'trace_id:="{trace}"'), what="its lines", within=_LOG_SECONDS)

    customer.opens(rendering.addresses(site.port)["dashboards"])
    customer.sees("Requests", "Errors")
    customer.photographs("dashboard")
    customer.opens(f"{page('logs').url}/select/vmui/#/?{urlencode({'query': f'trace_id:={trace}'})}")
    customer.sees(trace, "order stored")
    customer.photographs("logs")
    customer.opens(f"{page('traces').url}/zipkin/traces/{trace}")
    customer.sees("traefik", "feastflow-frontend", "feastflow-backend")
    customer.photographs("trace")


def test_the_terminal_shows_the_last_hour_the_lines_and_a_trace(
    product: Product, page: Page, site: Site
) -> None:
    def counted() -> bool:
        site.ask("/api/menu")
        told = product.typed(documented("make status")).out
        return re.search(r"^  backend +[1-9]", told, re.MULTILINE) is not None

    until(counted, what="the backend's last hour", within=180)

    command = documented("make logs Q='level:=error' TIER=backend", {"error": "info"})
    lines = product.typed(command).out
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} feastflow-backend-\S+ info ", lines, re.MULTILINE), lines
    assert "/select/vmui/#/?query=" in lines

    trace = uuid.uuid4().hex
    assert page("traces").ask("/v1/traces", method="POST", body=_span(trace)).status == 200
    known = f"/zipkin/api/v2/trace/{trace}"
    until(lambda: page("traces").ask(known).status == 200, what="the trace", within=_TRACE_SECONDS)
    example = "4bf92f3577b34da6a3ce929d0e0e4736"
    told = product.typed(documented("make trace ID=4bf92f3577b34da6a3ce929d0e0e4736", {example: trace})).out
    assert re.search(r"0\.0 ms +50 ms  a-test: get /of-a-test", told, re.IGNORECASE), told


@contextmanager
def _configured(kube: Kube, name: str, labels: Mapping[str, str], data: Mapping[str, str]) -> Iterator[None]:
    """Have a ConfigMap in a namespace that is no stack's."""
    manifest: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": dict(labels)},
        "data": dict(data),
    }
    elsewhere = ("--namespace", "default")
    kube.run("apply", "--server-side", "-f", "-", *elsewhere, stdin=json.dumps(manifest))
    try:
        yield
    finally:
        kube.run("delete", "configmap", name, *elsewhere)


def test_rules_of_any_namespace_alert_and_the_message_is_kept(
    page: Page, kube: Kube, figures: Figures
) -> None:
    def alerted() -> bool:
        told = page("alerts").ask("/api/v2/alerts").json
        return "TestIsRunning" in {each["labels"]["alertname"] for each in told}

    with _configured(kube, "of-a-test", {"prometheus_rule": "1"}, {"rules.yaml": _RULES}):
        seconds = _measured(alerted, "the alert", 90)
        message = 'receiver:="log-store" "a test runs"'
        until(lambda: _lines(page("logs"), message), what="its message", within=60)

    figures.seconds("from a new rule to its alert", seconds)
    until(
        lambda: "TestIsRunning" not in page("metrics").ask("/vmalert/api/v1/rules").text,
        what="the end of the rule",
        within=60,
    )


def test_a_dashboard_of_grafanas_is_shown_and_has_values(page: Page, kube: Kube) -> None:
    files = {"page.json": json.dumps(_DASHBOARD), "bad.json": "{"}
    with _configured(kube, "of-a-test", {"grafana_dashboard": "1"}, files):
        expression = until(lambda: _expression(page("metrics")), what="the dashboard", within=60)

    assert expression == '100 * (count(kube_pod_info{namespace="default"}))'


def _expression(metrics: Site) -> str | None:
    for each in metrics.ask("/vmui/custom-dashboards").json["dashboardsSettings"] or []:
        if each["title"] == "of a test":
            return str(each["rows"][0]["panels"][0]["expr"][0])
    return None


def test_the_clusters_state_is_told_as_kube_state_metrics_tells_it(page: Page, kube: Kube) -> None:
    maximum = {name_of(each): each["spec"]["maxReplicas"] for each in kube.all("horizontalpodautoscalers")}
    for name, most in maximum.items():
        query = (
            "kube_horizontalpodautoscaler_spec_max_replicas"
            f'{{namespace="{kube.namespace}",horizontalpodautoscaler="{name}"}}'
        )
        until(lambda query=query, most=most: _value(page("metrics"), query) == most, what=name, within=60)  # type: ignore[misc]
    used = f'kube_resourcequota{{namespace="{kube.namespace}",type="used",resource="pods"}}'
    until(lambda: _value(page("metrics"), used) > 0, what="the quota", within=60)

    assert maximum


def test_the_requests_of_a_service_are_served_to_autoscalers_by_a_server_that_is_verified(
    observed: Ran, kube: Kube, site: Site, figures: Figures
) -> None:
    assert observed
    command = documented(
        "kubectl get --raw /apis/custom.metrics.k8s.io/v1beta2/namespaces/feastflow-dev"
        "/services/feastflow-backend/http_requests_per_second",
        {"feastflow-dev": kube.namespace},
    )
    words = command.split()[1:]
    (api,) = (each for each in kube.all("apiservices") if name_of(each) in rendering.apis())
    assert api["spec"]["caBundle"]
    assert "insecureSkipTLSVerify" not in api["spec"]

    def counted() -> bool:
        site.ask("/api/menu")
        ran = kube.ask(*words)
        return ran.code == 0 and not json.loads(ran.out)["items"][0]["value"].startswith("0")

    figures.seconds("from requests to an autoscaler's figure", _measured(counted, "the figure", 120))


def test_a_drills_moments_are_in_the_stores_and_the_stores_figures_in_the_drills(
    product: Product, page: Page, site: Site
) -> None:
    assert site.answers()
    ran = product.with_variables(RATE="20").drill("backend-killed")
    # Exit code 1 means that something took longer than wanted, which the suite's own load may cause.
    assert ran.code in (0, 1), ran
    text = (product.root / "artifacts" / "drills" / "drills.json").read_text(encoding="utf-8")
    (run,) = json.loads(text)[0]["runs"]
    seen = run["observed"]

    assert seen["unknown"] == []
    assert max(value for _, value in seen["requests"]) > 0
    assert max(value for _, value in seen["lines"]) > 0
    assert {each["service"] for each in seen["spans"]} >= {"traefik"}
    wanted = {"steady load", "broken", "restored", "repaired"}
    until(
        lambda: {each["moment"] for each in _lines(page("logs"), 'drill:="backend-killed"')} >= wanted,
        what="its lines",
        within=_LOG_SECONDS,
    )
    series = f'last_over_time({annotations.SERIES}{{drill="backend-killed",moment="broken"}}[1h])'
    until(lambda: _value(page("metrics"), f"count({series})") == 1, what="its series", within=_METRIC_SECONDS)


@pytest.fixture
def stranger(kube: Kube) -> Iterator[Callable[[str, int], bool]]:
    """Yield whether a pod of no part reaches an address."""
    image = "docker.io/library/busybox:1.35"
    kube.run(
        *("run", _STRANGER, "--namespace", "default", f"--image={image}", "--image-pull-policy=Never"),
        *("--restart=Never", "--", "sleep", "600"),
    )
    kube.run("wait", "--namespace", "default", "--for=condition=Ready", f"pod/{_STRANGER}", "--timeout=60s")

    def reaches(address: str, port: int) -> bool:
        ask = ("sh", "-c", 'nc -w 3 "$0" "$1" </dev/null', address, str(port))
        return kube.ask("exec", _STRANGER, "--namespace", "default", "--", *ask).code == 0

    yield reaches
    kube.run("delete", "pod", _STRANGER, "--namespace", "default", "--now")


def test_no_pod_of_another_namespace_reaches_a_store_or_the_edges_figures(
    observed: Ran, kube: Kube, stranger: Callable[[str, int], bool]
) -> None:
    assert observed
    pods = {name_of(pod): pod for pod in kube.all("pods", "--namespace", NAMESPACE)}
    edge = kube.all("pods", "--namespace", "traefik")[0]["status"]["podIP"]
    ports = {"metrics": 8428, "rules": 8880, "alerts": 9093, "logs": 9428, "traces": 9411, "state": 8080}
    for name, port in ports.items():
        (pod,) = (pod for full, pod in pods.items() if full.startswith(f"{name}-"))
        assert not stranger(pod["status"]["podIP"], port), name
    assert not stranger(edge, 9000)
    assert stranger(edge, 8000)
    (collector,) = (pod for full, pod in pods.items() if full.startswith("collector-"))
    assert stranger(collector["status"]["podIP"], 4318)


def test_a_second_run_changes_nothing(product: Product, observed: Ran, kube: Kube, figures: Figures) -> None:
    assert observed
    known = _versions(kube)
    started = time.monotonic()
    _observe(product)

    figures.seconds("make observe again", time.monotonic() - started)
    assert _versions(kube) == known


def _versions(kube: Kube) -> dict[str, str]:
    """Return what changes with each change of an object of ours: pods by uid, others by what they say."""
    found = {}
    for namespace in (NAMESPACE, NODES_NAMESPACE):
        for pod in kube.all("pods", "--namespace", namespace):
            found[name_of(pod)] = pod["metadata"]["uid"]
    for each in kube.all(_KINDS, "--all-namespaces", "--selector", rendering.SELECTOR):
        metadata = each["metadata"]
        key = f"{each['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"
        found[key] = json.dumps(
            [metadata.get("generation"), metadata["uid"], metadata["labels"], each.get("data")]
        )
    return found


def test_all_of_it_uses_less_than_a_gibibyte(observed: Ran, kube: Kube, figures: Figures) -> None:
    assert observed
    used: dict[str, float] = {}

    def measured() -> bool:
        for namespace, least in ((NAMESPACE, 8), (NODES_NAMESPACE, 3)):
            path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
            items = json.loads(kube.run("get", "--raw", path))["items"]
            if len(items) < least:
                return False
            for pod in items:
                used[f"{_part(pod)} in {pod['metadata']['name']}"] = sum(
                    _mib(each["usage"]["memory"]) for each in pod["containers"]
                )
        return True

    until(measured, what="the pods' memory", within=120)
    for name, mib in sorted(used.items()):
        figures.mebibytes(f"memory of {name.split(' in ')[0]}", mib)
    figures.mebibytes("memory of observability", sum(used.values()), f"{_MEMORY_MIB} MiB")
    assert sum(used.values()) < _MEMORY_MIB


def _part(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["app.kubernetes.io/name"])


def _mib(text: str) -> float:
    return float(text[:-2]) * _MIB[text[-2:]]


def test_the_end_leaves_nothing(
    product: Product, observed: Ran, before: dict[str, set[str]], kube: Kube, site: Site
) -> None:
    assert observed
    ran = _unobserve(product)

    assert f"deleting namespaces/{NAMESPACE}" in ran.out
    until(lambda: _everything(product, kube) == before, what="what was there before", within=60)
    assert "there is nothing of `make observe`" in _unobserve(product).out
    assert site.answers()
