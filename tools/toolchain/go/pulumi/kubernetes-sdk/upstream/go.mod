module feastflow/toolchain/pulumi/kubernetes-sdk/upstream

go 1.24.7

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/pulumi/pulumi-kubernetes/sdk/v4 v4.24.0
