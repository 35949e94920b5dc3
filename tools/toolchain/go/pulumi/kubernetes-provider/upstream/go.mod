module feastflow/toolchain/pulumi/kubernetes-provider/upstream

go 1.24.7

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/pulumi/pulumi-kubernetes/provider/v4 v4.0.0-20260115033456-f47bc2d6f199
