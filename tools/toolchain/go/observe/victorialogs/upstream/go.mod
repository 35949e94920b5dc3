module feastflow/toolchain/observe/victorialogs/upstream

go 1.26.6

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/VictoriaMetrics/VictoriaLogs v1.52.1
