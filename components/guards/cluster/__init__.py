"""The cluster as the kubeconfig names it: how it is reached, and what is seen there without changing it."""
