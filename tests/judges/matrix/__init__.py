"""Every supported version of Kubernetes, judging the objects of many stacks without a cluster."""
