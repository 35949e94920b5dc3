"""Failures, put on the running stacks under load, and what they cost: `make drill`."""
