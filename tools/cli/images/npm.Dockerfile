# Stands in for node:24-bookworm where something is built: Node as npm has it, and Debian's npm, which runs by it.
# Behind a proxy that inspects TLS, give its CA: --secret id=ca,src=/path/to/ca-certificates.crt
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/node
COPY node/package.json node/package-lock.json ./
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
    npm ci --ignore-scripts --no-audit --no-fund \
 && ln node_modules/node-linux-*/bin/node /usr/local/bin/node
