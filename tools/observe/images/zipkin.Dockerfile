# Zipkin: its jar, on Debian's Java.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
# Where documentation is left out, Java's links have no folder to be in.
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/*
COPY zipkin.jar /zipkin.jar
ENTRYPOINT ["/usr/bin/java"]
