"""Pulumi's engine, driven: its commands, and a run of it as its event stream tells it."""
