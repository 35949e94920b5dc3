"""The whole of FeastFlow on this machine: tools, cluster, images, state, `pulumi up`, a look at it all."""
