# Stands in for ghcr.io/cloudnative-pg/postgresql:15: the same layout (programs on PATH, user 26), from Debian.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
# Debian gives group 26 to tapes.
RUN groupdel tape && groupadd --system --gid 26 postgres \
 && useradd --system --uid 26 --gid 26 --home-dir /var/lib/postgresql --shell /bin/sh postgres \
 && apt-get update \
 && mkdir -p /etc/postgresql-common \
 && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-15 \
 # A third of the image, for compiling queries just in time; without it PostgreSQL interprets them.
 && rm -f /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/*/libLLVM-14.so.1 \
 && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
USER 26:26
