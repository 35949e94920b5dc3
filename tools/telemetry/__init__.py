"""Questions to what observes the local cluster: figures, lines of logs, traces, the figures of a canary."""
