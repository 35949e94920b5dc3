"""Drift: what a stack deployed, compared with what is live as the API server sees it, and its repair."""
