# The helper of local-path-provisioner: Debian's static busybox, nothing else.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS packages
RUN apt-get update \
 && apt-get install -y --no-install-recommends busybox-static \
 && mkdir -p /image/bin /image/tmp \
 && cp /bin/busybox /image/bin/busybox \
 && chroot /image /bin/busybox --install -s /bin
FROM scratch
COPY --from=packages /image/ /
