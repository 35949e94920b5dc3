module feastflow/toolchain/traefik/traefik/upstream

go 1.26.0

// What is copied under ../: see `trimmed` in toolchain/golang.py.
require github.com/traefik/traefik/v3 v3.7.13
