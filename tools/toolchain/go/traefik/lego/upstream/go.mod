module feastflow/toolchain/traefik/lego/upstream

go 1.24.4

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/go-acme/lego/v4 v4.25.2
