# The helper of local-path-provisioner: Debian's static busybox, nothing else.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS packages
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static && /bin/busybox --install -s /usr/local/bin
FROM scratch
COPY --from=packages /bin/busybox /bin/busybox
COPY --from=packages /usr/local/bin/ /bin/
