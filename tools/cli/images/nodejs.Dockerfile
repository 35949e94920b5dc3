# Stands in for node:24-bookworm-slim: Node as npm has it.
ARG BASE_IMAGE=debian:bookworm-slim
ARG NPM_IMAGE
FROM ${NPM_IMAGE} AS npm

FROM ${BASE_IMAGE}
COPY --from=npm /usr/local/bin/node /usr/local/bin/node
