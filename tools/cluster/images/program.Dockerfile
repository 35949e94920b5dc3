# One static program: the control plane, the add-ons, the pause container. `rootfs` holds it as /program, and
# links to it under the name by which manifests call it.
ARG BASE_IMAGE=scratch
FROM ${BASE_IMAGE}
COPY rootfs/ /
ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["/program"]
