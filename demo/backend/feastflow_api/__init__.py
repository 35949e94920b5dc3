"""FeastFlow's API: a menu, orders, and the probes a Kubernetes deployment relies on."""
