# Debian's packages of a node: systemd, containerd and what Kubernetes calls. Built while that compiles.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      bash ca-certificates conntrack containerd containernetworking-plugins curl ethtool iproute2 ipset iptables \
      jq kmod mount nftables procps runc systemd systemd-sysv util-linux \
 && rm -rf /var/lib/apt/lists/* /etc/cni/net.d/* \
 && mkdir -p /opt/cni/bin /etc/kubernetes/manifests \
 && cp -a /usr/lib/cni/* /opt/cni/bin/ \
 && ln -s /usr/bin/containerd /usr/bin/ctr /usr/bin/containerd-shim-runc-v2 /usr/local/bin/
