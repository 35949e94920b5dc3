"""What a workload on Kubernetes must keep to: one table of rules, held at preview and by the API server."""
