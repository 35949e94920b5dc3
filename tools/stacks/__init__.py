"""A stack on a cluster: where its settings and state are, who holds it, and Pulumi for it. No commands."""
