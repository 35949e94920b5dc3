"""Pulumi without a cluster: no kubeconfig is found, not even one that the machine happens to have.

The Kubernetes provider then compares the program with the state alone, as far as that goes.
"""

KUBECONFIG = "/nonexistent/kubeconfig"

ENVIRONMENT = {
    "KUBECONFIG": KUBECONFIG,
    # In a pod of a cluster the provider would take that cluster.
    "KUBERNETES_SERVICE_HOST": "",
}
