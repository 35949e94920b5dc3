"""The parts: which program is what here, with which arguments, how large, and whom it reaches."""

from tools.observe.part import CERTIFICATE, COPIES, FILES, Part, Size

# A stack labels the ConfigMaps of its alert rules and of its dashboards with these.
RULES_LABEL = "prometheus_rule=1"
DASHBOARDS_LABEL = "grafana_dashboard=1"

_DATA = "/data"
_READ = ["get", "list", "watch"]


def _copying(label: str, what: str) -> tuple[str, ...]:
    return ("copy", f"-label={label}", f"-as={what}", f"-into={COPIES}")


_COPIES_CONFIGMAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}

METRICS = Part(
    name="metrics",
    program="victoria-metrics",
    args=(
        f"-storageDataPath={_DATA}",
        "-retentionPeriod=7d",
        # With few seconds between two values of a series, a request is found within the third.
        "-search.latencyOffset=1s",
        "-memory.allowedBytes=64MiB",
        # An application may invent labels without end: the number of series is bounded, too.
        "-storage.maxHourlySeries=100000",
        f"-promscrape.config={FILES}/scrape.yaml",
        "-promscrape.suppressScrapeErrors",
        "-promscrape.maxScrapeSize=8MiB",
        "-opentelemetry.usePrometheusNaming",
        f"-vmui.customDashboardsPath={COPIES}",
        "-vmalert.proxyURL=http://rules:8880",
        "-loggerFormat=json",
    ),
    ports={"http": 8428},
    health="/health",
    size=Size(cpu=("50m", "1"), memory=("96Mi", "256Mi")),
    files=("scrape.yaml",),
    stores={_DATA: 1024},
    reaches=("rules", "state"),
    rights=(
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": _READ},
        # The kubelet asks the API server whether its figures may be read.
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        _COPIES_CONFIGMAPS,
    ),
    companion=_copying(DASHBOARDS_LABEL, "dashboards"),
    hosts=(("metrics", "/", "http"),),
    scrapes=True,
)

RULES = Part(
    name="rules",
    program="vmalert",
    args=(
        f"-rule={COPIES}/*.yaml",
        "-configCheckInterval=5s",
        "-evaluationInterval=15s",
        "-rule.evalDelay=5s",
        "-datasource.url=http://metrics:8428",
        "-remoteWrite.url=http://metrics:8428",
        "-remoteRead.url=http://metrics:8428",
        "-notifier.url=http://alerts:9093",
        "-loggerFormat=json",
    ),
    ports={"http": 8880},
    health="/health",
    size=Size(cpu=("10m", "500m"), memory=("24Mi", "96Mi")),
    reaches=("metrics", "alerts"),
    rights=(_COPIES_CONFIGMAPS,),
    companion=_copying(RULES_LABEL, "rules"),
)

ALERTS = Part(
    name="alerts",
    program="alertmanager",
    args=(
        f"--config.file={FILES}/alertmanager.yaml",
        f"--storage.path={_DATA}",
        "--data.retention=72h",
        "--web.listen-address=:9093",
        # One pod has no others to agree with.
        "--cluster.listen-address=",
        "--log.format=json",
    ),
    ports={"http": 9093},
    health="/-/healthy",
    size=Size(cpu=("10m", "200m"), memory=("32Mi", "96Mi")),
    files=("alertmanager.yaml",),
    stores={_DATA: 64},
    reaches=("logs",),
    hosts=(("alerts", "/", "http"),),
)

LOGS = Part(
    name="logs",
    program="victoria-logs",
    args=(
        f"-storageDataPath={_DATA}",
        "-retentionPeriod=7d",
        "-retention.maxDiskSpaceUsageBytes=768MiB",
        "-memory.allowedBytes=64MiB",
        "-loggerFormat=json",
    ),
    ports={"http": 9428},
    health="/health",
    size=Size(cpu=("20m", "1"), memory=("48Mi", "192Mi")),
    stores={_DATA: 1024},
    hosts=(("logs", "/", "http"),),
)

LOG_AGENT = Part(
    name="log-agent",
    program="vlagent",
    args=(
        "-kubernetesCollector",
        # A line about a line that was sent would be sent, too.
        '-kubernetesCollector.excludeFilter=kubernetes.pod_namespace:="observability-nodes"',
        "-remoteWrite.url=http://logs.observability:9428/insert/native",
        # The least that it takes; lines wait there while the store is away.
        "-remoteWrite.maxDiskUsagePerURL=513MiB",
        f"-tmpDataPath={_DATA}",
        "-memory.allowedBytes=16MiB",
        "-loggerFormat=json",
    ),
    ports={"http": 9429},
    health="/health",
    size=Size(cpu=("10m", "200m"), memory=("24Mi", "96Mi")),
    stores={_DATA: 640},
    reaches=("logs",),
    rights=(
        {"apiGroups": [""], "resources": ["pods"], "verbs": _READ},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
    ),
    every_node=True,
)

TRACES = Part(
    name="traces",
    program="zipkin",
    args=(
        "-Xms48m",
        "-Xmx128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:MaxMetaspaceSize=128m",
        "-XX:ReservedCodeCacheSize=48m",
        "-Xss512k",
        "-jar",
        "/zipkin.jar",
        # In memory, the oldest traces making room: https://github.com/openzipkin/zipkin/tree/master/zipkin-server
        "--zipkin.storage.mem.max-spans=50000",
        "--zipkin.self-tracing.enabled=false",
    ),
    ports={"http": 9411},
    health="/health",
    metrics="/prometheus",
    size=Size(cpu=("20m", "1"), memory=("208Mi", "352Mi")),
    stores={"/tmp": 128},  # noqa: S108 - of the container, where the JVM unpacks what it links to
    hosts=(("traces", "/", "http"),),
    slow_start_seconds=120,
)

COLLECTOR = Part(
    name="collector",
    program="otel-collector",
    args=(f"--config=file:{FILES}/collector.yaml",),
    ports={"health": 13133, "http": 4318, "grpc": 4317},
    health="/",
    metrics=None,
    size=Size(cpu=("10m", "500m"), memory=("40Mi", "128Mi")),
    files=("collector.yaml",),
    reaches=("traces", "metrics"),
    # What a page in the user's browser, or a program on the machine, measured.
    hosts=(("traces", "/v1/traces", "http"),),
    every_namespace=("http", "grpc"),
)

STATE = Part(
    name="state",
    program="companion",
    args=("state", "-listen=:8080"),
    ports={"http": 8080},
    health="/health",
    metrics=None,
    size=Size(cpu=("10m", "200m"), memory=("16Mi", "64Mi")),
    rights=(
        {"apiGroups": [""], "resources": ["pods", "nodes", "resourcequotas"], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["list"]},
        {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": ["list"]},
    ),
)

ADAPTER = Part(
    name="adapter",
    program="prometheus-adapter",
    args=(
        "--prometheus-url=http://metrics:8428",
        f"--config={FILES}/adapter.yaml",
        # From the first request that the edge has ever seen until an autoscaler may ask for them.
        "--metrics-relist-interval=15s",
        "--metrics-max-age=5m",
        "--secure-port=6443",
        f"--tls-cert-file={CERTIFICATE}/tls.crt",
        f"--tls-private-key-file={CERTIFICATE}/tls.key",
    ),
    ports={"https": 6443},
    health="/livez",
    metrics=None,
    size=Size(cpu=("10m", "200m"), memory=("40Mi", "128Mi")),
    files=("adapter.yaml",),
    reaches=("metrics",),
    # Who asks is told by the API server; it needs to know that server's authority, and what the asker may do.
    rights=(
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["extension-apiserver-authentication"],
            "verbs": _READ,
        },
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ),
    serves="custom.metrics.k8s.io/v1beta2",
)

PARTS = (METRICS, RULES, ALERTS, LOGS, LOG_AGENT, TRACES, COLLECTOR, STATE, ADAPTER)
