"""The namespace as plain manifests for GitOps: the same program, run against an engine that only records."""
