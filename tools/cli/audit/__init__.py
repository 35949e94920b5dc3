"""Audit: who may do what in a stack's namespace, read from the RBAC objects that are live."""
