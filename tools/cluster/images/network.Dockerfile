# What kube-proxy and kube-router call: the tools of the kernel's packet filter.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      conntrack iproute2 ipset iptables kmod nftables \
 && rm -rf /var/lib/apt/lists/*
