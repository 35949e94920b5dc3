"""Versions and plural names of the kinds that the API server's policies judge.

Not a goal: ClusterRoles and ClusterRoleBindings. A binding's namespace selector lets every object of the
cluster pass through, so a policy about them would judge other people's.
"""

import json
from collections.abc import Mapping
from typing import Any

from .kinds import GROUPS

# Other projects' kinds, by group.
_OTHERS: Mapping[str, str] = {
    "apisix.apache.org/ApisixRoute": "apisixroutes",
    "cilium.io/CiliumNetworkPolicy": "ciliumnetworkpolicies",
    "configuration.konghq.com/TCPIngress": "tcpingresses",
    "configuration.konghq.com/UDPIngress": "udpingresses",
    "crd.projectcalico.org/NetworkPolicy": "networkpolicies",
    "gateway.networking.x-k8s.io/XListenerSet": "xlistenersets",
    "getambassador.io/Host": "hosts",
    "getambassador.io/Mapping": "mappings",
    "getambassador.io/TCPMapping": "tcpmappings",
    "k8s.nginx.org/TransportServer": "transportservers",
    "k8s.nginx.org/VirtualServer": "virtualservers",
    "multicluster.x-k8s.io/ServiceExport": "serviceexports",
    "networking.istio.io/EnvoyFilter": "envoyfilters",
    "networking.istio.io/Gateway": "gateways",
    "networking.istio.io/ServiceEntry": "serviceentries",
    "networking.istio.io/VirtualService": "virtualservices",
    "networking.istio.io/WorkloadEntry": "workloadentries",
    "projectcalico.org/NetworkPolicy": "networkpolicies",
    "projectcontour.io/HTTPProxy": "httpproxies",
    "route.openshift.io/Route": "routes",
    "serving.knative.dev/Service": "services",
    "traefik.containo.us/IngressRoute": "ingressroutes",
    "traefik.containo.us/IngressRouteTCP": "ingressroutetcps",
    "traefik.containo.us/IngressRouteUDP": "ingressrouteudps",
    "traefik.io/IngressRoute": "ingressroutes",
    "traefik.io/IngressRouteTCP": "ingressroutetcps",
    "traefik.io/IngressRouteUDP": "ingressrouteudps",
    "traefik.io/TraefikService": "traefikservices",
    "zalando.org/RouteGroup": "routegroups",
}
# The groups are in kinds.py, or before the kind.
_RESOURCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Cluster": ("v1", ("clusters",)),
    "ConfigMap": ("v1", ("configmaps",)),
    "CronJob": ("v1", ("cronjobs",)),
    "DaemonSet": ("v1", ("daemonsets",)),
    "Deployment": ("v1", ("deployments",)),
    "EndpointSlice": ("v1", ("endpointslices",)),
    "Endpoints": ("v1", ("endpoints",)),
    "GRPCRoute": ("v1", ("grpcroutes",)),
    "Gateway": ("v1", ("gateways",)),
    "HTTPRoute": ("v1", ("httproutes",)),
    "HorizontalPodAutoscaler": ("v2", ("horizontalpodautoscalers",)),
    "Ingress": ("v1", ("ingresses",)),
    "Job": ("v1", ("jobs",)),
    "JobSet": ("*", ("jobsets",)),
    "Namespace": ("v1", ("namespaces",)),
    "NetworkPolicy": ("v1", ("networkpolicies",)),
    # The last two are `kubectl debug` and a change of a running pod's resources.
    "Pod": ("v1", ("pods", "pods/ephemeralcontainers", "pods/resize")),
    "PodDisruptionBudget": ("v1", ("poddisruptionbudgets",)),
    "Pooler": ("v1", ("poolers",)),
    "ReferenceGrant": ("*", ("referencegrants",)),
    "ReplicaSet": ("v1", ("replicasets",)),
    "ReplicationController": ("v1", ("replicationcontrollers",)),
    "Role": ("v1", ("roles",)),
    "RoleBinding": ("v1", ("rolebindings",)),
    "Rollout": ("*", ("rollouts",)),
    "ScaledJob": ("*", ("scaledjobs",)),
    "Secret": ("v1", ("secrets",)),
    "Service": ("v1", ("services",)),
    "ServiceAccount": ("v1", ("serviceaccounts",)),
    "StatefulSet": ("v1", ("statefulsets",)),
    "TCPRoute": ("*", ("tcproutes",)),
    "TLSRoute": ("*", ("tlsroutes",)),
    "UDPRoute": ("*", ("udproutes",)),
    **{kind: ("*", (plural,)) for kind, plural in _OTHERS.items()},
}
KINDS = tuple(_RESOURCES)
# The groups whose kinds the table calls by their names alone.
_OWN = sorted({GROUPS[kind] for kind in KINDS if kind in GROUPS})
# As `kinds.kind_of` names it: another project's `Cluster` is another kind.
KIND_NAME = f'(request.kind.group in {json.dumps(_OWN)} ? "" : request.kind.group + "/") + request.kind.kind'


def group(kind: str) -> str:
    """Return the API group of a kind of the table."""
    return GROUPS[kind] if kind in GROUPS else kind.rpartition("/")[0]


def resource_rule(kind: str) -> dict[str, Any]:
    """Return the part of `matchConstraints` that has a kind judged whenever it is created or changed.

    It is about any group, and `KIND_NAME` tells them apart: where groups are named, a controller of the
    cluster checks each expression's types for each kind, which takes a processor minutes; see decision 61.
    """
    version, resources = _RESOURCES[kind]
    return {
        "apiGroups": ["*"],
        "apiVersions": [version],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
        "scope": "*",
    }
