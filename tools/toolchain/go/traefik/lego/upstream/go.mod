module feastflow/toolchain/traefik/lego/upstream

go 1.26.0

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/go-acme/lego/v5 v5.4.1
