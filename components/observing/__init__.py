"""Service levels as code: recording rules, alerts and dashboards from a stack's settings. No resources."""
