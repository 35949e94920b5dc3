"""The programs that are compiled, their packages and versions. Versions of modules are in go/*/go.mod."""

from tools.toolchain.golang import Build

PULUMI = "3.218.0"
PULUMI_KUBERNETES = "4.25.0"
PULUMI_RANDOM = "4.19.0"
KUBERNETES = "1.36.4"
CLOUDNATIVE_PG = "1.30.0"

_K8S = "k8s.io/kubernetes/cmd"
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"

PULUMI_BUILD = Build(
    module="pulumi",
    programs={
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi": "pulumi",
        "./pulumi-resource-kubernetes": "pulumi-resource-kubernetes",
        "./pulumi-resource-random": "pulumi-resource-random",
    },
    variables={
        "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{PULUMI}",
        f"{_PROVIDER}/pkg/version.Version": PULUMI_KUBERNETES,
    },
    embeds={
        f"pulumi-resource-kubernetes/{name}": f"{_PROVIDER}//cmd/pulumi-resource-kubernetes/{name}"
        for name in ("schema.json", "terraform-mapping.json")
    },
    trimmed={
        "kubernetes-sdk": "github.com/pulumi/pulumi-kubernetes/sdk/v4",
        "kubernetes-provider": _PROVIDER,
    },
    gib=4,
)

PYTHON_HOST_BUILD = Build(
    module="pulumi-python",
    programs={"github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python": "pulumi-language-python"},
    gib=1,
)

_CLUSTER_VARIABLES = {
    "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES}",
    "k8s.io/component-base/version.gitMajor": "1",
    "k8s.io/component-base/version.gitMinor": "36",
    "k8s.io/component-base/version.gitTreeState": "clean",
    "k8s.io/client-go/pkg/version.gitVersion": f"v{KUBERNETES}",
}

KIND_BUILD = Build(
    module="cluster",
    programs={"sigs.k8s.io/kind": "kind", f"{_K8S}/kubectl": "kubectl"},
    variables=_CLUSTER_VARIABLES,
    gib=2,
)

NODE_BUILD = Build(
    module="cluster",
    programs={
        **{
            f"{_K8S}/{name}": name
            for name in ("kubeadm", "kubelet", "kubectl", "kube-proxy", "kube-scheduler")
        },
        f"{_K8S}/kube-apiserver": "kube-apiserver",
        f"{_K8S}/kube-controller-manager": "kube-controller-manager",
        "go.etcd.io/etcd/server/v3": "etcd",
        "./coredns": "coredns",
        "./pause": "pause",
        "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router": "kube-router",
        "sigs.k8s.io/metrics-server/cmd/metrics-server": "metrics-server",
    },
    trimmed={"kube-router": "github.com/cloudnativelabs/kube-router/v2"},
    variables=_CLUSTER_VARIABLES,
    gib=4,
)

TRAEFIK_BUILD = Build(
    module="traefik",
    trimmed={"traefik": "github.com/traefik/traefik/v3", "lego": "github.com/go-acme/lego/v5"},
    programs={"github.com/traefik/traefik/v3/cmd/traefik": "traefik"},
    variables={"github.com/traefik/traefik/v3/pkg/version.Version": "3.7.13"},
    gib=3,
)

OPERATOR_BUILD = Build(
    module="cloudnative-pg",
    programs={"github.com/cloudnative-pg/cloudnative-pg/cmd/manager": "cloudnative-pg"},
    variables={"github.com/cloudnative-pg/cloudnative-pg/pkg/versions.buildVersion": CLOUDNATIVE_PG},
    gib=2,
)

# A build of its own: it imports github.com/Sirupsen/logrus, which Go does not link with the small letters.
STORAGE_BUILD = Build(
    module="cluster",
    programs={"github.com/rancher/local-path-provisioner": "local-path-provisioner"},
    gib=1,
)

# What judges the program's manifests, for the tests alone: `make up` neither fetches nor compiles it.
JUDGES_BUILD = Build(
    module="judges",
    programs={
        "./podsecurity": "podsecurity",
        "github.com/yannh/kubeconform/cmd/kubeconform": "kubeconform",
    },
    gib=2,
)

# Compiles admission policies as API servers of several versions do, for the tests alone. A module of its own:
# only the newest library has the environments of all of them.
CEL_BUILD = Build(module="cel", programs={"./compile": "compile"}, gib=2)

# A module of its own: it does not compile with Kubernetes' libraries at the version of the evaluator above.
KUBE_SCORE_BUILD = Build(
    module="kube-score",
    programs={"github.com/zegl/kube-score/cmd/kube-score": "kube-score"},
    gib=2,
)

# Checks the workflows, for the tests alone. A module of its own: it shares nothing with the judges.
ACTIONLINT_BUILD = Build(
    module="actionlint",
    programs={"github.com/rhysd/actionlint/cmd/actionlint": "actionlint"},
    gib=1,
)

# A registry of images on loopback, for the tests alone: `crane registry serve`.
REGISTRY_BUILD = Build(
    module="registry", programs={"github.com/google/go-containerregistry/cmd/crane": "crane"}, gib=1
)

# Puts load on the site, for the drills alone: a small main on vegeta's library, whose own command does not
# tell when a request was due, and asks only once.
LOAD_BUILD = Build(module="vegeta", programs={"./load": "load"}, gib=1)

# Plays the kubelets where a real API server has no nodes, for the tests alone. A module of its own: it is
# written against newer Kubernetes libraries than the cluster is made of.
KWOK_BUILD = Build(module="kwok", programs={"sigs.k8s.io/kwok/cmd/kwok": "kwok"}, gib=2)

# The store of metrics, what evaluates the alert rules on it, and what tests them. One build: the three share
# nearly every package.
VICTORIAMETRICS = "1.151.0"
_VICTORIAMETRICS = "github.com/VictoriaMetrics/VictoriaMetrics"
VICTORIAMETRICS_BUILD = Build(
    module="victoriametrics",
    programs={
        f"{_VICTORIAMETRICS}/app/{name}": name for name in ("victoria-metrics", "vmalert", "vmalert-tool")
    },
    variables={f"{_VICTORIAMETRICS}/lib/buildinfo.Version": f"v{VICTORIAMETRICS}"},
    gib=2,
)

# The store of logs, what reads them on each node, and a small main that tells the others what Kubernetes
# holds: for `make observe` alone, as the two after it.
VICTORIALOGS = "1.52.1"
_VICTORIALOGS = "github.com/VictoriaMetrics/VictoriaLogs"
OBSERVE_BUILD = Build(
    module="observe",
    programs={
        f"{_VICTORIALOGS}/app/victoria-logs": "victoria-logs",
        f"{_VICTORIALOGS}/app/vlagent": "vlagent",
        "./companion": "companion",
    },
    trimmed={"victorialogs": "github.com/VictoriaMetrics/VictoriaLogs"},
    variables={"github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version": f"v{VICTORIALOGS}"},
    gib=1,
)

# A main of its own: upstream's distributions are not Go modules.
OTEL_COLLECTOR = "0.165.0"
COLLECTOR_BUILD = Build(
    module="otel-collector",
    programs={"./otel-collector": "otel-collector"},
    variables={"main.Version": f"v{OTEL_COLLECTOR}"},
    gib=2,
)

# With a page of our own: upstream's are built by npm and are not in its module.
ALERTMANAGER = "0.35.0"
ALERTMANAGER_BUILD = Build(
    module="alertmanager",
    programs={"github.com/prometheus/alertmanager/cmd/alertmanager": "alertmanager"},
    variables={"github.com/prometheus/common/version.Version": ALERTMANAGER},
    trimmed={"alertmanager": "github.com/prometheus/alertmanager"},
    gib=2,
)

# Serves requests a second to the autoscalers, for `make observe` alone. A module of its own: it stays with
# the Kubernetes libraries that it was written against.
PROMETHEUS_ADAPTER = "0.12.0"
ADAPTER_BUILD = Build(
    module="prometheus-adapter",
    programs={"sigs.k8s.io/prometheus-adapter/cmd/adapter": "prometheus-adapter"},
    gib=2,
)

# What the benchmark compares with, for `make bench` alone.
HELM = "4.3.2"
HELM_BUILD = Build(module="helm", programs={"helm.sh/helm/v4/cmd/helm": "helm"}, gib=4)

# The provider is a module of its own: it stays with the Kubernetes libraries that it was written against.
OPENTOFU = "1.12.6"
OPENTOFU_BUILD = Build(module="opentofu", programs={"github.com/opentofu/opentofu/cmd/tofu": "tofu"}, gib=4)
TOFU_KUBECTL = "1.19.0"
TOFU_KUBECTL_BUILD = Build(
    module="tofu-kubectl",
    programs={"github.com/gavinbunney/terraform-provider-kubectl": "terraform-provider-kubectl"},
    gib=4,
)

# A store for backups on the local cluster, for `make store` alone.
VERSITYGW = "1.8.0"
STORE_BUILD = Build(
    module="versitygw",
    programs={"github.com/versity/versitygw/cmd/versitygw": "versitygw"},
    variables={"main.Version": VERSITYGW},
    gib=2,
)

# What `make up` may compile.
ALL_BUILDS = (
    PYTHON_HOST_BUILD,
    PULUMI_BUILD,
    KIND_BUILD,
    NODE_BUILD,
    STORAGE_BUILD,
    TRAEFIK_BUILD,
    OPERATOR_BUILD,
)

TEST_BUILDS = (
    JUDGES_BUILD,
    CEL_BUILD,
    KUBE_SCORE_BUILD,
    ACTIONLINT_BUILD,
    REGISTRY_BUILD,
    LOAD_BUILD,
    KWOK_BUILD,
    VICTORIAMETRICS_BUILD,
)
# What `make observe` may compile, besides the store of metrics and vmalert.
OBSERVE_BUILDS = (OBSERVE_BUILD, COLLECTOR_BUILD, ALERTMANAGER_BUILD, ADAPTER_BUILD)
# What `make store` may compile.
STORE_BUILDS = (STORE_BUILD,)
BENCH_BUILDS = (HELM_BUILD, OPENTOFU_BUILD, TOFU_KUBECTL_BUILD)
