"""Workloads: the hardened pod, its environment, its place and its network, as every tier uses them."""
