"""A real local Kubernetes, kind with its add-ons, for a machine without a cluster. A thin driver."""
