"""Observability on the local cluster: stores of metrics, logs and traces, alerts, and what fills them."""
