"""The whole of FeastFlow on this machine: tools, cluster, images, state, `pulumi up`, and a look at the result."""
