# Stands in for ghcr.io/cloudnative-pg/postgresql:15: the same layout (programs on PATH, user 26), from Debian, and
# barman-cloud for backups, from PyPI by its hashes.
# Behind a proxy that inspects TLS, give its CA: --secret id=ca,src=/path/to/ca-certificates.crt
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS barman
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY barman.txt /build/
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    python3 -m venv /opt/barman \
 && /opt/barman/bin/python3 -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps \
        --requirement /build/barman.txt \
 && /opt/barman/bin/python3 -m pip uninstall --yes --quiet setuptools pip \
 # The running container has a read-only root.
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/barman

FROM ${BASE_IMAGE}
# Debian gives group 26 to tapes.
RUN groupdel tape && groupadd --system --gid 26 postgres \
 && useradd --system --uid 26 --gid 26 --home-dir /var/lib/postgresql --shell /bin/sh postgres \
 && apt-get update \
 && mkdir -p /etc/postgresql-common \
 && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-15 python3 \
 # A third of the image, for compiling queries just in time; without it PostgreSQL interprets them.
 && rm -f /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/*/libLLVM-14.so.1 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=barman /opt/barman /opt/barman
RUN ln -s /opt/barman/bin/barman-cloud-* /usr/local/bin/
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
USER 26:26
