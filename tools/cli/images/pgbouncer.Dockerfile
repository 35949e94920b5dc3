# Stands in for ghcr.io/cloudnative-pg/pgbouncer: PgBouncer on PATH and sh, from Debian 13, since Debian 12 has 1.18, which
# loses prepared statements.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS packages
WORKDIR /build
COPY pgbouncer.sh /build/
RUN sh pgbouncer.sh
FROM scratch
COPY --from=packages /build/image/ /
ENV PATH=/usr/sbin:/usr/bin
USER 10001:10001
