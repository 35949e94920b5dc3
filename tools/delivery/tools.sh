#!/bin/sh
# Compiles what describes, scans and signs images into a folder. Go checks every module against its public log of
# checksums, so that a version is its bytes: https://go.dev/ref/mod#checksum-database
set -eu
mkdir -p "$1"
for program in \
  github.com/anchore/syft/cmd/syft@v1.57.1 \
  github.com/anchore/grype/cmd/grype@v0.121.3 \
  github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5; do
  GOBIN=$(cd "$1" && pwd) GOFLAGS= GONOSUMDB= GONOSUMCHECK= GOTOOLCHAIN=auto go install "$program"
done
