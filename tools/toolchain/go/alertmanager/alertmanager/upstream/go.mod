module feastflow/toolchain/alertmanager/alertmanager/upstream

go 1.26.0

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/prometheus/alertmanager v0.35.0
