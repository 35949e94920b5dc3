# A kind node from Debian packages, compiled binaries and the files that kind's own module ships.
# Follows images/base/Dockerfile of that module, with Debian's containerd, runc and CNI plugins.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

COPY kind/files/usr/local/bin/ /usr/local/bin/
COPY kind/files/kind/ /kind/
COPY kind/files/etc/ /etc/
COPY service-addresses.service /etc/systemd/system/
RUN chmod -R u=rwX,go=rX /kind && chmod 0755 /kind/bin/* /usr/local/bin/entrypoint \
 && rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
      /lib/systemd/system/local-fs.target.wants/* /lib/systemd/system/sockets.target.wants/*udev* \
      /lib/systemd/system/sockets.target.wants/*initctl* /lib/systemd/system/basic.target.wants/* \
      /lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service \
      /etc/systemd/system/containerd-fuse-overlayfs.service \
 && echo "ReadKMsg=no" >> /etc/systemd/journald.conf \
 && systemctl enable kubelet.service containerd.service undo-mount-hacks.service service-addresses.service \
 && systemctl mask systemd-binfmt.service \
 # Without CAP_SYS_RESOURCE nothing may lower oom_score_adj, and every sandbox would die in runc.
 && sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml \
 && ctr oci spec \
    | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    > /etc/containerd/cri-base.json

ARG KUBERNETES_VERSION
ARG PAUSE_IMAGE
COPY bin/ /usr/bin/
COPY manifests/ /kind/manifests/
# What is in images.tar: a build's cache does not look into what is only mounted.
ARG IMAGES
RUN --mount=type=bind,source=images.tar,target=/images.tar set -eu; \
    echo "v${KUBERNETES_VERSION}" > /kind/version; \
    sed -i "s|sandbox_image = .*|sandbox_image = \"${PAUSE_IMAGE}\"|" /etc/containerd/config.toml; \
    containerd --log-level error & \
    for _ in $(seq 100); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done; \
    ctr --namespace k8s.io images import --all-platforms --no-unpack /images.tar; \
    kill "$!"; wait "$!" || true

ENV container=docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
