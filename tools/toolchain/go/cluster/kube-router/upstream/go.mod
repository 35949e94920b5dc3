module feastflow/toolchain/cluster/kube-router/upstream

go 1.24.4

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/cloudnativelabs/kube-router/v2 v2.6.3

replace github.com/cloudnativelabs/kube-router/v2 => github.com/k3s-io/kube-router/v2 v2.6.3-k3s1
