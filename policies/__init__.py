"""The policy pack: one table of rules for workloads on Kubernetes, held at preview and by the API server."""
