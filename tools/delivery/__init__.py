"""Delivery: one comment on what a pull request would change, and the way from main to the clusters."""
