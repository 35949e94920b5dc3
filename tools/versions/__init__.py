"""Versions: pins, what the registries serve, until when each is supported, and known vulnerabilities.

`support.toml` is written by hand; `served.json` and `audits.json` by `make versions` with ASK=yes and
AUDIT=yes. The table and the page docs/versions.md need no network.
"""
