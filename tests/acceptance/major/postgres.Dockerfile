# PostgreSQL 17 for the tests of an upgrade: Debian trixie's, in the layout of the database's own image, and the two
# libraries of bookworm that its PostgreSQL 15 needs and trixie has not: CloudNativePG runs those programs here.
ARG BASE_IMAGE
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
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/barman

FROM ${BASE_IMAGE}
RUN groupdel tape && groupadd --system --gid 26 postgres \
 && useradd --system --uid 26 --gid 26 --home-dir /var/lib/postgresql --shell /bin/sh postgres \
 && apt-get update \
 && mkdir -p /etc/postgresql-common \
 && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-17 python3 \
 && rm -rf /usr/lib/postgresql/17/lib/llvmjit* /usr/lib/postgresql/17/lib/bitcode /usr/lib/*/libLLVM* \
 && sed 's/trixie/bookworm/g' /etc/apt/sources.list > /etc/apt/sources.list.d/bookworm.list \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libicu72 libldap-2.5-0 \
 && rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/bookworm.list
COPY --from=barman /opt/barman /opt/barman
RUN ln -s /opt/barman/bin/barman-cloud-* /usr/local/bin/
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
USER 26:26
